// A clip that the user named, recognised by content.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "camvault/codec/clip.h"

namespace camvault::cli {

struct ClipFile {
  std::unique_ptr<codec::UnitSource> units;
  std::uint64_t bytes = 0;  // of the file
};

// A regular file that is there and not empty, or an error that says what to do.
Status check_input(const std::filesystem::path& path);

// Errors say which file and what to do.
Result<ClipFile> open_clip_file(const std::filesystem::path& path, const codec::ClipOptions& options = {});

// "h264", "h265" or "av1"; empty means: guess.
Result<std::optional<codec::Codec>> codec_from_name(const std::string& name);

}  // namespace camvault::cli
