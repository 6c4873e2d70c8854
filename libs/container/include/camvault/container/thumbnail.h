// Small pictures of places in a clip, for reports. Decoding happens in a sandboxed child process: decoders
// are large C code, and the clips that reports are about are the ones somebody tampered with.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "camvault/base/bytes.h"
#include "camvault/codec/unit.h"

namespace camvault::container {

struct ThumbnailOptions {
  std::uint32_t width = 320;                   // pixels, 16 to 1920; the height follows
  std::chrono::milliseconds patience{20'000};  // for all of them, waiting and processor time alike
  std::optional<codec::Codec> codec;           // of a raw stream, when it does not say
};

struct Thumbnails {
  std::map<std::uint64_t, Bytes>
      jpeg;                // by picture: JPEG files. Pictures that do not decode at all are left out
  std::string incomplete;  // why some are missing: the decoder crashed, the time was over; else empty
};

inline constexpr std::size_t kMaxThumbnails = 200;

// `pictures` are counted in this file, in decoding order, from 0, by their first slices: a picture that was
// removed from the file is not counted. Decoding begins at the keyframe before. An error when the clip cannot
// be read, never for what the decoder does.
Result<Thumbnails> make_thumbnails(const std::filesystem::path& clip, std::span<const std::uint64_t> pictures,
                                   const ThumbnailOptions& options = {});

// Which picture the units at these places of the file belong to (Unit::offset, as findings of a report name
// them). Units between pictures count for the next one. Places where no unit begins are left out.
Result<std::map<std::uint64_t, std::uint64_t>> pictures_at(const std::filesystem::path& clip,
                                                           std::span<const std::uint64_t> offsets,
                                                           std::optional<codec::Codec> codec = {});

}  // namespace camvault::container
