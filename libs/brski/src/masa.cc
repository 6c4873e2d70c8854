#include "camvault/brski/masa.h"

#include "camvault/crypto_openssl/certificate_extensions.h"
#include "camvault/tls/policy.h"

namespace camvault::brski {

namespace {
bool same_key(const crypto::Certificate& a, const crypto::Certificate& b) {
  return a.key != nullptr && b.key != nullptr && a.key->spki_der() == b.key->spki_der();
}

// RFC 8995 5.5.2: the highest certificate that the registrar shows stands for its owner.
Result<crypto::Certificate> top_of(const crypto::Engine& engine,
                                   const std::vector<crypto::Certificate>& chain, Timestamp now) {
  std::vector<crypto::Certificate> tops;
  for (const auto& certificate : chain) {
    if (certificate.subject == certificate.issuer && engine.is_signed_by(certificate, certificate))
      tops.push_back(certificate);
  }
  if (tops.empty()) tops.push_back(chain.front());
  crypto::PathRequest request;
  request.leaf = &chain.front();
  request.intermediates = &chain;
  request.anchors = &tops;
  request.at = now;
  auto path = engine.validate_path(request);
  if (path.verdict != crypto::PathVerdict::trusted)
    return fail(Errc::invalid, "the registrar's certificates do not fit together: " + path.reason);
  return std::move(path.path.back());
}

// As where it connects: below the same root are also keys that sign video, and those of authorities.
Status check_device(const crypto::Engine& engine, const std::vector<crypto::Certificate>& chain,
                    const MasaRules& rules, Timestamp now) {
  tls::Policy makers;
  makers.anchors = rules.device_anchors;
  makers.crls = rules.device_lists;
  const auto judged = tls::judge(engine, makers, tls::Role::client, chain, {}, now);
  if (!judged.good()) return fail(Errc::denied, "the device is none of ours: " + judged.reason);
  return ok();
}

// RFC 8995 5.5.5 and 5.5.6: the device's own words.
Status check_prior(const crypto::Engine& engine, const voucher::VoucherRequest& content,
                   const MasaRules& rules, Timestamp now, MasaRequest& out) {
  CAM_TRY(const auto prior, voucher::open_request(engine, content.prior_signed_voucher_request));
  CAM_TRY_STATUS(check_device(engine, prior.chain, rules, now));
  const auto& idevid = prior.chain.front();
  if (idevid.device_serial != content.serial_number || prior.content.serial_number != content.serial_number)
    return fail(Errc::denied, "the device's own request is for another device");
  if (!(prior.content.nonce == content.nonce))
    return fail(Errc::denied, "the device's own request has another nonce");
  if (!content.idevid_issuer.empty() && !voucher::issuer_fits(content.idevid_issuer, idevid))
    return fail(Errc::denied, "the device's certificate has another issuer");
  out.idevid_issuer = voucher::issuer_of(idevid);
  if (prior.content.proximity_registrar_cert.empty()) return ok();
  const auto seen = engine.certificate_from_der(prior.content.proximity_registrar_cert);
  if (!seen || !same_key(*seen, out.registrar))
    return fail(Errc::denied, "the device saw another registrar than the one that asks");
  out.proximity = true;
  return ok();
}
}  // namespace

Result<MasaRequest> check_registrar_request(const crypto::Engine& engine, BytesView message,
                                            const MasaRules& rules, Timestamp now) {
  CAM_TRY(auto request, voucher::open_request(engine, message));
  MasaRequest out;
  out.registrar = request.chain.front();
  if (!crypto_openssl::lists_key_usage(out.registrar, voucher::kRegistrarUsage))
    return fail(Errc::denied, "who asks is no registrar by its certificate (id-kp-cmcRA)");
  CAM_TRY(out.pinned, top_of(engine, request.chain, now));
  out.domain_id = voucher::domain_id(engine, out.pinned);
  // Whose a device is hangs on it, and everybody can write somebody else's into a certificate.
  if (!crypto_openssl::subject_key_id(out.pinned).empty() && !crypto_openssl::key_id_is_of_key(out.pinned))
    return fail(Errc::denied, "the key identifier of the owner's certificate is not of its key");
  const auto& content = request.content;
  out.serial = content.serial_number;
  out.nonce = content.nonce;
  if (!content.nonce && !rules.nonceless) return fail(Errc::denied, "vouchers without a nonce are not given");
  if (!content.prior_signed_voucher_request.empty()) {
    CAM_TRY_STATUS(check_prior(engine, content, rules, now, out));
  } else if (!rules.nonceless || content.nonce) {
    return fail(Errc::denied, "the device's own request is wanted");
  }
  return out;
}

voucher::Voucher voucher_for(const MasaRequest& request, voucher::Assertion assertion, Timestamp now,
                             std::chrono::hours validity) {
  voucher::Voucher out;
  out.created_on = now;
  out.assertion = assertion;
  out.serial_number = request.serial;
  out.idevid_issuer = request.idevid_issuer;
  out.pinned_domain_cert = request.pinned.der;
  out.nonce = request.nonce;
  if (!request.nonce) out.expires_on = now + validity;
  return out;
}

}  // namespace camvault::brski
