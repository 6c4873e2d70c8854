// The one wrapper of decoders. Runs inside the sandbox only.
#pragma once

#include <cstdint>

#include "camvault/codec/unit.h"

namespace camvault::container {

// From the parent: records of kind, picture number and size, then that many bytes. Pictures are byte streams.
enum class ThumbnailRequest : std::uint32_t { picture = 1, wanted_picture = 2, flush = 3 };
constexpr std::size_t kThumbnailHeaderSize = 16;  // u32 kind or 0, u64 picture, u32 size
// To the parent, after each flush: a record of kind wanted_picture with a JPEG for each one, then one of kind
// flush.
constexpr std::uint32_t kMaxThumbnailSize = 4u << 20;

int run_thumbnailer(codec::Codec codec, std::uint32_t width, int from_parent, int to_parent);

}  // namespace camvault::container
