#include "axis/keys.h"

#include <algorithm>

#include "axis/pem.h"

namespace camvault::signed_video::axis {

namespace {
constexpr std::size_t kMaxKeys =
    64;  // changes of signer in one clip; a hostile clip cannot make us keep more
}

bool verifies(const crypto::PublicKey& key, const crypto::Digest& digest, crypto::HashAlg hash,
              BytesView signature) {
  if (crypto::is_ecdsa(key.alg()))
    return key.verify_digest(crypto::SignatureScheme::ecdsa, hash, digest, signature);
  return crypto::is_rsa(key.alg()) &&
         key.verify_digest(crypto::SignatureScheme::rsa_pkcs1v15, hash, digest, signature);
}

std::shared_ptr<const crypto::PublicKey> Keys::shared_key() const {
  if (!all_.empty()) return all_[current_].key;
  return options_.expected_signer ? options_.expected_signer->key : nullptr;
}

Keys::Change Keys::take(const SeiMessage& message) {
  const auto& fields = message.axis;
  std::shared_ptr<const crypto::PublicKey> key;
  std::optional<Attestation> attestation;
  if (fields.has_attestation) {
    auto text = std::string(as_text(fields.attestation)) + '\n' + fields.attestation_chain;
    if (text != last_attestation_) {
      auto read = axis::read_attestation(engine_, fields);
      if (!read) return Change::unreadable;
      attestation = std::move(*read);
      last_attestation_ = std::move(text);
    }
  }
  if (!fields.public_key.empty() && fields.public_key != last_key_) {
    const auto der = public_key_der(fields.public_key);
    if (!der) return Change::unreadable;
    auto parsed = engine_.public_key_from_spki(*der);
    if (!parsed) return Change::unreadable;
    key = std::move(*parsed);
    last_key_ = fields.public_key;
  } else if (fields.public_key.empty() && attestation && attestation->factory_provisioned) {
    key = attestation->chain.front().key;
  }
  if (key != nullptr) {
    const auto same = std::find_if(all_.begin(), all_.end(),
                                   [&](const Origin& o) { return o.key->spki_der() == key->spki_der(); });
    const auto change = all_.empty()                                                   ? Change::first
                        : same == all_.begin() + static_cast<std::ptrdiff_t>(current_) ? Change::none
                                                                                       : Change::unvouched;
    if (same != all_.end()) {
      current_ = static_cast<std::size_t>(same - all_.begin());
    } else {
      if (all_.size() == kMaxKeys) return Change::unreadable;
      all_.push_back({std::move(key), std::nullopt});
      current_ = all_.size() - 1;
    }
    if (attestation) all_[current_].attestation = std::move(attestation);
    return change;
  }
  if (attestation && !all_.empty()) {
    // Another statement about the same key: whichever holds. The first is kept unless it does not.
    auto& origin = all_[current_];
    if (!origin.attestation || !mismatch_of(engine_, *origin.attestation, *origin.key).empty())
      origin.attestation = std::move(attestation);
  }
  return Change::none;
}

bool Keys::verifies(const crypto::Digest& digest, crypto::HashAlg hash, BytesView signature) const {
  const auto key = shared_key();
  return key != nullptr && axis::verifies(*key, digest, hash, signature);
}

bool Keys::is_pinned(const Origin& origin) const {
  if (!options_.expected_signer) return false;
  const auto& pinned = *options_.expected_signer;
  return pinned.key->spki_der() == origin.key->spki_der() ||
         (origin.attestation && origin.attestation->chain.front().der == pinned.der &&
          mismatch_of(engine_, *origin.attestation, *origin.key).empty());
}

std::string Keys::pin_mismatch(const Origin& origin) const {
  if (options_.expected_signer && !is_pinned(origin))
    return "signed with another key than the one of the camera whose certificate was given";
  return {};
}

std::string Keys::serial_mismatch(const Origin& origin) const {
  if (options_.expected_serial.empty()) return {};
  const auto serial = origin.attestation ? serial_of(*origin.attestation) : std::string();
  if (serial == options_.expected_serial) return {};
  return "the signing key is attested for serial number " + (serial.empty() ? "none" : serial) + ", not " +
         options_.expected_serial;
}

bool Keys::is_another_signer() const {
  return std::any_of(all_.begin(), all_.end(), [&](const Origin& o) {
    return !pin_mismatch(o).empty() || !serial_mismatch(o).empty();
  });
}

// Sets provenance to untrusted or unknown with the reason, or leaves it. False ends the search.
bool Keys::judge_origin(const Origin& origin, Timestamp first, Timestamp last, Report& report) const {
  if (is_pinned(origin)) return true;
  if (!origin.attestation) {
    report.provenance = Provenance::unknown;
    report.provenance_reason = "the clip holds a bare public key, and nobody vouches for it";
    return false;
  }
  const auto& chain = origin.attestation->chain;
  const std::vector<crypto::Certificate> intermediates(chain.begin() + 1, chain.end());
  for (const auto at : {first, last}) {
    crypto::PathRequest request;
    request.leaf = &chain.front();
    request.intermediates = &intermediates;
    request.anchors = &options_.anchors;
    request.crls = options_.crls.empty() ? nullptr : &options_.crls;
    request.ocsp = options_.ocsp.empty() ? nullptr : &options_.ocsp;
    request.at = at;
    const auto result = engine_.validate_path(request);
    if (result.verdict == crypto::PathVerdict::trusted) continue;
    report.provenance = Provenance::untrusted;
    report.provenance_reason = result.reason;
    report.revoked = result.verdict == crypto::PathVerdict::revoked;
    return false;
  }
  report.provenance_reason = mismatch_of(engine_, *origin.attestation, *origin.key);
  // The stream may name a serial number of its own; Axis' cameras name the same.
  const auto serial = serial_of(*origin.attestation);
  if (report.provenance_reason.empty() && !origin.attestation->factory_provisioned && report.signer &&
      !report.signer->vendor_serial.empty() && report.signer->vendor_serial != serial) {
    report.provenance_reason = "the clip names serial number " + report.signer->vendor_serial +
                               ", but its signing key is attested for " + serial;
  }
  if (report.provenance_reason.empty()) return true;
  report.provenance = Provenance::untrusted;
  return false;
}

void Keys::judge(std::optional<Timestamp> first, std::optional<Timestamp> last, Report& report) const {
  report.provenance = Provenance::unknown;
  report.signer = report.signer.value_or(SignerInfo{});
  if (all_.empty()) {
    report.provenance_reason = "the clip holds no signing key";
    if (!options_.expected_signer) return;
    report.provenance = Provenance::trusted;  // its key alone was used
    report.provenance_reason = "the signing key is the one of the certificate that was given";
    return;
  }
  const auto& now = all_[current_];
  report.signer->key = std::string(crypto::to_string(now.key->alg()));
  report.signer->fingerprint = to_hex(engine_.digest(crypto::HashAlg::sha256, now.key->spki_der()).view());
  if (now.attestation) report.chain = now.attestation->chain;
  for (const auto& origin : all_) {
    report.provenance_reason = pin_mismatch(origin);
    if (report.provenance_reason.empty()) report.provenance_reason = serial_mismatch(origin);
    if (report.provenance_reason.empty()) continue;
    report.provenance = Provenance::untrusted;
    return;
  }
  const bool needs_chain =
      std::any_of(all_.begin(), all_.end(), [&](const Origin& o) { return o.attestation && !is_pinned(o); });
  if (needs_chain && options_.anchors.empty()) {
    report.provenance_reason =
        "no trust anchor was given, so nobody vouches for the attestation of the signing key";
    return;
  }
  const bool plausible = first && *first >= from_unix_seconds(946'684'800);
  if (needs_chain && !options_.at && !plausible) {
    report.provenance_reason =
        "the recording time in the clip is implausible, so certificates cannot be judged at it";
    return;
  }
  const auto begin = options_.at.value_or(first.value_or(Timestamp{}));
  const auto end = options_.at ? *options_.at : std::max(begin, last.value_or(begin));
  if (needs_chain) {
    report.judged_at = begin;
    report.judged_at_given = options_.at.has_value();
  }
  report.provenance = Provenance::trusted;
  for (const auto& origin : all_) {
    if (!judge_origin(origin, begin, end, report)) return;
  }
  // Only now may the names in the certificates be believed.
  if (now.attestation && !is_pinned(now)) {
    const auto& leaf = now.attestation->chain.front();
    report.signer->subject = leaf.subject;
    report.signer->issuer = leaf.issuer;
    report.signer->serial = serial_of(*now.attestation);
    report.signer->fingerprint = leaf.sha256;
  }
  report.provenance_reason = needs_chain ? "the attestation of the signing key leads to a given trust anchor"
                                         : "the signing key is the one of the certificate that was given";
}

}  // namespace camvault::signed_video::axis
