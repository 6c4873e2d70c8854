#include "trust.h"

#include <algorithm>

namespace camvault::signed_video {

namespace {
constexpr std::size_t kMaxChains =
    64;  // changes of signer in one clip; a hostile clip cannot make us keep more
constexpr std::int64_t kNoEnd = 253'402'300'799;  // 99991231235959Z (IEEE 802.1AR 8.7)
constexpr std::size_t kMaxAnnounced = 8;          // next keys that a signer names; a camera has one
}  // namespace

bool Trust::same_issuer(const std::vector<crypto::Certificate>& now,
                        const std::vector<crypto::Certificate>& next) const {
  const auto& old_leaf = now.front();
  const auto& new_leaf = next.front();
  if (old_leaf.issuer != new_leaf.issuer) return false;
  // The same intermediate signed both: whoever trusts the old certificate trusts the new one.
  if (now.size() > 1 && engine_.is_signed_by(old_leaf, now[1]) && engine_.is_signed_by(new_leaf, now[1]))
    return true;
  return std::any_of(options_.anchors.begin(), options_.anchors.end(), [&](const auto& anchor) {
    return engine_.is_signed_by(old_leaf, anchor) && engine_.is_signed_by(new_leaf, anchor);
  });
}

SignerPeriod::Vouched Trust::vouched(const std::vector<crypto::Certificate>& now,
                                     const std::vector<crypto::Certificate>& next) const {
  using Vouched = SignerPeriod::Vouched;
  if (now.front().device_serial.empty() || now.front().device_serial != next.front().device_serial)
    return Vouched::nobody;
  if (std::find(announced_.begin(), announced_.end(), next.front().sha256) != announced_.end())
    return Vouched::former_key;
  return same_issuer(now, next) ? Vouched::same_issuer : Vouched::nobody;
}

void Trust::announce(const NextKeyRecord& next) {
  if (announced_.size() == kMaxAnnounced) announced_.erase(announced_.begin());
  announced_.push_back(to_hex(next.certificate_sha256));
}

void Trust::signed_at(std::optional<Timestamp> start, std::optional<Timestamp> end) {
  const auto* leaf = signer();
  const auto at = std::find_if(all_.rbegin(), all_.rend(), [&](const Origin& o) {
    return leaf != nullptr && o.chain.front().der == leaf->der;
  });
  if (at == all_.rend()) return;
  at->has_signed = true;
  if (!start) return;
  const auto until = std::max(*start, end.value_or(*start));
  at->first = std::min(at->first.value_or(*start), *start);
  at->last = std::max(at->last.value_or(until), until);
}

std::vector<crypto::Certificate> Trust::signers() const {
  std::vector<crypto::Certificate> out;
  for (const auto& origin : all_) {
    const auto& leaf = origin.chain.front();
    if (std::none_of(out.begin(), out.end(), [&](const auto& known) { return known.der == leaf.der; }))
      out.push_back(leaf);
  }
  if (out.empty() && options_.expected_signer) out.push_back(*options_.expected_signer);
  return out;
}

std::string Trust::describe_change() const {
  if (all_.size() < 2) return {};
  const auto& now = all_.back();
  return "from certificate " + all_[all_.size() - 2].chain.front().serial + " to " +
         now.chain.front().serial +
         (now.vouched == SignerPeriod::Vouched::former_key ? "; the former key vouches for the new one"
                                                           : "; the same issuer vouches for both");
}

Trust::Change Trust::take_chains(const SeiMessage& message) {
  if (message.format != Format::onvif) {
    axis_seen_ = true;
    switch (axis_.take(message)) {
      case axis::Keys::Change::none:
        return Change::none;
      case axis::Keys::Change::first:
        return Change::first;
      case axis::Keys::Change::unvouched:
        return Change::unvouched;
      case axis::Keys::Change::unreadable:
        return Change::unreadable;
    }
  }
  auto change = Change::none;
  const bool had_camera = !manufacturer_.empty();
  for (const auto& chain : message.chains) {
    auto& last = chain.user_provisioned ? last_user_pem_ : last_manufacturer_pem_;
    if (chain.pem == last) continue;
    auto parsed = engine_.certificates_from_pem(chain.pem, kMaxChain);
    if (!parsed || parsed->empty() || parsed->front().key == nullptr) return Change::unreadable;
    auto& current = chain.user_provisioned ? user_ : manufacturer_;
    auto by = SignerPeriod::Vouched::first;
    if (current.empty() && chain.user_provisioned && had_camera && !message.certificate_sei) {
      // Only the camera's own key can say that the owner's takes over (Media Signing, 5.10).
      by = SignerPeriod::Vouched::nobody;
      change = Change::unvouched;
    } else if (current.empty()) {
      change = change == Change::none ? Change::first : change;
    } else if (current.front().der != parsed->front().der) {
      by = vouched(current, *parsed);
      change = by == SignerPeriod::Vouched::nobody ? Change::unvouched : Change::rotated;
      announced_.clear();  // what the former signer said counts for this change alone
    }
    last = chain.pem;
    current = std::move(*parsed);
    if (all_.size() < kMaxChains) {
      all_.push_back({current, chain.user_provisioned, false, by, false, {}, {}});
    } else {
      more_chains_ = true;
    }
  }
  return change;
}

void Trust::certified(const SeiMessage& certificate_sei) {
  if (user_.empty() || std::none_of(certificate_sei.chains.begin(), certificate_sei.chains.end(),
                                    [](const auto& chain) { return chain.user_provisioned; }))
    return;
  for (auto& origin : all_) {
    if (origin.user_provisioned && origin.chain.front().der == user_.front().der) origin.by_camera = true;
  }
}

std::shared_ptr<const crypto::PublicKey> Trust::signing_key(bool certificate_sei) const {
  if (!certificate_sei && !user_.empty()) return user_.front().key;
  if (!manufacturer_.empty()) return manufacturer_.front().key;
  if (options_.expected_signer) return options_.expected_signer->key;
  return nullptr;
}

const crypto::Certificate* Trust::signer() const {
  if (!user_.empty()) return &user_.front();
  if (!manufacturer_.empty()) return &manufacturer_.front();
  return options_.expected_signer ? &*options_.expected_signer : nullptr;
}

SignatureCheck check_signature(std::shared_ptr<const crypto::PublicKey> key, const SeiMessage& message,
                               const crypto::Digest& digest, crypto::HashAlg hash) {
  SignatureCheck check{std::move(key), digest, hash, false};
  const auto verifies = [&](crypto::SignatureScheme scheme) {
    return check.key->verify_digest(scheme, hash, digest, *message.signature);
  };
  if (crypto::is_ecdsa(check.key->alg())) {
    check.good = verifies(crypto::SignatureScheme::ecdsa);
  } else if (crypto::is_rsa(check.key->alg())) {
    // The Security Baseline's identifiers mean PKCS#1 v1.5; the reference implementation signs with PSS.
    check.good =
        verifies(crypto::SignatureScheme::rsa_pss) || verifies(crypto::SignatureScheme::rsa_pkcs1v15);
  }
  return check;
}

crypto::HashAlg signature_hash_of(const SeiMessage& message, crypto::HashAlg of_stream) {
  if (!message.crypto) return of_stream;
  if (message.crypto->signature_hash) return *message.crypto->signature_hash;
  return message.crypto->hash.value_or(of_stream);
}

SignatureStatus Trust::check(const SeiMessage& message, const crypto::Digest& digest, crypto::HashAlg hash,
                             const SignatureCheck* done) const {
  if (message.format != Format::onvif) {
    if (axis_.key() == nullptr) return SignatureStatus::no_key;
    return axis_.verifies(digest, hash, *message.signature) ? SignatureStatus::valid
                                                            : SignatureStatus::invalid;
  }
  const auto key = signing_key(message.certificate_sei);
  if (key == nullptr) return SignatureStatus::no_key;
  const bool known = done != nullptr && done->hash == hash && done->digest == digest &&
                     (done->key == key || done->key->spki_der() == key->spki_der());
  const bool good = known ? done->good : check_signature(key, message, digest, hash).good;
  return good ? SignatureStatus::valid : SignatureStatus::invalid;
}

std::vector<crypto::Certificate> Trust::anchors(bool user_provisioned) const {
  auto all = user_provisioned ? options_.owner_anchors.value_or(options_.anchors) : options_.anchors;
  if (options_.expected_signer) all.push_back(*options_.expected_signer);  // pinned: it vouches for itself
  return all;
}

crypto::PathResult Trust::validate(const Origin& origin, Timestamp at, bool proven) const {
  const auto& chain = origin.chain;
  const auto trusted = anchors(origin.user_provisioned);
  const std::vector<crypto::Certificate> intermediates(chain.begin() + 1, chain.end());
  crypto::PathRequest request;
  request.leaf = &chain.front();
  request.intermediates = &intermediates;
  request.anchors = &trusted;
  request.crls = options_.crls.empty() ? nullptr : &options_.crls;
  request.ocsp = options_.ocsp.empty() ? nullptr : &options_.ocsp;
  request.at = at;
  request.at_is_proven = proven;
  return engine_.validate_path(request);
}

void Trust::judge_chain(const Origin& origin, Timestamp first, Timestamp last, const ProvenTime& proven,
                        Report& report) const {
  const bool all_proven = proven.whole_clip && !options_.at;
  for (const auto at : {first, last}) {
    const auto result = validate(origin, at, all_proven);
    if (result.verdict == crypto::PathVerdict::trusted) continue;
    report.provenance = Provenance::untrusted;
    report.provenance_reason = result.reason;
    report.revoked = result.verdict == crypto::PathVerdict::revoked;
    // Of a stolen key, what was stamped before the theft is its owner's all the same.
    const bool part =
        result.verdict == crypto::PathVerdict::revoked && !all_proven && proven.last && !options_.at;
    if (part && validate(origin, *proven.last, true).verdict == crypto::PathVerdict::trusted) {
      report.provenance_reason += " Groups of pictures under a time stamp were signed before that, until " +
                                  to_iso8601(*proven.last) + "; the others may be anybody's.";
    }
    return;
  }
}

// Why this is not the camera that the caller named; empty if it is, or nobody was named.
std::string Trust::mismatch_of(const Origin& origin) const {
  // The owner's own certificate says nothing about which camera it is: the camera says it.
  if (origin.user_provisioned && origin.by_camera) return {};
  const auto& leaf = origin.chain.front();
  if (options_.expected_signer && leaf.der != options_.expected_signer->der &&
      leaf.key->spki_der() != options_.expected_signer->key->spki_der()) {
    return "signed by " + leaf.subject + ", not by the camera whose certificate was given";
  }
  if (!options_.expected_serial.empty() && leaf.device_serial != options_.expected_serial) {
    return "the signing certificate names serial number " +
           (leaf.device_serial.empty() ? "none" : leaf.device_serial) + ", not " + options_.expected_serial;
  }
  return {};
}

bool Trust::is_another_signer() const {
  if (axis_seen_) return axis_.is_another_signer();
  return std::any_of(all_.begin(), all_.end(), [&](const Origin& o) { return !mismatch_of(o).empty(); });
}

// Certificates are in every clip and can be copied: beside one, a key that calls itself the owner's is
// nobody's.
bool Trust::is_unvouched_owner(const Origin& origin) const {
  return origin.user_provisioned && !origin.by_camera && !manufacturer_.empty();
}

void Trust::list_signers(const std::vector<Origin>& origins, Report& report) const {
  for (const auto& origin : origins) {
    const auto& leaf = origin.chain.front();
    SignerPeriod period;
    period.subject = leaf.subject;
    period.issuer = leaf.issuer;
    period.number = leaf.serial;
    period.fingerprint = leaf.sha256;
    if (leaf.not_after < from_unix_seconds(kNoEnd)) period.end = leaf.not_after;
    period.vouched = origin.vouched;
    period.first_time = origin.first;
    period.last_time = origin.last;
    for (const auto& gop : report.gops) {
      if (!origin.first || !gop.start || gop.verdict == UnitStatus::missing || *gop.start < *origin.first)
        continue;
      if (origin.last && *gop.start < *origin.last) period.first_gop = gop.index;
      break;
    }
    report.signers.push_back(std::move(period));
  }
}

void Trust::judge(std::optional<Timestamp> first, std::optional<Timestamp> last, const ProvenTime& proven,
                  Report& report) const {
  if (axis_seen_) return axis_.judge(first, last, report);
  report.chain = manufacturer_;
  report.provenance = Provenance::unknown;
  auto chains = all_;
  if (chains.empty() && options_.expected_signer)
    chains.push_back(
        {{*options_.expected_signer}, false, false, SignerPeriod::Vouched::first, false, {}, {}});
  if (chains.empty()) {
    report.provenance_reason = "the clip holds no signing certificate";
    return;
  }
  list_signers(chains, report);
  const bool unvouched_owner =
      std::any_of(chains.begin(), chains.end(), [&](const Origin& o) { return is_unvouched_owner(o); });
  const auto& signers = user_.empty() ? manufacturer_ : user_;
  if (!signers.empty()) {
    const auto& leaf = signers.front();
    report.signer = report.signer.value_or(SignerInfo{});
    report.signer->subject = leaf.subject;
    report.signer->issuer = leaf.issuer;
    report.signer->serial =
        manufacturer_.empty() || unvouched_owner ? leaf.device_serial : manufacturer_.front().device_serial;
    report.signer->fingerprint = leaf.sha256;
    report.signer->key = leaf.key ? std::string(crypto::to_string(leaf.key->alg())) : "";
    report.signer->user_provisioned = !user_.empty();
  }
  for (const auto& origin : chains) {
    report.provenance_reason = mismatch_of(origin);
    if (report.provenance_reason.empty()) continue;
    report.provenance = Provenance::untrusted;
    return;
  }
  if (unvouched_owner) {
    report.provenance_reason =
        "an owner's certificate signs, and no certificate SEI in the clip shows that the camera agreed to it";
    return;
  }
  const bool nobody =
      options_.anchors.empty() && (!options_.owner_anchors || options_.owner_anchors->empty());
  if (nobody && !options_.expected_signer) {
    report.provenance_reason = "no trust anchor was given, so nobody vouches for the signing certificate";
    return;
  }
  const bool plausible = first && *first >= from_unix_seconds(946'684'800);
  if (!options_.at && !plausible) {
    report.provenance_reason =
        "the recording time in the clip is implausible, so certificates cannot be judged at it";
    return;
  }
  auto begin = options_.at ? *options_.at : *first;  // one of them is there
  auto end = options_.at ? *options_.at : std::max(begin, last.value_or(begin));
  if (!options_.at && proven.first) {
    // What an authority says is better than what the camera's clock said; what no stamp covers keeps the
    // latter.
    begin = *proven.first;
    end = proven.whole_clip ? *proven.last : std::max(*proven.last, end);
    report.judged_at_stamped = true;
  }
  if (more_chains_) {
    report.provenance = Provenance::untrusted;
    report.provenance_reason = "the signing certificate changes more often than " +
                               std::to_string(kMaxChains) +
                               " times in this clip: they were not all looked at";
    return;
  }
  report.judged_at = begin;
  report.judged_at_given = options_.at.has_value();
  report.provenance = Provenance::trusted;
  const bool changed = report.signers.size() > 1 && !options_.at;
  for (std::size_t i = 0; i < chains.size(); ++i) {
    const auto& origin = chains[i];
    // It came and the clip ended. (What was signed before any certificate was there is the first one's.) One
    // that signed with a time that is none is judged over the whole clip.
    if (changed && i > 0 && !origin.has_signed && !origin.user_provisioned) continue;
    if (changed && origin.first) {
      // Each certificate for its own time: the old one may end, and the new one begin, within the clip.
      const auto own = proven_time(report, *origin.first, *origin.last);
      judge_chain(origin, own.first.value_or(*origin.first),
                  own.whole_clip ? *own.last : std::max(own.last.value_or(*origin.last), *origin.last), own,
                  report);
    } else {
      judge_chain(origin, begin, end, proven, report);
    }
    if (report.provenance != Provenance::trusted) return;
  }
  report.provenance_reason = options_.expected_signer
                                 ? "the signing certificate is the camera's that was given"
                                 : "the signing certificate leads to a given trust anchor";
}

}  // namespace camvault::signed_video
