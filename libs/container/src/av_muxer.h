// The one wrapper of libavformat's writing side: packets in, an MP4 or Matroska file out. Packet bytes are
// stored as given; nothing here looks into them.
#pragma once

#include <memory>
#include <span>

#include "camvault/base/file.h"
#include "camvault/container/writer.h"
#include "track.h"

namespace camvault::container {

struct MuxerOptions {
  FileFormat format = FileFormat::mp4;  // mp4 (in fragments) or matroska
  bool live = false;                    // MP4: the header goes out at once, not with the first fragment
};

class AvMuxer {
 public:
  // Whether the format can hold this track. Of timed metadata MP4 holds the samples, as bytes; what they are
  // is said by the index (add_mp4_index), without which they are nobody's.
  static bool can_hold(FileFormat format, const Track& track);

  // `file` is open for reading and writing, and empty.
  static Result<AvMuxer> create(UniqueFd file, std::span<const Track> tracks, const MuxerOptions& options);
  ~AvMuxer();
  AvMuxer(AvMuxer&&) noexcept;
  AvMuxer& operator=(AvMuxer&&) noexcept;

  // Times in ticks of the track's time base. Decoding times that do not grow are lifted above the last one.
  Status write(const Packet& packet);
  // Ends the file and hands it back, still open.
  Result<UniqueFd> finish();
  std::uint64_t bytes_written() const;

 private:
  struct Impl;
  explicit AvMuxer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace camvault::container
