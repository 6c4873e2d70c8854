// Settled (partial) GOPs in clip order. What an unsigned SEI says holds once the GOP it stands in is settled
// by a signed one; until then its record stays open, and those behind it wait.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "camvault/signed_video/report.h"
#include "sei_message.h"
#include "timeline.h"

namespace camvault::signed_video {

struct WaitingSignature {
  SeiMessage message;  // signature only; list and chains were moved out
  crypto::Digest digest;
  crypto::HashAlg hash;
};

enum class RecordState : std::uint8_t { open, definite, refuted };

struct Record {
  RecordState state = RecordState::open;
  std::uint64_t sei = 0;
  std::vector<SegmentSummary> missing_gops;  // before the units
  std::optional<SegmentSummary> segment;
  std::vector<UnitResult> units;
  std::vector<std::pair<std::uint64_t, UnitStatus>> seis;  // unsigned SEIs among the units
  std::optional<WaitingSignature> waiting;
  bool uncovered_is_tampering = false;
  bool unsigned_tail = false;    // no signature came after it
  bool lost_on_the_way = false;  // a network may have taken the signature: no tampering
  bool ends_picture = false;     // the unit behind the last one begins another picture
};

struct CoverageOutcome {
  bool any_authentic = false;
  bool any_missing = false;
  bool tampered = false;  // something altered, extra, moved, joined, or robbed of its signature
  std::uint32_t gops_missing = 0;
  std::optional<Timestamp> first_time;
  std::optional<Timestamp> last_time;
};

class Ledger {
 public:
  explicit Ledger(Timeline& timeline) : timeline_(timeline) {}

  void push(Record record);
  // Settles signatures that waited for a key.
  void settle_signatures(const std::function<SignatureStatus(const WaitingSignature&)>& check);
  // The clip ends: what hangs on a signature that never came is given up. Calls `unsigned_tail` for each
  // record that waits for one; those that wait for a key count as refuted.
  void close(const std::function<void(const Record&)>& unsigned_tail);

  CoverageOutcome& outcome() { return outcome_; }
  const CoverageOutcome& outcome() const { return outcome_; }

 private:
  void make_definite(Record& record);
  void commit_ready();
  void commit(Record& record);

  Timeline& timeline_;
  std::deque<Record> records_;
  std::size_t record_units_ = 0;
  CoverageOutcome outcome_;
};

}  // namespace camvault::signed_video
