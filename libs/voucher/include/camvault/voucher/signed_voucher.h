// Vouchers and voucher-requests in CMS (application/voucher-cms+json), and whether a camera may believe one.
#pragma once

#include "camvault/crypto/engine.h"
#include "camvault/crypto_openssl/signed_message.h"
#include "camvault/voucher/voucher.h"

namespace camvault::voucher {

inline constexpr std::string_view kMediaType = "application/voucher-cms+json";
inline constexpr std::size_t kMaxMessage = 64 * 1024;                              // CMS, bytes
inline constexpr std::string_view kVoucherContent = "1.2.840.113549.1.9.16.1.40";  // id-ct-animaJSONVoucher
inline constexpr std::string_view kRegistrarUsage = "1.3.6.1.5.5.7.3.28";          // id-kp-cmcRA, RFC 6402
inline constexpr std::string_view kMasaUrl = "1.3.6.1.5.5.7.1.32";  // id-pe-masa-url, RFC 8995 2.3.2

template <class Content>
struct Signed {
  Content content;
  std::vector<crypto::Certificate> chain;  // the signer's first; the others as they came
};
using SignedVoucher = Signed<Voucher>;
using SignedRequest = Signed<VoucherRequest>;

// `chain`: the key's certificate first, then those above it, the root too where the other side wants to see
// it.
Result<Bytes> sign_voucher(crypto::SigningKey& key, const std::vector<crypto::Certificate>& chain,
                           const Voucher& voucher, Timestamp at);
Result<Bytes> sign_request(crypto::SigningKey& key, const std::vector<crypto::Certificate>& chain,
                           const VoucherRequest& request, Timestamp at);

// The signature is the first certificate's; whose that is, the caller finds out. Content of id-data is taken,
// too: the examples of RFC 8995, and programs that follow them, say so.
// Errc::malformed, limit, unsupported, invalid.
Result<SignedVoucher> open_voucher(const crypto::Engine& engine, BytesView message);
Result<SignedRequest> open_request(const crypto::Engine& engine, BytesView message);

// What a camera knows when it gets a voucher. `engine` and lists live elsewhere.
struct Expected {
  std::vector<crypto::Certificate> anchors;  // who signs vouchers of the maker, or who vouches for them
  std::vector<crypto::RevocationList> crls;
  crypto::Certificate idevid;
  std::optional<Nonce> nonce;  // that was asked with
  // A voucher without a nonce can be an old one: only for who asks for that, and with a clock that is right.
  bool accept_without_nonce = false;
  Timestamp now;
  Timestamp not_earlier_than;  // a clock that says it is earlier is not believed (tls/policy.h)
};

// RFC 8995 5.6.1: the certificate to trust from now on. Errc::invalid with the reason.
Result<crypto::Certificate> judge(const crypto::Engine& engine, const SignedVoucher& voucher,
                                  const Expected& expected);

// Does an idevid-issuer name who issued the certificate? Taken in the forms that are in use: the key
// identifier alone, as an OCTET STRING, or within AuthorityKeyIdentifier.
bool issuer_fits(BytesView idevid_issuer, const crypto::Certificate& idevid);
Bytes issuer_of(const crypto::Certificate& idevid);  // as an OCTET STRING; empty without an identifier

// The URL of the maker's service in an IDevID: "https://masa.example:9443", whether the extension has the
// whole or the authority alone. Errc::not_found, Errc::malformed.
Result<std::string> masa_url(const crypto::Certificate& idevid);
// The extension's value, DER. Errc::usage for what is no such URL.
Result<Bytes> encode_masa_url(std::string_view url);

// RFC 8995 5.8.2: who an owner is: subjectKeyIdentifier of the pinned certificate, or SHA-256 of its key.
Bytes domain_id(const crypto::Engine& engine, const crypto::Certificate& pinned);

}  // namespace camvault::voucher
