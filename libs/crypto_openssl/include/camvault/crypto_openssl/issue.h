// Certificate requests (PKCS#10, RFC 2986), certificates and revocation lists (RFC 5280), signed with keys
// that live elsewhere: what is to be signed is encoded here, a crypto::SigningKey signs it, the parts are put
// together. Every signature is checked with the key's public half before anything is returned.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "camvault/crypto/certificate.h"
#include "camvault/crypto/key.h"

namespace camvault::crypto_openssl {

// One more attribute of a name, a UTF8String: Matter's vendor identifier, for one.
struct NameAttribute {
  std::string oid;  // dotted
  std::string value;
};

// A subject, written in this order; empty attributes are left out. UTF-8, at most 64 bytes each (X.520 upper
// bounds), no control characters. country: two letters. device_serial: PrintableString alphabet
// (X.520 6.2.9).
struct SubjectName {
  std::string country;
  std::string organization;
  std::string organizational_unit;
  std::string common_name;
  std::string device_serial;           // serialNumber, 2.5.4.5
  std::vector<NameAttribute> further;  // at most 4
};

enum class KeyUsage : std::uint16_t {  // RFC 5280 4.2.1.3, as bits of the named bit list
  digital_signature = 1u << 0,
  non_repudiation = 1u << 1,
  key_encipherment = 1u << 2,
  key_agreement = 1u << 4,
  key_cert_sign = 1u << 5,
  crl_sign = 1u << 6,
};
constexpr KeyUsage operator|(KeyUsage a, KeyUsage b) {
  return static_cast<KeyUsage>(static_cast<std::uint16_t>(a) | static_cast<std::uint16_t>(b));
}

// RFC 4108 section 5: which kind of hardware module, and which one of them.
struct HardwareModuleName {
  std::string type_oid;  // dotted
  Bytes serial;
};

// An extension of our own (camvault/crypto/extensions.h); never critical.
struct PrivateExtension {
  Bytes oid;    // OBJECT IDENTIFIER, DER
  Bytes value;  // DER
};

// What a certificate says beside its names and key. Key identifiers (RFC 5280 4.2.1.1, 4.2.1.2) are always
// there.
struct CertificateProfile {
  bool ca = false;                                   // basicConstraints, critical
  std::optional<std::uint8_t> path_length;           // of a CA; at most 7
  KeyUsage key_usage = KeyUsage::digital_signature;  // critical
  std::vector<std::string> extended_key_usages;      // dotted; none: the extension is left out
  bool extended_key_usage_critical = false;          // as RFC 3161 2.3 wants it for time stamping
  // subjectAltName: an otherName, and what a TLS server is called. IP addresses: 4 or 16 bytes.
  std::optional<HardwareModuleName> hardware_module;
  std::vector<std::string> dns_names;
  std::vector<Bytes> ip_addresses;
  std::vector<PrivateExtension> private_extensions;  // at most 8
  Timestamp not_before;                              // whole seconds; fractions are cut
  Timestamp not_after;
};

// RSA keys sign certificates with PKCS#1 v1.5 unless PSS is asked for: switches and RADIUS servers know it.
enum class RsaPadding : std::uint8_t { pkcs1v15, pss };

inline constexpr std::size_t kSerialSize =
    16;  // bytes of the serial numbers we choose; RFC 5280 4.1.2.2 allows 20

// A PKCS#10 request in DER that `openssl req -verify` accepts. `challenge_password` (RFC 2985 5.4.1;
// printable, at most 255 bytes) is what EST binds the request to its connection with; empty: none.
Result<Bytes> make_certificate_request(crypto::SigningKey& key, const SubjectName& subject,
                                       RsaPadding padding = RsaPadding::pkcs1v15,
                                       std::string_view challenge_password = {});

struct CertificateRequest {
  std::string subject;  // printable, RFC 4514
  std::string common_name;
  std::string device_serial;
  std::string organizational_unit;
  std::string challenge_password;  // empty if there is none
  Bytes spki;
  std::shared_ptr<const crypto::PublicKey> key;
};
// Reads one in DER or PEM (at most 16 KiB). Errc::invalid if its signature was not made with the key it
// names: nobody gets a certificate for a key that they do not have. Other attributes and wanted extensions
// are not looked at.
Result<CertificateRequest> read_certificate_request(BytesView der_or_pem);

// A certificate whose subject and issuer are the same.
Result<crypto::Certificate> issue_self_signed(crypto::SigningKey& key, const SubjectName& subject,
                                              const CertificateProfile& profile, BytesView serial,
                                              RsaPadding padding = RsaPadding::pkcs1v15);

// A certificate for `spki` by `issuer`, whose key `issuer_key` must be (Errc::usage otherwise). The issuer's
// name is taken over byte by byte. `serial`: big endian, 1 to 20 bytes, not zero.
Result<crypto::Certificate> issue_certificate(crypto::SigningKey& issuer_key,
                                              const crypto::Certificate& issuer, const SubjectName& subject,
                                              BytesView spki, const CertificateProfile& profile,
                                              BytesView serial, RsaPadding padding = RsaPadding::pkcs1v15);

enum class RevocationReason : std::uint8_t {  // RFC 5280 5.3.1
  unspecified = 0,
  key_compromise = 1,
  ca_compromise = 2,
  affiliation_changed = 3,
  superseded = 4,
  cessation_of_operation = 5,
};

struct RevokedCertificate {
  std::string serial;  // hex, as Certificate::serial
  Timestamp since;
  RevocationReason reason = RevocationReason::unspecified;
};

struct RevocationContent {
  std::uint64_t number = 1;  // of this list; grows with each
  Timestamp this_update;
  Timestamp next_update;
  std::vector<RevokedCertificate> revoked;  // at most 100,000
};
Result<crypto::RevocationList> issue_revocation_list(crypto::SigningKey& issuer_key,
                                                     const crypto::Certificate& issuer,
                                                     const RevocationContent& content,
                                                     RsaPadding padding = RsaPadding::pkcs1v15);

// PKCS#7 that holds certificates and signs nothing (RFC 5652, RFC 7030 4.1.3), DER.
Bytes encode_certs_only(const std::vector<crypto::Certificate>& certificates);
// At most 64 KiB and 32 certificates, in the order they stand in. Errc::malformed, Errc::limit.
Result<std::vector<crypto::Certificate>> read_certs_only(BytesView der);

// RFC 7468 text.
std::string certificate_pem(const crypto::Certificate& certificate);
std::string certificates_pem(const std::vector<crypto::Certificate>& certificates);
std::string revocation_list_pem(const crypto::RevocationList& list);
std::string certificate_request_pem(BytesView der);

}  // namespace camvault::crypto_openssl
