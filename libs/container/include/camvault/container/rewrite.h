// Copies a clip while somebody looks at every access unit and says what is written in its place: how units
// are signed, removed or forged in existing files. Sound and other tracks are copied as they are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "camvault/base/bytes.h"
#include "camvault/base/time.h"
#include "camvault/codec/side_sample.h"
#include "camvault/codec/unit.h"

namespace camvault::container {

struct SourceInfo {
  codec::Codec codec = codec::Codec::h264;
  std::uint32_t width = 0;  // pixels
  std::uint32_t height = 0;
  std::uint64_t size = 0;            // of the file in bytes
  bool has_times = false;            // raw streams have none: pictures get the frame rate of the options
  std::vector<Bytes> header_units;   // parameter sets of the container's header
  std::vector<std::string> kept;     // other tracks that are copied: "audio (aac)", ...
  std::vector<std::string> dropped;  // other tracks that the output format cannot hold
};

// One sample of MP4, one block of Matroska, or of a raw stream the units up to the next first slice with what
// stands before it (ITU-T H.264 7.4.1.2.3, H.265 7.4.2.4.4). Usually a picture.
struct SourceAccessUnit {
  std::span<const BytesView> units;
  std::uint64_t index = 0;  // in decoding order, from 0
  Ticks time{0};            // presentation time since the beginning of the clip
  std::optional<Ticks>
      presentation;  // as the output will have it, up to a constant; none where it has no times
  bool keyframe = false;
  std::uint64_t position = 0;  // about where in the file: for progress
};

class ClipEditor {
 public:
  virtual ~ClipEditor() = default;
  // Once, before the first access unit.
  virtual Status begin(const SourceInfo& source) = 0;
  // The units to write for this access unit, usually `access_unit.units` and more; none drops it with its
  // time. They must live until the next call. An error ends the copy.
  virtual Result<std::span<const BytesView>> edit(const SourceAccessUnit& access_unit) = 0;
  // A sample of sound or timed metadata that is copied; its time is on the clock of `presentation`.
  virtual Status side(const codec::SideSample& sample) {
    static_cast<void>(sample);
    return ok();
  }
  // Once, behind the last access unit: units to write behind it (end-of-stream SEIs).
  virtual Result<std::span<const BytesView>> end() = 0;
};

struct RewriteOptions {
  std::optional<codec::Codec> codec;  // of a raw stream; guessed from its parameter sets when not given
  double frames_per_second = 0;       // of a raw stream; 0 = as it says itself, else 25
  // The editor cuts a piece out: times begin as the source's did, with the first access unit that is written,
  // and other tracks are copied only where they stand among written access units.
  bool cut = false;
};

struct RewriteSummary {
  SourceInfo source;
  std::uint64_t access_units = 0;  // written
  std::uint64_t samples = 0;       // of other tracks
  std::uint64_t bytes = 0;         // of the output file
};

// `in`: MP4, fragmented MP4, Matroska, MPEG-TS (read in a sandboxed process) or a raw stream
// (AV1: OBUs or IVF, to .obu). `out`: what its
// name says (format_of_name). `out` appears when all is written, or not at all; it may be `in`. Memory does
// not grow with the clip.
Result<RewriteSummary> rewrite_clip(const std::filesystem::path& in, const std::filesystem::path& out,
                                    ClipEditor& editor, const RewriteOptions& options = {});

// For editors: `units` with `extra` before the first slice (at the end when there is none). Replaces
// `result`.
void insert_before_first_slice(codec::Codec codec, std::span<const BytesView> units,
                               std::span<const Bytes> extra, std::vector<BytesView>& result);

}  // namespace camvault::container
