#include "held_supplements.h"

#include <algorithm>
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
  for (std::size_t i = 0; i < held_.size(); ++i) {
    auto& held = held_[i];
    if (!held.supplement) {
      last_counter_ = held.counter;
      last_gop_hash_ = held.gop_hash;
      beside_.gop_signed(held.counter, held.gop_hash, promised(), coverage_.current_gop());
    } else if (belongs_here(i)) {
      judge(std::move(*held.supplement), held.check);
    }
  }
  held_.clear();
  held_bytes_ = 0;
}

// A supplement stands in front of the SEI about its last GOP; a copy of it that was sent for lossy transport
// may come behind. Others are genuine, perhaps, but of another place or another recording of the camera.
bool HeldSupplements::belongs_here(std::size_t place) const {
  const auto& gops = held_[place].supplement->gops;
  if (gops.empty()) return false;
  const auto names = [&](std::uint32_t counter, const crypto::Digest& gop_hash) {
    return gops.back().counter == counter && gops.back().gop_hash == gop_hash;
  };
  if (names(last_counter_, last_gop_hash_)) return true;
  const auto next = std::find_if(held_.begin() + static_cast<std::ptrdiff_t>(place), held_.end(),
                                 [](const Held& held) { return !held.supplement; });
  return next != held_.end() && names(next->counter, next->gop_hash);
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
  // The same again in other bytes: whoever has no key can still write a signature value in two ways.
  if (last_.session == supplement.session && supplement.number <= last_.number && !last_.digest.empty())
    return;
  Last now;
  now.session = supplement.session;
  now.number = supplement.number;
  now.digest = digest;
  now.signature = signature_key(supplement.signature);
  now.names_before = !supplement.previous.empty() && supplement.previous == last_.digest;
  if (!supplement.gops.empty()) {
    now.counter = supplement.gops.back().counter;
    now.gop_hash = supplement.gops.back().gop_hash;
  }
  last_ = std::move(now);
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

void HeldSupplements::bind(BytesView signature, GopSei& sei) {
  const auto& general = sei.general;
  GopSignatureInfo info;
  info.counter = general.counter;
  info.sei = sei.id;
  info.start = general.start;
  info.end = general.end;
  signatures_.remember(signature_key(signature), info);
  sei.named =
      !last_.gop_hash.empty() && last_.counter == general.counter && last_.gop_hash == general.gop_hash;
  if (!sei.named) return;
  sei.names_before = last_.names_before;
  info.of_supplement = true;
  signatures_.remember(last_.signature, info);
}

std::string HeldSupplements::signature_key(BytesView signature) const {
  return key_of(engine_.digest(crypto::HashAlg::sha256, signature).view());
}

}  // namespace camvault::signed_video
