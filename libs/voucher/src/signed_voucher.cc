#include "camvault/voucher/signed_voucher.h"

#include "camvault/base/byte_reader.h"
#include "camvault/crypto_openssl/certificate_extensions.h"

namespace camvault::voucher {

namespace {
constexpr std::uint8_t kOctetString = 0x04;
constexpr std::uint8_t kSequence = 0x30;
constexpr std::uint8_t kKeyIdentifier = 0x80;  // AuthorityKeyIdentifier's [0], RFC 5280 4.2.1.1

template <class Content, class Read>
Result<Signed<Content>> open(const crypto::Engine& engine, BytesView message, Read read) {
  if (message.size() > kMaxMessage) return fail(Errc::limit, "a voucher longer than 64 KiB");
  CAM_TRY(auto opened, crypto_openssl::read_signed_message(engine, message));
  if (opened.content_type != kVoucherContent && opened.content_type != crypto_openssl::kCmsData)
    return fail(Errc::unsupported, "a signed message that is no voucher");
  CAM_TRY(auto content, read(opened.content));
  return Signed<Content>{std::move(content), std::move(opened.chain)};
}

// The content of a short element (identifiers have 20 or 32 bytes), or nothing.
BytesView inside(BytesView element, std::uint8_t tag) {
  if (element.size() < 2 || element[0] != tag || element[1] > 0x7f || element.size() < element[1] + 2u)
    return {};
  return element.subspan(2, element[1]);
}

// A clock that is surely wrong has no say about beginnings, as in TLS.
Timestamp judged_at(const Expected& expected, const crypto::Certificate& signer) {
  if (expected.now >= expected.not_earlier_than) return expected.now;
  return std::max(expected.not_earlier_than, signer.not_before);
}

Status check_signer(const crypto::Engine& engine, const SignedVoucher& voucher, const Expected& expected) {
  const auto& signer = voucher.chain.front();
  crypto::PathRequest request;
  request.leaf = &signer;
  request.intermediates = &voucher.chain;
  request.anchors = &expected.anchors;
  request.crls = &expected.crls;
  request.at = judged_at(expected, signer);
  const auto path = engine.validate_path(request);
  if (path.verdict != crypto::PathVerdict::trusted)
    return fail(Errc::invalid, "the voucher is not of this camera's maker: " + path.reason);
  // A camera's key lies below the same root in many a maker's tree, and vouches for nobody.
  if (!signer.device_serial.empty()) return fail(Errc::invalid, "the voucher was signed by a device");
  return ok();
}

Status check_freshness(const Voucher& voucher, const Expected& expected) {
  if (voucher.nonce) {
    if (!expected.nonce || !(*voucher.nonce == *expected.nonce))
      return fail(Errc::invalid, "the voucher answers another request (its nonce is another one)");
    return ok();
  }
  if (!expected.accept_without_nonce)
    return fail(Errc::invalid, "the voucher has no nonce: it may be an old one");
  if (expected.now < expected.not_earlier_than)
    return fail(Errc::invalid, "a voucher without a nonce needs a clock that is right");
  if (!voucher.expires_on || expected.now >= *voucher.expires_on || expected.now < voucher.created_on)
    return fail(Errc::invalid, "the voucher is not valid at this time");
  return ok();
}
}  // namespace

Result<Bytes> sign_voucher(crypto::SigningKey& key, const std::vector<crypto::Certificate>& chain,
                           const Voucher& voucher, Timestamp at) {
  return crypto_openssl::sign_message(key, chain, as_bytes(write_voucher(voucher)), kVoucherContent, at);
}

Result<Bytes> sign_request(crypto::SigningKey& key, const std::vector<crypto::Certificate>& chain,
                           const VoucherRequest& request, Timestamp at) {
  return crypto_openssl::sign_message(key, chain, as_bytes(write_request(request)), kVoucherContent, at);
}

Result<SignedVoucher> open_voucher(const crypto::Engine& engine, BytesView message) {
  return open<Voucher>(engine, message, read_voucher);
}

Result<SignedRequest> open_request(const crypto::Engine& engine, BytesView message) {
  return open<VoucherRequest>(engine, message, read_request);
}

Result<crypto::Certificate> judge(const crypto::Engine& engine, const SignedVoucher& voucher,
                                  const Expected& expected) {
  if (expected.anchors.empty()) return fail(Errc::denied, "nobody is known who may vouch for an owner");
  CAM_TRY_STATUS(check_signer(engine, voucher, expected));
  const auto& content = voucher.content;
  if (content.serial_number != expected.idevid.device_serial)
    return fail(Errc::invalid, "the voucher is for another camera");
  if (!content.idevid_issuer.empty() && !issuer_fits(content.idevid_issuer, expected.idevid))
    return fail(Errc::invalid, "the voucher is for a camera of another issuer");
  CAM_TRY_STATUS(check_freshness(content, expected));
  auto pinned = engine.certificate_from_der(content.pinned_domain_cert);
  if (!pinned) return fail(Errc::invalid, "the voucher pins what is no certificate");
  return std::move(*pinned);
}

bool issuer_fits(BytesView idevid_issuer, const crypto::Certificate& idevid) {
  const auto wanted = crypto_openssl::authority_key_id(idevid);
  if (wanted.empty()) return false;
  if (equal(idevid_issuer, wanted)) return true;
  const auto octets = inside(idevid_issuer, kOctetString);
  if (equal(octets, wanted)) return true;
  const auto list = inside(octets.empty() ? idevid_issuer : octets, kSequence);
  return equal(inside(list, kKeyIdentifier), wanted);
}

Bytes issuer_of(const crypto::Certificate& idevid) {
  const auto id = crypto_openssl::authority_key_id(idevid);
  if (id.empty() || id.size() > 0x7f) return {};
  Bytes out{kOctetString, static_cast<std::uint8_t>(id.size())};
  append(out, id);
  return out;
}

Bytes domain_id(const crypto::Engine& engine, const crypto::Certificate& pinned) {
  auto id = crypto_openssl::subject_key_id(pinned);
  if (!id.empty() || pinned.key == nullptr) return id;
  return to_bytes(engine.digest(crypto::HashAlg::sha256, pinned.key->spki_der()).view());
}

}  // namespace camvault::voucher
