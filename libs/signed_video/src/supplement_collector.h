// The signer's side of the supplement: remembers what passes until a (partial) GOP ends.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "camvault/crypto/engine.h"
#include "parameter_set_table.h"
#include "supplement_message.h"

namespace camvault::signed_video {

class SupplementCollector {
 public:
  SupplementCollector(const crypto::Engine& engine, codec::Codec codec)
      : engine_(engine), codec_(codec), table_(engine, codec) {}

  // A unit that is no slice; those that stand behind a picture's slices belong to the next picture, but for
  // H.265's suffix SEIs (ITU-T H.264 7.4.1.2.3, H.265 7.4.2.4.4).
  void add_unit(BytesView unit, const codec::UnitInfo& info);
  // Of the container's header: a parameter set, or an SEI, which stands for all pictures.
  void add_header_unit(BytesView unit, const codec::UnitInfo& info);
  // A picture that the GOP's hash list covers.
  void begin_picture(std::optional<Ticks> presentation);
  Status add_sample(const SideSample& sample);

  // The (partial) GOP ends. `first_slices`: the hash of each picture's. The caller fills in counter, flags,
  // hash and link.
  GopSection close_gop(std::span<const crypto::Digest> first_slices);
  std::vector<TrackSection> take_tracks();

 private:
  struct Track {
    SideKind kind = SideKind::audio;
    std::uint64_t count = 0;
    std::unique_ptr<crypto::Hasher> run;
    TrackSection section;
  };
  static constexpr std::size_t kMaxTracks = 32;
  static constexpr std::size_t kMaxUnits = 65'535;  // of a GOP, and of a picture

  void take_run(Track& track);

  const crypto::Engine& engine_;
  codec::Codec codec_;
  ParameterSetTable table_;
  std::uint16_t header_seis_ = 0;
  GopSection gop_;
  std::vector<SignedUnit> waiting_;  // for their picture
  std::map<std::uint32_t, Track> tracks_;
  std::vector<TrackSection> full_;
};

// Difference in steps of 10 us, rounded; kNoOffset when it does not fit.
std::int32_t offset_of(std::int64_t time, std::int64_t base);
// The first eight bytes, big endian.
std::uint64_t tag_of(const crypto::Digest& digest);
// H.265 suffix SEIs belong to the picture before them.
bool belongs_to_picture_before(codec::Codec codec, std::uint8_t type);

}  // namespace camvault::signed_video
