// Reading the units of any clip. MP4 and raw streams are read by codec, over mapped memory; Matroska and
// MPEG-TS by libavformat in a sandboxed child process that can do nothing but read that one file.
#pragma once

#include <filesystem>
#include <memory>

#include "camvault/codec/clip.h"

namespace camvault::container {

// The source owns the file. Recognises the format by content. Units of Matroska and MPEG-TS are the bytes as
// stored (behind start codes in MPEG-TS); their `offset` is that of the block or packet that they begin in.
// One thread.
Result<std::unique_ptr<codec::UnitSource>> open_media(const std::filesystem::path& path,
                                                      const codec::ClipOptions& options = {});

// Matroska and MPEG-TS only, and whatever else libavformat says is MP4.
Result<std::unique_ptr<codec::UnitSource>> open_foreign(const std::filesystem::path& path);

}  // namespace camvault::container
