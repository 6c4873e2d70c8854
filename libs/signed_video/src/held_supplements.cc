#include "held_supplements.h"

#include <utility>

namespace camvault::signed_video {

namespace {

constexpr std::size_t kMaxHeld = 64;
constexpr std::size_t kMaxHeldBytes = 16 * 1024 * 1024;

std::string key_of(BytesView digest) {
  return std::string(as_text(digest));
}

}  // namespace

void HeldSupplements::add(Supplement supplement, std::optional<SignatureCheck> check, std::size_t size) {
  if (held_.size() >= kMaxHeld || held_bytes_ + size > kMaxHeldBytes) {
    settle();
    held_.clear();
    held_bytes_ = 0;
  }
  held_bytes_ += size;
  held_.push_back({std::move(supplement), std::move(check), 0, {}});
}

void HeldSupplements::gop_signed(const General& general) {
  if (held_.size() < kMaxHeld) held_.push_back({{}, {}, general.counter, general.gop_hash});
}

void HeldSupplements::settle() {
  if (!trust_.has_key()) return;
  for (auto& held : held_) {
    if (held.supplement) {
      judge(std::move(*held.supplement), held.check);
    } else {
      beside_.gop_signed(held.counter, held.gop_hash, promised(), coverage_.current_gop());
    }
  }
  held_.clear();
  held_bytes_ = 0;
}

bool HeldSupplements::promised() {
  const auto* signer = trust_.signer();
  if (signer == nullptr) return false;
  if (signer->sha256 != promising_certificate_) {
    promising_certificate_ = signer->sha256;
    promises_ = announces_supplement(*signer);
  }
  report_.supplement.promised = report_.supplement.promised || promises_;
  return promises_;
}

void HeldSupplements::judge(Supplement supplement, const std::optional<SignatureCheck>& done) {
  SeiMessage message;
  message.signature = supplement.signature;
  const auto digest = done ? done->digest : engine_.digest(supplement.hash, supplement.document);
  if (trust_.check(message, digest, supplement.hash, done ? &*done : nullptr) != SignatureStatus::valid) {
    tampered_ = true;
    note_invalid_("the signature of a supplement does not verify: it was changed, or made with another key");
    return;
  }
  for (auto& record : std::exchange(supplement.records, {})) take_record(std::move(record));
  beside_.take(std::move(supplement), coverage_.current_gop());
  coverage_.previous_ended(beside_.previous_ended());
}

void HeldSupplements::take_record(CarriedRecord record) {
  record_bytes_ += record.value.size();
  if (report_.records.size() == Report::kMaxRecords || record_bytes_ > Report::kMaxRecordBytes) {
    report_.records_truncated = true;
    return;
  }
  ReportedRecord reported;
  reported.type = record.type;
  reported.gop = coverage_.current_gop();
  if (const auto* signer = trust_.signer()) reported.signer = signer->sha256;
  if (record.type == static_cast<std::uint16_t>(RecordType::next_key)) {
    if (const auto next = read_next_key_record(record.value)) trust_.announce(*next);
  }
  if (record.type == static_cast<std::uint16_t>(RecordType::time_stamp)) {
    const auto stamp = read_time_stamp_record(record.value);
    const auto* signature = stamp ? signatures_.find(key_of(stamp->signature_sha256)) : nullptr;
    if (signature != nullptr) reported.stamped = *signature;
  }
  reported.value = std::move(record.value);
  report_.records.push_back(std::move(reported));
}

void HeldSupplements::remember_signature(BytesView signature, const General& general) {
  signatures_.remember(key_of(engine_.digest(crypto::HashAlg::sha256, signature).view()),
                       {general.counter, general.start, general.end});
}

}  // namespace camvault::signed_video
