#include "camvault/codec/clip.h"

#include <algorithm>

#include "clip_sources.h"

namespace camvault::codec {

std::string_view to_string(SideKind kind) {
  return kind == SideKind::audio ? "audio" : "metadata";
}

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
    case ClipFormat::obu:
      return "obu";
    case ClipFormat::ivf:
      return "ivf";
    case ClipFormat::units:
      return "units";
  }
  return "unknown";
}

bool looks_like_matroska(BytesView file) {
  // RFC 8794, 11.2.1: every EBML document begins with this element.
  constexpr std::uint8_t kEbml[] = {0x1a, 0x45, 0xdf, 0xa3};
  return file.size() >= 4 && equal(file.first(4), kEbml);
}

namespace {
Result<std::unique_ptr<UnitSource>> open(ClipBytes clip, const ClipOptions& options, std::size_t window) {
  constexpr std::uint64_t kLookedAt = 32;
  if (clip.size() == 0) return fail(Errc::malformed, "the file is empty");
  if (options.units) {
    if (!options.codec) return fail(Errc::usage, "units behind lengths do not say which codec they are");
    return open_units(clip, *options.codec, window);
  }
  Bytes keep;
  CAM_TRY(const auto head, clip.read(0, std::min(clip.size(), kLookedAt), keep));
  if (looks_like_matroska(head)) return fail(Errc::unsupported, "Matroska is not read here");
  if (looks_like_mp4(head)) return open_mp4(clip, window, options.everything);
  if (looks_like_ivf(head)) return open_ivf(clip, head, window);
  if (looks_like_obus(head) || options.codec == Codec::av1) return open_obus(clip, window);
  return open_annex_b(clip, options.codec, window);
}
}  // namespace

Result<std::unique_ptr<UnitSource>> open_clip(BytesView file, const ClipOptions& options) {
  return open(ClipBytes(file), options, kUsualWindow);
}

Result<std::unique_ptr<UnitSource>> open_clip(ByteSource& file, const ClipOptions& options,
                                              std::size_t window) {
  return open(ClipBytes(file), options, window);
}

}  // namespace camvault::codec
