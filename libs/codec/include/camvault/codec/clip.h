// Reading the video units of a clip that lies in memory (mapped file) or is read piece by piece: MP4,
// fragmented MP4, Annex B, AV1 as OBUs or in IVF, and units behind their lengths. Bytes and order of the
// units are exactly those of the file; nothing is converted.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "camvault/base/bytes.h"
#include "camvault/codec/byte_source.h"
#include "camvault/codec/side_sample.h"
#include "camvault/codec/unit.h"

namespace camvault::codec {

enum class ClipFormat : std::uint8_t {
  mp4,
  fragmented_mp4,
  annex_b,
  matroska,  // read by the module `container`, never here
  mpeg_ts,   // likewise
  obu,       // AV1 low-overhead bitstream (AV1 specification 5.2): OBUs, one after the other
  ivf,       // AV1 in IVF
  units,     // each unit behind its length of four bytes, big endian; cannot be recognised
};
std::string_view to_string(ClipFormat format);

struct ClipInfo {
  ClipFormat format = ClipFormat::annex_b;
  Codec codec = Codec::h264;
  std::uint32_t width = 0;  // pixels; 0 = unknown
  std::uint32_t height = 0;
  std::uint32_t timescale = 0;     // ticks per second; 0 = the container has no times
  std::uint64_t sample_count = 0;  // 0 = unknown until read
  bool bytes_stay = false;  // the clip lies in memory: bytes of units and samples live as long as the source
  // Tracks beside the video whose samples UnitSource::side() cannot give so that another container's would be
  // the same: PCM, which each container cuts as it likes.
  std::vector<std::string> not_comparable;
  std::vector<std::string> not_video;  // other tracks: "audio (mp4a)", "metadata (mett)", ...
};

// A source of units, in decoding order. A read returns a run of units that live until the next read; an empty
// run is the end.
class UnitSource {
 public:
  virtual ~UnitSource() = default;
  virtual const ClipInfo& info() const = 0;
  // At most kMaxRun units. A unit that the container cuts short (truncated file) ends the source with an
  // error, after the whole units before it were given.
  virtual Result<std::span<const Unit>> read() = 0;
  // With ClipOptions::everything: samples of other tracks that were not given yet, up to about the time of
  // the units that read() gave last; all that is left once that gave none. Empty runs of both are the end.
  // The samples live until the next call of either. A damaged track ends early; nothing else suffers from it.
  virtual std::span<const SideSample> side() { return {}; }
  // Starts again from the beginning.
  virtual Status rewind() = 0;

  static constexpr std::size_t kMaxRun = 1024;
};

struct ClipOptions {
  // Raw streams do not say which codec they are: guessed from parameter sets and slice headers when not
  // given.
  std::optional<Codec> codec;
  // The file holds units behind lengths of four bytes (ClipFormat::units); needs `codec`.
  bool units = false;
  // Also sound and timed metadata (UnitSource::side), and the parameter sets and SEIs of the container's
  // header as units (Unit::out_of_band) before the pictures that they are for. MP4 and Matroska have them.
  bool everything = false;
};

// EBML, that is Matroska or WebM: for the module `container`, and refused by open_clip().
bool looks_like_matroska(BytesView file);

// `file` must outlive the source. Recognises the format by content, never by file name.
// Errc::malformed and Errc::limit for what breaks its format, Errc::unsupported for Matroska, other codecs
// and encrypted video. Memory does not grow with the file. Confined to one thread.
Result<std::unique_ptr<UnitSource>> open_clip(BytesView file, const ClipOptions& options = {});

// The same units of a clip that is read piece by piece: a window of `window` bytes goes over it (more where
// one picture is larger), and the tables of contents (moov) are kept. Errc::limit for those above 256 MiB,
// and what the source itself says. A run can be shorter than kMaxRun before the end.
inline constexpr std::size_t kUsualWindow = 16u << 20;
Result<std::unique_ptr<UnitSource>> open_clip(ByteSource& file, const ClipOptions& options = {},
                                              std::size_t window = kUsualWindow);

}  // namespace camvault::codec
