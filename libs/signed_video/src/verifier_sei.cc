// The SEIs of a clip: whether they can be read, who signed them, and what they give to coverage.
#include <utility>

#include "axis/legacy.h"
#include "axis/message.h"
#include "verifier_impl.h"

namespace camvault::signed_video {

namespace {

constexpr std::size_t kMaxSeiNotes = 100;
// Legacy GOP signatures that wait for a key. Axis' cameras send it with every one.
constexpr std::size_t kMaxEarlySeis = 64;

}  // namespace

crypto::HashAlg Verifier::Impl::hash_named_by(const SeiMessage& message) const {
  return message.crypto && message.crypto->hash ? *message.crypto->hash : hash_;
}

crypto::Digest Verifier::Impl::digest_of_sei(const codec::Unit& unit) const {
  return engine_.digest(crypto::HashAlg::sha256, codec::without_trailing_zeros(unit.bytes));
}

void Verifier::Impl::sei_note(NoteKind kind, std::string text) {
  if (++sei_notes_ <= kMaxSeiNotes) note(kind, 1, std::move(text));
}

Result<SeiMessage> Verifier::Impl::read_message(Carrier carrier, BytesView unit) const {
  return carrier == Carrier::onvif ? read_sei_message(codec_, unit) : axis::read_message(codec_, unit);
}

// A clip has one format. Signatures of another begin another recording, and are not looked at.
bool Verifier::Impl::is_of_the_format(const SeiMessage& message) {
  if (!format_) {
    format_ = message.format;
    report_.format = to_string(message.format);
  }
  if (*format_ == message.format ||
      (message.certificate_sei && *format_ != Format::onvif && message.format != Format::onvif))
    return true;
  if (!std::exchange(mixed_formats_, true)) {
    coverage_.begin_piece("the signatures change from " + std::string(to_string(*format_)) + " to " +
                          std::string(to_string(message.format)) + " here: two recordings were joined");
  }
  coverage_.saw_invalid_sei();
  return false;
}

bool Verifier::Impl::is_repeat(const codec::Unit& unit, const SeiAhead& ahead) {
  if (seen_seis_.add(ahead.whole.empty() ? digest_of_sei(unit) : ahead.whole)) return false;
  ++repeated_;
  return true;
}

void Verifier::Impl::take_sei(const codec::Unit& unit, Carrier carrier, SeiAhead& ahead) {
  if (is_repeat(unit, ahead)) return;
  auto read = ahead.read ? std::move(*ahead.read) : read_message(carrier, unit.bytes);
  if (!read) {
    if (!format_ && carrier == Carrier::axis) report_.format = to_string(Format::axis);
    tampered_ = true;
    any_sei_ = true;
    coverage_.saw_invalid_sei();
    sei_note(NoteKind::sei_malformed, "a signature SEI cannot be read: " + read.error().what);
    return;
  }
  any_sei_ = true;
  auto& message = *read;
  if (!is_of_the_format(message)) return;
  const auto hash = hash_named_by(message);
  if (!hash_known_) settle_hash(hash);
  if (hash != hash_) {
    coverage_.begin_piece("the hash algorithm changes here: another recording begins");
    hash_ = hash;
    coverage_.set_hash(hash);
    hash_again(*now_, next_slice_);
  }
  if (message.is_signed()) {
    take_signed(std::move(message), hash, ahead.check ? &*ahead.check : nullptr);
  } else {
    take_unsigned(std::move(message), unit);
  }
}

void Verifier::Impl::take_supplement(const codec::Unit& unit, SeiAhead& ahead) {
  if (is_repeat(unit, ahead)) return;
  auto read = ahead.supplement ? std::move(*ahead.supplement) : read_supplement(codec_, unit.bytes);
  if (!read) {
    // One of a later version is no sign of tampering.
    if (read.error().code != Errc::unsupported) tampered_ = true;
    sei_note(NoteKind::supplement_invalid, "a supplement cannot be read: " + read.error().what);
    return;
  }
  held_.add(std::move(*read), std::move(ahead.check), unit.bytes.size());
}

void Verifier::Impl::take_signed(SeiMessage message, crypto::HashAlg hash, const SignatureCheck* done) {
  ++report_.seis_signed;
  const bool had_key = trust_.has_key();
  switch (trust_.take_chains(message)) {
    case Trust::Change::none:
    case Trust::Change::first:
      break;
    case Trust::Change::rotated:
      sei_note(NoteKind::key_changed,
               "the camera's signing certificate changes here, " + trust_.describe_change());
      break;
    case Trust::Change::unvouched:
      sei_note(NoteKind::signer_changed,
               "the signer changes here, and nothing shows that it is the same camera");
      coverage_.begin_piece("the signer changes here: two recordings were joined, or a part was signed anew");
      break;
    case Trust::Change::unreadable:
      tampered_ = true;
      sei_note(NoteKind::sei_malformed, "a certificate chain in the clip cannot be read");
      break;
  }
  if (message.axis.signs_gop) return take_gop_signature(std::move(message), hash);
  const auto signature_hash = signature_hash_of(message, hash);
  const auto digest = done != nullptr && done->hash == signature_hash
                          ? done->digest
                          : engine_.digest(signature_hash, message.document);
  const auto status = trust_.check(message, digest, signature_hash, done);
  if (!had_key && trust_.has_key()) {
    coverage_.ledger().settle_signatures([&](const WaitingSignature& w) {
      const auto late = trust_.check(w.message, w.digest, w.hash);
      if (late == SignatureStatus::invalid) tampered_ = true;
      return late;
    });
  }
  if (status == SignatureStatus::invalid) {
    tampered_ = true;
    coverage_.saw_invalid_sei();
    sei_note(NoteKind::sei_invalid,
             "the signature of an SEI does not verify: it was changed, or made with another key");
    return;
  }
  if (status == SignatureStatus::no_key) without_key_ = true;
  if (message.vendor) take_vendor(*message.vendor);
  if (message.certificate_sei && status == SignatureStatus::valid) trust_.certified(message);
  if (!message.general) return;  // a certificate SEI
  if (status == SignatureStatus::valid) trust_.signed_at(message.general->start, message.general->end);
  if (message.format == Format::onvif) held_.gop_signed(*message.general);
  held_.settle();
  GopSei sei;
  sei.general = *message.general;
  sei.list = std::move(message.hash_list);
  sei.signature = status;
  sei.id = ++sei_ids_;
  sei.sequence = sequence_;
  if (status == SignatureStatus::valid) held_.bind(*message.signature, sei);
  if (message.format == Format::axis_legacy && !axis::adapt_legacy(engine_, hash, message, {}, sei)) return;
  if (status == SignatureStatus::no_key) {
    SeiMessage rest;
    rest.format = message.format;
    rest.certificate_sei = message.certificate_sei;
    rest.signature = std::move(message.signature);
    sei.waiting = WaitingSignature{std::move(rest), digest, signature_hash};
  }
  coverage_.add_sei(std::move(sei));
}

// Axis' legacy GOP signature: whether it is good shows when the units are there.
void Verifier::Impl::take_gop_signature(SeiMessage message, crypto::HashAlg hash) {
  if (message.vendor) take_vendor(*message.vendor);
  if (!trust_.has_key()) {
    // The key comes with a later SEI. Nothing can be settled before.
    without_key_ = true;
    if (early_.size() == kMaxEarlySeis) early_.pop_front();
    early_.push_back({std::move(message), sequence_});
    return;
  }
  for (auto& early : std::exchange(early_, {}))
    add_gop_signature(std::move(early.message), hash, early.sequence);
  add_gop_signature(std::move(message), hash, sequence_);
}

void Verifier::Impl::add_gop_signature(SeiMessage message, crypto::HashAlg hash, std::uint64_t sequence) {
  GopSei sei;
  sei.general = *message.general;
  sei.signature = SignatureStatus::valid;  // else it settles nothing
  sei.id = ++sei_ids_;
  sei.sequence = sequence;
  const auto check = [key = trust_.axis_keys().shared_key(), hash,
                      signature = *message.signature](const crypto::Digest& digest) {
    return axis::verifies(*key, digest, hash, signature);
  };
  if (axis::adapt_legacy(engine_, hash, message, check, sei)) coverage_.add_sei(std::move(sei));
}

// 5.5: an unsigned SEI speaks about its GOP and is itself hashed with the GOP it stands in.
void Verifier::Impl::take_unsigned(SeiMessage message, const codec::Unit& unit) {
  ++report_.seis_unsigned;
  PendingUnit pending;
  pending.hash.sei = true;
  pending.picture_data = false;
  pending.hash.raw = engine_.digest(hash_, message.whole);
  const auto id = ++sei_ids_;
  pending.sei = id;
  pending.clip_picture = pictures_ == 0 ? 0 : pictures_ - 1;
  pending.clip_gop = gop_;
  pending.offset = unit.offset;
  pending.sequence = sequence_++;
  if (message.general) {
    GopSei sei;
    sei.general = *message.general;
    sei.list = std::move(message.hash_list);
    sei.signature = SignatureStatus::none;
    sei.id = id;
    sei.sequence = pending.sequence;
    coverage_.add_sei(std::move(sei));  // before the unit: it does not cover itself
  }
  coverage_.add_unit(std::move(pending));
}

void Verifier::Impl::take_vendor(const Vendor& vendor) {
  if (!report_.signer) report_.signer = SignerInfo{};
  report_.signer->vendor_manufacturer = vendor.manufacturer;
  report_.signer->vendor_firmware = vendor.firmware;
  report_.signer->vendor_serial = vendor.serial;
}

}  // namespace camvault::signed_video
