// Where the samples of the video track lie: by the tables of moov, or by fragments. Both walk lazily over the
// boxes; nothing is allocated per sample.
#pragma once

#include <memory>
#include <optional>

#include "camvault/base/time.h"
#include "clip_bytes.h"
#include "mp4_movie.h"

namespace camvault::codec::mp4 {

struct Sample {
  std::uint64_t offset = 0;  // in the file; may lie outside of it, as may the end: the caller checks
  std::uint32_t size = 0;
  std::uint8_t length_size = 4;
  std::uint32_t description = 1;  // sample entry that it uses, from 1
  std::optional<Timestamp> time;  // presentation time, 1970 = 0
};

class SampleSource {
 public:
  virtual ~SampleSource() = default;
  // The next sample in decoding order; an empty optional is the end. O(1) amortised over the bytes of the
  // tables.
  virtual Result<std::optional<Sample>> next() = 0;
  virtual void rewind() = 0;
};

// stsz, stsc, stco and relatives (ISO/IEC 14496-12, 8.6 and 8.7). `sample_count` is what stsz says.
struct TableSamples {
  std::unique_ptr<SampleSource> source;
  std::uint64_t sample_count = 0;
};
Result<TableSamples> open_tables(const VideoTrack& track, std::uint64_t file_size);

// moof boxes (8.8), in file order. `track` and the clip must outlive the source.
std::unique_ptr<SampleSource> open_fragments(ClipBytes clip, const VideoTrack& track,
                                             FragmentDefaults defaults);

// Ticks of 100 ns from units of a track; empty if there is no such instant.
std::optional<Timestamp> presentation_time(std::uint64_t decode_time, std::int64_t offset,
                                           std::uint32_t timescale);

}  // namespace camvault::codec::mp4
