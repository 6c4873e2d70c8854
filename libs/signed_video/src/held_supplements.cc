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
  Held held;
  held.supplement = std::move(supplement);
  held.check = std::move(check);
  held.size = size;
  held_.push_back(std::move(held));
}

void HeldSupplements::gop_signed(const General& general) {
  if (held_.size() == kMaxHeld) return;
  Held held;
  held.counter = general.counter;
  held.gop_hash = general.gop_hash;
  held_.push_back(std::move(held));
}

void HeldSupplements::settle() {
  if (!trust_.has_key()) return;
  std::vector<Held> later;
  for (std::size_t i = 0; i < held_.size(); ++i) {
    auto& held = held_[i];
    if (!held.supplement) {
      last_counter_ = held.counter;
      last_gop_hash_ = held.gop_hash;
      beside_.gop_signed(held.counter, held.gop_hash, promised(), coverage_.current_gop());
      continue;
    }
    if (held.signed_digest.empty() && !check_signature(held)) continue;
    switch (place_of(i)) {
      case Place::here:
        take(std::move(held));
        break;
      case Place::later:
        later.push_back(std::move(held));
        break;
      case Place::elsewhere:
        beside_.found_elsewhere();
        break;
    }
  }
  held_ = std::move(later);
  held_bytes_ = 0;
  for (const auto& held : held_) held_bytes_ += held.size;
}

void HeldSupplements::finish() {
  settle();
  for (const auto& held : held_) {
    if (!held.signed_digest.empty()) beside_.found_elsewhere();
  }
}

// A supplement stands in front of the SEI about its last GOP; a copy of it that was sent for lossy transport
// may come behind, and an SEI that was late may come between. Others are genuine, perhaps, but of another
// place or another recording of the camera.
HeldSupplements::Place HeldSupplements::place_of(std::size_t at) {
  auto& held = held_[at];
  const auto& gops = held.supplement->gops;
  if (gops.empty()) return Place::elsewhere;
  const auto names = [&](std::uint32_t counter, const crypto::Digest& gop_hash) {
    return gops.back().counter == counter && gops.back().gop_hash == gop_hash;
  };
  if (names(last_counter_, last_gop_hash_)) return Place::here;
  for (std::size_t i = at + 1; i < held_.size() && held.seis_passed < kMaxSeisPassed; ++i) {
    if (held_[i].supplement) continue;
    if (names(held_[i].counter, held_[i].gop_hash)) return Place::here;
    ++held.seis_passed;
  }
  return held.seis_passed < kMaxSeisPassed ? Place::later : Place::elsewhere;
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

bool HeldSupplements::check_signature(Held& held) {
  const auto& supplement = *held.supplement;
  SeiMessage message;
  message.signature = supplement.signature;
  const auto& done = held.check;
  const auto digest = done ? done->digest : engine_.digest(supplement.hash, supplement.document);
  if (trust_.check(message, digest, supplement.hash, done ? &*done : nullptr) != SignatureStatus::valid) {
    tampered_ = true;
    note_invalid_("the signature of a supplement does not verify: it was changed, or made with another key");
    return false;
  }
  held.signed_digest = digest;
  return true;
}

void HeldSupplements::take(Held held) {
  auto& supplement = *held.supplement;
  // The same again in other bytes: whoever has no key can still write a signature value in two ways.
  if (last_.session == supplement.session && supplement.number <= last_.number && !last_.digest.empty())
    return;
  Last now;
  now.session = supplement.session;
  now.number = supplement.number;
  now.digest = held.signed_digest;
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
