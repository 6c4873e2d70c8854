#include "camvault/codec/clip.h"

#include <algorithm>

#include "clip_sources.h"

namespace camvault::codec {

std::string_view to_string(ClipFormat format) {
  switch (format) {
    case ClipFormat::mp4:
      return "mp4";
    case ClipFormat::fragmented_mp4:
      return "fragmented_mp4";
    case ClipFormat::annex_b:
      return "annex_b";
    case ClipFormat::matroska:
      return "matroska";
    case ClipFormat::mpeg_ts:
      return "mpeg_ts";
  }
  return "unknown";
}

bool looks_like_matroska(BytesView file) {
  // RFC 8794, 11.2.1: every EBML document begins with this element.
  constexpr std::uint8_t kEbml[] = {0x1a, 0x45, 0xdf, 0xa3};
  return file.size() >= 4 && std::ranges::equal(file.first(4), kEbml);
}

Result<std::unique_ptr<UnitSource>> open_clip(BytesView file, const ClipOptions& options) {
  if (file.empty()) return fail(Errc::malformed, "the file is empty");
  if (looks_like_matroska(file)) return fail(Errc::unsupported, "Matroska is not read here");
  if (looks_like_mp4(file)) return open_mp4(file);
  return open_annex_b(file, options.codec);
}

}  // namespace camvault::codec
