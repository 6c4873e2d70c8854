// The heart of the verifier: which units does each SEI speak about, and what became of them?
//
// Hashable units wait until an SEI covers them. An SEI covers one (partial) GOP: usually the oldest units
// that wait, which one GOP hash settles. When that fails, the hash list is matched with the units that wait;
// what stands between the matches is altered, missing or extra. An SEI that matches nothing waits for the
// next one, which shows whether its GOP is gone or was changed as a whole.
//
// An unsigned SEI is itself a unit of a later GOP; what it says holds once that GOP is settled by a signed
// one.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "axis/message.h"
#include "camvault/signed_video/report.h"
#include "ledger.h"
#include "list_matcher.h"
#include "sei_message.h"

namespace camvault::signed_video {

// A unit waits for its SEI through this many; past that no signature will come. Keeps memory flat.
inline constexpr std::size_t kMaxPending = 150'000;
// After so many searches in vain a unit is given up: hostile SEIs cannot make us search the same units for
// ever.
inline constexpr std::uint8_t kMaxAttempts = 32;
inline constexpr std::size_t kMaxUnplaced = 64;
inline constexpr std::size_t kMaxOrphans = 16;
inline constexpr std::size_t kMaxStarts = 16;  // GOP beginnings that are tried for an SEI without a list
inline constexpr std::size_t kMaxSuspects = 4096;
inline constexpr std::size_t kMaxGaps = 4096;
inline constexpr std::size_t kMaxNotes = 1000;
inline constexpr std::size_t kMaxListedMissingGops = 1000;

// Counters wrap: a step of more than this is a step back.
inline constexpr std::uint32_t kHalfOfCounters = 0x8000'0000;

inline constexpr std::size_t kNoUnit = SIZE_MAX;
inline constexpr Timestamp kLatestTime = Timestamp::max() - std::chrono::hours(48);

struct PendingUnit {
  Hashable hash;
  bool picture_data = true;  // false: an SEI or metadata that is hashed with the pictures
  bool leads = false;        // stands before the first unit of the clip that anchors a GOP
  bool first_slice = false;
  bool reference_hashed = true;    // false: ONVIF's reference signer leaves such units out
  std::uint8_t attempts = 0;       // lists that were searched for it in vain
  std::uint8_t hash_attempts = 0;  // GOP hashes that were tried from it on
  std::uint32_t clip_picture = 0;
  std::uint32_t clip_gop = 0;
  std::uint64_t sequence = 0;  // number of the hashable unit in the clip
  std::uint64_t offset = 0;
  std::uint64_t sei = 0;  // id of the unsigned SEI that it is
  std::optional<Ticks> container_time;
};

struct GopSei {
  General general;
  std::optional<Bytes> list;
  SignatureStatus signature = SignatureStatus::none;  // valid, none (unsigned) or no_key
  std::optional<WaitingSignature> waiting;            // with no_key
  std::uint64_t id = 0;                               // ascending
  bool named = false;                                 // GopBinding; signed SEIs only
  bool names_before = false;
  std::uint64_t sequence = 0;  // of the next hashable unit when the SEI came

  // Axis' legacy scheme: an SEI also speaks about the first unit of the next GOP, which links the two.
  crypto::Digest closing;  // the entry of that unit, from the list
  // Without a list: are these, the entries of the GOP and that of the unit behind it, what was signed?
  std::function<bool(BytesView entries)> proves;
};

class Coverage {
 public:
  Coverage(const crypto::Engine& engine, Timeline& timeline, std::vector<Note>& notes);

  void set_hash(crypto::HashAlg hash);
  // The digests of waiting units were made with another algorithm: puts the right ones in their place.
  void replace_digests(const std::deque<crypto::Digest>& digests);

  void add_unit(PendingUnit unit);
  // A unit that is not hashed and looks like a slice whose header was changed; stands before unit `sequence`.
  void add_suspect(std::uint64_t sequence);
  // Units were lost on the way here before unit `sequence`.
  void add_gap(std::uint64_t sequence);
  void add_sei(GopSei sei);
  // The signer changed and nothing vouches for that: another recording begins.
  void begin_piece(std::string why);
  // The recording so far ended in order, as the camera signed: what comes next is another one of its own.
  void previous_ended(bool ended) { previous_ended_ = ended; }
  void saw_invalid_sei() { invalid_sei_seen_ = true; }
  Ledger& ledger() { return ledger_; }
  // `ends_before`: the picture in the clip before which the recording ends, as the camera signed.
  void finish(std::optional<std::uint32_t> ends_before);

  std::size_t waiting() const { return pending_.size(); }
  std::uint32_t current_gop() const;
  std::uint32_t oldest_gop() const;  // that waits: the one that an SEI which comes now speaks about
  const CoverageOutcome& outcome() const { return ledger_.outcome(); }

 private:
  struct Previous {
    std::uint32_t counter = 0;
    bool partial = false;
    bool placed = false;  // its units were found in the clip
    std::optional<crypto::Digest> first_entry;
    std::optional<crypto::Digest> anchor;
    crypto::Digest closing;  // legacy: entry of the unit behind it, unless that was found in the GOP
    bool signature_valid = false;
    std::optional<Timestamp> end;
    std::optional<std::uint32_t> gop;
    crypto::Digest gop_hash;
    std::uint16_t unit_count = 0;
  };
  struct Unplaced {
    GopSei sei;
    std::uint64_t places = 0;  // units it speaks about
  };
  // One step of a settled (partial) GOP: a unit, or a place without one.
  struct Step {
    UnitStatus status;
    std::size_t unit;  // index in pending_, or SIZE_MAX
  };
  struct Located {
    std::size_t begin = 0;  // units before it are not part of the segment
    std::size_t end = 0;
    std::vector<Step> steps;
    crypto::Digest first_entry;
    crypto::Digest anchor;
    bool beginning_missing = false;
  };

  // What an SEI may have to wait for before it can be settled.
  enum class Wait { nothing, sei, units };

  Wait resolve(GopSei& sei, Wait may_wait_for, const GopSei* following);
  void defer_unless_settled(GopSei sei, Wait may_wait_for, const GopSei* following);
  void settle_deferred(Wait may_wait_for, const GopSei* following);
  void check_order(const GopSei& sei);
  bool link_fits(const GopSei& sei) const;
  bool closes(const Previous& previous, const crypto::Digest& next_unit) const;
  void take_last_unit(GopSei& sei, Located& located) const;
  std::optional<std::size_t> count_of(const General& general, std::size_t begin) const;
  bool proved_by_the_next(const GopSei& sei, Located& located, Bytes entries) const;
  void forget_piece();
  bool restarts(const GopSei& sei);
  void check_clock(const General& general, Ticks container_time, std::uint32_t gop);
  bool came_early(const GopSei& sei);
  bool plausible_gap(const GopSei& sei, std::uint32_t lost) const;
  std::optional<Located> locate_exactly(const GopSei& sei, std::size_t begin, bool reference_only);
  std::optional<Located> locate_by_hash(const GopSei& sei);
  std::optional<Located> locate_by_list(const GopSei& sei, Wait may_wait_for, const GopSei* following,
                                        Wait& wait);
  Located read_match(const GopSei& sei, const Match& match, const std::vector<std::size_t>& view,
                     const std::vector<std::uint32_t>& claimed, Wait may_wait_for, Wait& wait);
  bool repeats_previous(const General& general) const;
  static bool has_missing(const Located& located);
  bool ends_twice(const Located& located) const;
  bool is_one_gop(std::size_t count) const;
  void set_aside(GopSei sei);
  void commit_segment(GopSei& sei, Located located);
  void find_moved(std::vector<UnitStatus>& status, bool uncovered_is_tampering) const;
  void settle_front(std::size_t count, const GopSei* next, std::uint64_t lost);
  std::vector<UnitStatus> judge_front(std::size_t count, const GopSei* next, std::uint64_t lost,
                                      Record& record);
  void count_missing_gops(std::uint64_t count, std::size_t behind, Record& record);
  std::uint32_t gop_of(const PendingUnit& unit) const;
  std::uint32_t gop_before(const GopSei& sei) const;
  void add_missing_units(std::size_t behind, Record& record);
  void note_removed_signature(std::uint64_t count, Record& record);
  std::size_t units_before_unplaced(std::size_t count) const;
  bool is_rest_of_gop(std::size_t count) const;
  std::uint64_t parts_of(std::size_t count) const;
  bool signature_was_removed(std::size_t count, const GopSei& next, std::uint64_t lost) const;
  bool suspect_between(std::uint64_t begin, std::uint64_t end) const;
  void excuse_gap(std::vector<UnitStatus>& status, bool uncertain, Record& record);

  std::optional<crypto::Digest> stream_anchor(std::uint32_t clip_gop) const;
  std::optional<crypto::Digest> anchor_of(const PendingUnit& unit) const;
  bool leads_the_recording(const GopSei& sei) const;
  static bool begins_recording(const General& general);
  UnitResult result_of(const PendingUnit& unit, UnitStatus status) const;
  void drop_front(std::size_t count);
  void note(NoteKind kind, std::uint32_t gop, std::uint64_t count, std::string text);

  const crypto::Engine& engine_;
  Ledger ledger_;
  std::vector<Note>& notes_;
  crypto::HashAlg hash_ = crypto::HashAlg::sha256;

  std::deque<PendingUnit> pending_;
  std::deque<std::uint64_t>
      waiting_anchors_;  // sequence numbers of those that begin a GOP; they have no gaps
  std::deque<std::pair<std::uint32_t, crypto::Digest>> anchors_;  // by GOP in the clip
  std::deque<std::uint64_t> suspects_;
  std::deque<std::uint64_t> gaps_;  // ascending
  std::optional<GopSei> deferred_;
  Wait deferred_for_ = Wait::nothing;
  std::vector<Unplaced> unplaced_;
  std::deque<Bytes> orphan_lists_;  // of GOPs that were not found: their pictures may turn up elsewhere
  std::optional<Previous> previous_;
  std::optional<Previous> placed_;    // the last one whose units were found
  std::vector<std::uint32_t> early_;  // counters of SEIs that came before their turn; at most kMaxUnplaced
  std::uint64_t lost_ = 0;            // SEIs that the counter misses since the last placed one
  std::uint64_t flushed_gops_ = 0;    // given up while they waited
  bool piece_begins_ = true;          // nothing of this recording was placed yet
  bool stale_end_ = false;            // an end-of-stream SEI that cannot be verified was seen
  bool reference_only_ = false;
  bool anchor_seen_ = false;
  bool parts_seen_ = false;
  bool joined_ = false;
  bool invalid_sei_seen_ = false;
  bool at_end_ = false;
  bool previous_ended_ = false;
  std::optional<std::uint32_t> ends_before_;
  std::optional<Ticks> clock_;  // signed time - container time, of the running piece
  Ticks longest_segment_{};
  Ticks shortest_segment_{};
  std::uint32_t largest_segment_ = 1;

  // Numbers in the report: those in the clip, moved by what is missing.
  std::int64_t last_picture_ = -1;
  std::int64_t picture_shift_ = 0;
  std::int64_t gop_shift_ = 0;
  std::array<std::uint32_t, 64> slices_seen_{};  // pictures by number of slices
  std::uint32_t slices_in_picture_ = 0;
  std::uint32_t typical_slices() const;
};

}  // namespace camvault::signed_video
