#include "ledger.h"

#include <algorithm>

namespace camvault::signed_video {

namespace {
// Open records hold this many units at the most; the oldest are then given up.
constexpr std::size_t kMaxRecordUnits = 300'000;
}  // namespace

void Ledger::push(Record record) {
  record_units_ += record.units.size() + record.missing_gops.size();
  const bool is_segment = record.segment && record.state == RecordState::open;
  const bool signed_now = is_segment && record.segment->signature == SignatureStatus::valid;
  records_.push_back(std::move(record));
  if (signed_now || records_.back().state == RecordState::definite) make_definite(records_.back());
  while (record_units_ > kMaxRecordUnits && !records_.empty() &&
         records_.front().state == RecordState::open) {
    records_.front().state = RecordState::refuted;
    commit_ready();
  }
  commit_ready();
}

// Follows the chain of unsigned SEIs backwards: what a covered SEI says holds, what an altered one says does
// not.
void Ledger::make_definite(Record& record) {
  record.state = RecordState::definite;
  std::vector<std::pair<std::uint64_t, UnitStatus>> work = record.seis;
  while (!work.empty()) {
    const auto [id, status] = work.back();
    work.pop_back();
    const auto it = std::find_if(records_.rbegin(), records_.rend(), [&, wanted = id](const Record& r) {
      return r.state == RecordState::open && r.segment && r.sei == wanted && !r.waiting;
    });
    if (it == records_.rend()) continue;
    it->state = status == UnitStatus::authentic ? RecordState::definite : RecordState::refuted;
    const auto first = work.size();
    work.insert(work.end(), it->seis.begin(), it->seis.end());
    if (status == UnitStatus::authentic) {
      it->segment->signature = SignatureStatus::valid;
      // The GOP that it stands in was hashed with it, and what stands before is named by the same supplement.
      it->segment->named = true;
      it->segment->names_before = record.segment && record.segment->names_before;
      continue;
    }
    // Nobody vouches for what stands in it either.
    it->lost_on_the_way = record.lost_on_the_way && status == UnitStatus::not_covered;
    for (auto i = first; i < work.size(); ++i) work[i].second = status;
  }
}

void Ledger::settle_signatures(const std::function<SignatureStatus(const WaitingSignature&)>& check) {
  for (auto& record : records_) {
    if (record.state != RecordState::open || !record.waiting) continue;
    const auto status = check(*record.waiting);
    if (status == SignatureStatus::no_key) continue;
    record.waiting.reset();
    record.segment->signature = status;
    if (status == SignatureStatus::valid) {
      make_definite(record);
    } else {
      record.state = RecordState::refuted;
    }
  }
  commit_ready();
}

void Ledger::commit_ready() {
  while (!records_.empty() && records_.front().state != RecordState::open) {
    commit(records_.front());
    record_units_ -= records_.front().units.size() + records_.front().missing_gops.size();
    records_.pop_front();
  }
}

void Ledger::commit(Record& record) {
  if (record.state == RecordState::refuted) {
    record.uncovered_is_tampering = !record.unsigned_tail && !record.lost_on_the_way;
    for (auto& unit : record.units) unit.status = UnitStatus::not_covered;
  }
  for (const auto& gone : record.missing_gops) timeline_.add_missing_gop(gone);
  if (record.segment) timeline_.begin_segment(*record.segment);
  for (const auto& unit : record.units) {
    switch (unit.status) {
      case UnitStatus::authentic:
        outcome_.any_authentic = outcome_.any_authentic || unit.picture_data;
        break;
      case UnitStatus::missing:
        outcome_.any_missing = true;
        break;
      case UnitStatus::not_covered:
        outcome_.tampered = outcome_.tampered || record.uncovered_is_tampering;
        break;
      default:
        outcome_.tampered = true;
    }
    timeline_.add(unit);
  }
  if (record.ends_picture) timeline_.end_picture();
  if (record.state == RecordState::definite && record.segment &&
      record.segment->signature == SignatureStatus::valid) {
    if (!outcome_.first_time && record.segment->start) outcome_.first_time = record.segment->start;
    const auto last = record.segment->end ? record.segment->end : record.segment->start;
    if (last && (!outcome_.last_time || *last > *outcome_.last_time)) outcome_.last_time = last;
  }
}

void Ledger::close(const std::function<void(const Record&)>& unsigned_tail) {
  for (auto& record : records_) {
    if (record.state != RecordState::open) continue;
    record.state = RecordState::refuted;
    // Unsigned SEIs behind the last signed one cover nothing, like any unsigned end.
    record.unsigned_tail = !record.waiting;
    if (record.unsigned_tail) unsigned_tail(record);
  }
  commit_ready();
}

}  // namespace camvault::signed_video
