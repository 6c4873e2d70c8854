// Three honest forgeries of a recording, made on the level of NAL units so that the results play like the
// original: what an attacker with an editor and no key can do. For the demo and nothing else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "camvault/base/result.h"
#include "camvault/base/time.h"

namespace camvault::cli {

struct Forgery {
  std::filesystem::path file;
  std::string what;                            // "picture 187 altered, 0:07.480 into the clip"
  std::string expected_verdict;                // as in the JSON report
  std::string expected_kind;                   // that some listed frame must have
  std::vector<std::uint64_t> expected_frames;  // that must be listed with this kind; empty: any
};

struct ForgedFiles {
  std::filesystem::path altered;
  std::filesystem::path cut;
  std::filesystem::path swapped;
};

// The recording must have at least three GOPs. At most kMaxRecording bytes: all of it is held in memory.
inline constexpr std::uint64_t kMaxRecording = std::uint64_t{2} << 30;
Result<std::vector<Forgery>> forge(const std::filesystem::path& recording, const ForgedFiles& files);

}  // namespace camvault::cli
