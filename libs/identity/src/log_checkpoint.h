// What a checkpoint in the issue log signs.
#pragma once

#include <string>
#include <string_view>

namespace camvault::identity {

// `line`: the checkpoint's own number; `previous`: the hash of the line before, which stands for all before
// it.
inline std::string checkpoint_text(std::uint64_t line, std::string_view previous, std::string_view time) {
  return "camvault issue log checkpoint 1\n" + std::to_string(line) + "\n" + std::string(previous) + "\n" +
         std::string(time) + "\n";
}

}  // namespace camvault::identity
