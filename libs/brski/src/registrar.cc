#include "camvault/brski/registrar.h"

namespace camvault::brski {

namespace {
bool same_key(const crypto::Certificate& a, const crypto::Certificate& b) {
  return a.key != nullptr && b.key != nullptr && a.key->spki_der() == b.key->spki_der();
}
}  // namespace

Result<voucher::VoucherRequest> check_pledge_request(const crypto::Engine& engine, BytesView message,
                                                     const crypto::Certificate& idevid,
                                                     const crypto::Certificate& registrar) {
  CAM_TRY(auto request, voucher::open_request(engine, message));
  if (!same_key(request.chain.front(), idevid))
    return fail(Errc::denied, "the voucher-request was signed by another device than the one that asks");
  auto& content = request.content;
  if (content.serial_number != idevid.device_serial)
    return fail(Errc::denied, "a voucher-request for another device than the one that asks");
  if (!content.nonce) return fail(Errc::denied, "a voucher-request without a nonce");
  if (!content.prior_signed_voucher_request.empty() || !content.pinned_domain_cert.empty())
    return fail(Errc::malformed, "a voucher-request with members that are a registrar's");
  if (content.assertion != voucher::Assertion::proximity || content.proximity_registrar_cert.empty())
    return fail(Errc::malformed, "a voucher-request that does not say whom the device sees");
  const auto seen = engine.certificate_from_der(content.proximity_registrar_cert);
  // Somebody between the device and us has another key. The certificate itself is renewed now and then.
  if (!seen || !same_key(*seen, registrar))
    return fail(Errc::denied, "the device sees another registrar than us: somebody is in between");
  return std::move(content);
}

Result<Bytes> make_registrar_request(const tls::Credential& registrar, const crypto::Certificate& ca,
                                     const crypto::Certificate& idevid, BytesView pledge_message,
                                     const voucher::VoucherRequest& pledge, Timestamp now) {
  voucher::VoucherRequest request;
  request.created_on = now;
  request.assertion = voucher::Assertion::proximity;
  request.serial_number = pledge.serial_number;
  request.idevid_issuer = voucher::issuer_of(idevid);
  request.nonce = pledge.nonce;
  request.prior_signed_voucher_request = to_bytes(pledge_message);
  auto chain = registrar.chain();
  chain.push_back(ca);
  return voucher::sign_request(*registrar.key(), chain, request, now);
}

Status check_voucher(const crypto::Engine& engine, BytesView message, const voucher::VoucherRequest& pledge,
                     const tls::Credential& registrar, const crypto::Certificate& ca) {
  CAM_TRY(const auto voucher, voucher::open_voucher(engine, message));
  const auto& content = voucher.content;
  if (content.serial_number != pledge.serial_number)
    return fail(Errc::invalid, "a voucher for another device");
  if (!content.nonce || !(content.nonce == pledge.nonce))
    return fail(Errc::invalid, "a voucher for another request");
  if (!equal(content.pinned_domain_cert, ca.der) && !equal(content.pinned_domain_cert, registrar.leaf().der))
    return fail(Errc::invalid, "a voucher for another owner");
  return ok();
}

}  // namespace camvault::brski
