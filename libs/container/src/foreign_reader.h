// Packets of a container that libavformat reads in a sandboxed child.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "demux_protocol.h"
#include "sandbox.h"

namespace camvault::container {

class ForeignReader {
 public:
  static Result<ForeignReader> open(const std::filesystem::path& path);

  const std::vector<Track>& tracks() const { return tracks_; }
  // The first H.264, H.265 or AV1 track.
  std::optional<std::uint32_t> video_track() const;

  // The next packet without its data; nothing at the end. Its data must then be taken before the next call.
  Result<std::optional<Record>> next();
  Status take_payload(std::uint8_t* data, std::size_t size);

  Status rewind();

 private:
  static constexpr std::chrono::seconds kPatience{60};  // for the next record: files can lie on slow disks

  explicit ForeignReader(UniqueFd file) : file_(std::move(file)) {}
  Status start();

  UniqueFd file_;
  std::optional<SandboxedChild> child_;
  std::vector<Track> tracks_;
};

// In place of a length size: the samples are OBUs of AV1, which say their own.
inline constexpr unsigned kObus = 0xff;

// The units of a sample, as views: behind lengths of `length_size` bytes, or behind start codes when it is 0.
// What is left at the end and is no whole unit is an error.
Status split_sample(BytesView sample, unsigned length_size, std::vector<BytesView>& units);

// Bytes per length in a track's samples: from avcC or hvcC; 0 when the track holds start codes.
Result<unsigned> length_size_of(const Track& track);

}  // namespace camvault::container
