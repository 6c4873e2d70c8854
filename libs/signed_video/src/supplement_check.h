// The verifier's side of the supplement: what stands in the clip beside the pictures' slices, compared with
// what the camera signed about it. Pictures themselves are judged by Coverage; here their first slices only
// serve to find the place that a supplement speaks about.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "camvault/crypto/engine.h"
#include "camvault/signed_video/report.h"
#include "parameter_set_table.h"
#include "side_check.h"
#include "supplement_message.h"
#include "time_check.h"

namespace camvault::signed_video {

class SupplementCheck {
 public:
  SupplementCheck(const crypto::Engine& engine, codec::Codec codec) : engine_(engine), codec_(codec) {}

  // The stream, in its order. `number`: picture in the clip.
  void add_picture(const crypto::Digest& first_slice, bool starts_gop, std::uint32_t number,
                   std::optional<std::int64_t> container_time);
  // Neither a slice nor a signature. What stands in the container's header comes with `out_of_band`.
  void add_unit(BytesView unit, const codec::UnitInfo& info, bool out_of_band);
  void add_sample(const SideSample& sample);
  void cannot_compare(std::string track) { not_comparable_.push_back(std::move(track)); }
  // The first pictures were hashed with another algorithm: their hashes, oldest first.
  void replace_hashes(const std::deque<crypto::Digest>& hashes);

  // A supplement whose signature is good. `gop`: where it stands, for the report.
  void take(Supplement supplement, std::uint32_t gop);
  // A signed GOP SEI. `promised`: the signer's certificate says that a supplement comes with it.
  void gop_signed(std::uint32_t counter, const crypto::Digest& gop_hash, bool promised, std::uint32_t gop);

  // A supplement with a good signature that speaks about other pictures than those around it: it says that
  // the camera writes them, no more.
  void found_elsewhere() { elsewhere_ = true; }

  // A network lost units here: a supplement may be among them.
  void lost_on_the_way() { lost_on_the_way_ = true; }

  struct Outcome {
    bool tampered = false;
    bool missing = false;
    std::string reason;  // what was found first, for the verdict's sentence
  };
  // Where the camera signed that its recording ends: the first picture behind, if there is one. Once all
  // supplements are taken.
  std::optional<std::uint32_t> ends_before() const;
  // The stream ends. Writes report.supplement and notes.
  Outcome finish(Report& report);

  // The recording before the one that runs now ended in order, as its last supplement says. While the first
  // one runs: that one.
  bool previous_ended() const { return at_first_supplement_ ? previous_ended_ : ended_; }

 private:
  struct Mention {
    codec::ParameterSetId id;
    Hash256 hash{};
    bool out_of_band = false;
  };
  struct Other {
    std::uint8_t type = 0;
    Hash256 hash{};
    friend bool operator==(const Other&, const Other&) = default;
  };
  struct Picture {
    crypto::Digest first_slice;
    bool starts_gop = false;
    std::uint32_t number = 0;
    std::optional<std::int64_t> time;
    std::vector<Mention> sets;  // that stand before it
    std::vector<Other> units;   // that belong to it
  };
  // One kind of finding: how often, and where first.
  struct Tally {
    std::uint64_t count = 0;
    std::uint32_t gop = 0;
    std::uint32_t picture = 0;
    void add(std::uint32_t in_gop, std::uint32_t in_picture, std::uint64_t times = 1) {
      if (count == 0) {
        gop = in_gop;
        picture = in_picture;
      }
      count += times;
    }
  };

  static constexpr std::size_t kMaxPictures = 200'000;
  static constexpr std::size_t kKeptGops = 80;  // more than a signer carries along
  static constexpr std::size_t kKeptPictures = 4096;
  static constexpr std::size_t kMaxUnitsOfPicture = 4096;
  static constexpr std::size_t kMaxTracks = 32;
  static constexpr std::size_t kMaxHeaderSets = 128;
  static constexpr std::size_t kMaxRemembered = 256;

  static constexpr std::size_t kMaxUnboundSamples = 200'000;
  static constexpr std::size_t kNotHere = SIZE_MAX;

  std::vector<std::size_t> locate(const GopSection& gop, std::size_t& end) const;
  std::optional<std::size_t> find_next(const GopSection& gop) const;
  void check_gop(const GopSection& gop, std::uint32_t in_gop);
  void pass_over(std::size_t count);
  void check_sets(const Picture& picture, const ParameterSetTable::Map& wanted,
                  const std::vector<codec::ParameterSetId>& changed, std::uint32_t in_gop);
  void check_units(const Picture& picture, std::span<const SignedUnit> wanted, std::uint32_t in_gop);
  void apply_sets(const Picture& picture);
  void compare_header(const SignedParameterSet& signed_set);
  void judge_sets();
  void bind_tracks(bool at_end);
  void take_track(const TrackSection& section);
  SideCheck::Pictures covered_pictures() const;
  void advance_tracks(bool at_end);
  void drop_front(std::size_t count);
  void check_tail();
  void write_tracks(Report& report, Outcome& outcome);
  void write_notes(Report& report, Outcome& outcome);

  const crypto::Engine& engine_;
  codec::Codec codec_;

  std::deque<Picture> pictures_;
  std::size_t gops_waiting_ = 0;
  std::vector<Mention> next_sets_;
  std::vector<Other> next_units_;
  ParameterSetTable::Map decoder_;  // as a decoder has it before pictures_.front()

  std::set<std::uint8_t> missing_types_;  // of sets that are not here
  std::set<std::uint8_t> foreign_types_;  // of sets that are here under numbers that the camera did not use
  std::vector<Mention> header_;           // sets that came with the container's header
  enum class Standing : std::uint8_t { unknown, covered, contradicted };
  std::vector<Standing> header_standing_;
  std::uint16_t header_seis_ = 0;
  std::set<std::pair<std::uint8_t, Hash256>> signed_header_seis_;  // tools move them into the stream

  std::vector<SignedUnit> lost_units_;  // of pictures directly before that are not here

  TimeCheck times_;
  bool gap_ = true;
  std::optional<std::int64_t> covered_begin_;
  std::optional<std::int64_t> covered_end_;

  std::optional<std::array<std::uint8_t, 16>> session_;
  std::uint32_t supplements_ = 0;
  bool elsewhere_ = false;
  std::uint32_t sessions_ = 0;
  bool ended_ = false;
  bool previous_ended_ = false;       // `ended_` when the running session began
  bool at_first_supplement_ = false;  // of the running session
  crypto::Digest next_;               // first slice of the picture that follows the last GOP that was found
  bool found_gop_ = false;
  std::optional<std::pair<crypto::Digest, std::uint32_t>> behind_;  // first picture behind that GOP
  std::uint64_t gops_checked_ = 0;
  std::optional<std::uint32_t> last_counter_;

  std::map<std::uint32_t, crypto::Digest> accompanied_;  // counters of recent sections
  bool lost_on_the_way_ = false;
  Tally without_promised_;
  Tally without_;

  std::map<std::uint32_t, SideCheck> tracks_;    // by number in the clip
  std::map<std::uint8_t, std::uint32_t> bound_;  // signed track -> track in the clip
  // Signed, not found in the clip so far, with their session.
  std::map<std::uint8_t, std::vector<std::pair<TrackSection, std::uint32_t>>> unbound_;
  std::size_t unbound_samples_ = 0;
  std::uint64_t signed_samples_[3] = {};

  std::uint64_t sets_found_ = 0;
  std::uint64_t sets_covered_ = 0;
  std::uint64_t units_found_ = 0;
  std::uint64_t units_covered_ = 0;
  std::uint64_t times_compared_ = 0;
  Tally sets_altered_, sets_missing_;
  Tally units_altered_, units_missing_, units_extra_;
  Tally times_altered_;
  Tally next_differs_, behind_end_;
  bool cut_at_end_ = false;
  std::vector<std::string> not_comparable_;
};

}  // namespace camvault::signed_video
