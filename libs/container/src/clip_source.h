// Samples of any clip we can copy: a container read in the sandbox, or a raw stream in mapped memory.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "camvault/container/rewrite.h"
#include "track.h"

namespace camvault::container {

class ClipSource {
 public:
  virtual ~ClipSource() = default;

  struct Sample {
    Packet packet;                     // `data` of other tracks
    std::span<const BytesView> units;  // of the video track
  };

  virtual codec::Codec codec() const = 0;
  virtual const std::vector<Track>& tracks()
      const = 0;  // a raw stream has one video track without configuration
  virtual std::uint32_t video_track() const = 0;
  virtual bool has_times() const = 0;
  virtual std::uint64_t size() const = 0;
  // Until the next call. Nothing at the end.
  virtual Result<std::optional<Sample>> next() = 0;
};

Result<std::unique_ptr<ClipSource>> open_source(const std::filesystem::path& path,
                                                const RewriteOptions& options);

}  // namespace camvault::container
