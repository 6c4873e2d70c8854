#include "certificate.h"

#include <openssl/pem.h>

#include <array>
#include <climits>
#include <cstring>
#include <optional>

#include "camvault/crypto/extensions.h"
#include "digest.h"
#include "public_key.h"

namespace camvault::crypto_openssl {

using crypto::Certificate;
using crypto::RevocationList;

namespace {
constexpr std::size_t kMaxCertificateSize = 64 * 1024;  // real ones are 0.5 to 4 kB
constexpr std::size_t kMaxPemSize = 4 * 1024 * 1024;    // 64 certificates of the size above, in base64
constexpr std::size_t kMaxCrlSize = 16 * 1024 * 1024;   // some 400,000 entries
constexpr int kMaxExtensions = 64;
constexpr int kMaxNameEntries = 64;

bool is_digits(std::string_view text) {
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
  }
  return true;
}

std::string serial_hex(const ASN1_INTEGER* serial) {
  const auto* data = ASN1_STRING_get0_data(serial);
  const auto size = static_cast<std::size_t>(ASN1_STRING_length(serial));
  return (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER ? "-" : "") + to_hex({data, size});
}

std::string fingerprint(BytesView der) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(der.data(), der.size(), out, &size, EVP_sha256(), nullptr) != 1) return {};
  return to_hex({out, size});
}

// Of crypto/extensions.h; a value of another form is as good as none.
Bytes attester_in(const X509* x509) {
  constexpr std::uint8_t kHeader[] = {0x04, 0x20};  // OCTET STRING of 32 bytes
  constexpr std::size_t kSize = 32;
  const auto& oid_der = crypto::kAttestationKeyOidDer;
  const auto* cursor = oid_der.data();
  const Owned<ASN1_OBJECT, ASN1_OBJECT_free> oid(
      d2i_ASN1_OBJECT(nullptr, &cursor, static_cast<long>(oid_der.size())));
  clear_errors();
  const int at = oid ? X509_get_ext_by_OBJ(x509, oid.get(), -1) : -1;
  if (at < 0) return {};
  const auto* value = X509_EXTENSION_get_data(X509_get_ext(x509, at));
  const BytesView bytes(ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value)));
  if (bytes.size() != sizeof kHeader + kSize || !equal(bytes.first(sizeof kHeader), kHeader)) return {};
  return to_bytes(bytes.last(kSize));
}

struct PemBlock {
  std::string type;
  OsslMemory data;
  std::size_t size = 0;
};

// One block after the other. Not found: no further block. Text between blocks is skipped, as everywhere.
Result<PemBlock> next_pem_block(BIO* in) {
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  clear_errors();
  const int good = PEM_read_bio(in, &name, &header, &data, &size);
  const auto reason = ERR_GET_REASON(ERR_peek_last_error());
  clear_errors();
  const Owned<char, free_ossl_memory> name_owner(name);
  const Owned<char, free_ossl_memory> header_owner(header);
  PemBlock block{{}, OsslMemory(data), static_cast<std::size_t>(size)};
  if (good != 1) {
    if (reason == PEM_R_NO_START_LINE) return fail(Errc::not_found, "no further PEM block");
    return fail(Errc::malformed, "broken PEM block");
  }
  block.type = name;
  return block;
}

// OpenSSL 3.0 takes 0.1 ms to parse a certificate and as long again to encode its key, most of it to find out
// who does that. The same few come again and again: a camera's chain in every recording, its issuers at each
// judgement. One set a thread: no lock, and nobody else looks at the objects.
class KnownCertificates {
 public:
  struct Entry {
    Bytes der;
    X509Cert x509;
    std::optional<Certificate> value;  // once it was asked for and was found good
  };

  Entry* find(BytesView der) {
    for (auto& entry : entries_) {
      if (equal(entry.der, der)) return &entry;
    }
    return nullptr;
  }
  void remember(BytesView der, X509* x509) {
    if (der.size() > kLargest || X509_up_ref(x509) != 1) return;
    entries_[next_++ % entries_.size()] = {to_bytes(der), X509Cert(x509), std::nullopt};
  }

 private:
  static constexpr std::size_t kLargest = 4096;
  std::array<Entry, 16> entries_;  // the oldest gives way
  std::size_t next_ = 0;
};

KnownCertificates& known_certificates() {
  thread_local KnownCertificates known;
  return known;
}

Bio memory_bio(BytesView data) {
  return Bio(BIO_new_mem_buf(data.data(), static_cast<int>(data.size())));
}
}  // namespace

std::string printable_name(const X509_NAME* name) {
  const Bio out(BIO_new(BIO_s_mem()));
  if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253) < 0) return "?";
  const char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

std::string single_attribute(const X509_NAME* name, int nid) {
  const int at = X509_NAME_get_index_by_NID(name, nid, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(name, nid, at) >= 0) return {};
  const Bio out(BIO_new(BIO_s_mem()));
  const auto* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
  // Without RFC 4514's escapes of , + " and the like, which have a meaning only between other attributes.
  constexpr unsigned long kFlags = ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_ESC_MSB | ASN1_STRFLGS_UTF8_CONVERT;
  if (!out || ASN1_STRING_print_ex(out.get(), value, kFlags) < 0) return {};
  const char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

Result<Timestamp> timestamp_of(const ASN1_TIME* time) {
  std::string text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(time)),
                   static_cast<std::size_t>(ASN1_STRING_length(time)));
  const int type = ASN1_STRING_type(time);
  if (type == V_ASN1_UTCTIME) {
    // RFC 5280 4.1.2.5.1: 50 to 99 are of the twentieth century.
    if (text.size() != 13) return fail(Errc::malformed, "UTCTime");
    text.insert(0, text[0] >= '5' ? "19" : "20");
  } else if (type != V_ASN1_GENERALIZEDTIME) {
    return fail(Errc::malformed, "time that is neither UTCTime nor GeneralizedTime");
  }
  // 4.1.2.5.2: seconds always, no fraction, always Z.
  if (text.size() != 15 || text.back() != 'Z' || !is_digits(std::string_view(text).substr(0, 14))) {
    return fail(Errc::malformed, "certificate time not in the form of RFC 5280");
  }
  const auto part = [&](std::size_t at, std::size_t count) { return text.substr(at, count); };
  return from_iso8601(part(0, 4) + "-" + part(4, 2) + "-" + part(6, 2) + "T" + part(8, 2) + ":" +
                      part(10, 2) + ":" + part(12, 2) + "Z");
}

X509Cert x509_from_der(BytesView der) {
  if (const auto* known = known_certificates().find(der)) {
    if (known->x509 && X509_up_ref(known->x509.get()) == 1) return X509Cert(known->x509.get());
  }
  clear_errors();
  const auto* cursor = der.data();
  X509Cert cert(d2i_X509(nullptr, &cursor, static_cast<long>(der.size())));
  clear_errors();
  if (!cert || cursor != der.data() + der.size()) return nullptr;
  known_certificates().remember(der, cert.get());
  return cert;
}

X509Crl crl_from_der(BytesView der) {
  clear_errors();
  const auto* cursor = der.data();
  X509Crl crl(d2i_X509_CRL(nullptr, &cursor, static_cast<long>(der.size())));
  clear_errors();
  if (!crl || cursor != der.data() + der.size()) return nullptr;
  return crl;
}

Result<Certificate> certificate_from_der(BytesView der) {
  if (der.size() > kMaxCertificateSize) return fail(Errc::limit, "certificate longer than 64 KiB");
  if (const auto* known = known_certificates().find(der); known != nullptr && known->value)
    return *known->value;
  const auto x509 = x509_from_der(der);
  if (!x509) return fail(Errc::malformed, "not an X.509 certificate");
  // One certificate has one encoding (X.690 10): BER variants would give it several fingerprints.
  if (!equal(der_of(x509.get(), i2d_X509), der)) return fail(Errc::malformed, "certificate not in DER");
  if (X509_get_ext_count(x509.get()) > kMaxExtensions)
    return fail(Errc::limit, "more than 64 certificate extensions");
  const auto* subject = X509_get_subject_name(x509.get());
  const auto* issuer = X509_get_issuer_name(x509.get());
  if (X509_NAME_entry_count(subject) > kMaxNameEntries || X509_NAME_entry_count(issuer) > kMaxNameEntries) {
    return fail(Errc::limit, "certificate name of more than 64 attributes");
  }
  const auto flags = X509_get_extension_flags(x509.get());
  clear_errors();
  if ((flags & EXFLAG_INVALID) != 0)
    return fail(Errc::malformed, "certificate extension malformed or there twice");

  Certificate out;
  out.der = to_bytes(der);
  out.subject = printable_name(subject);
  out.issuer = printable_name(issuer);
  out.common_name = single_attribute(subject, NID_commonName);
  out.device_serial = single_attribute(subject, NID_serialNumber);
  out.serial = serial_hex(X509_get0_serialNumber(x509.get()));
  CAM_TRY(out.not_before, timestamp_of(X509_get0_notBefore(x509.get())));
  CAM_TRY(out.not_after, timestamp_of(X509_get0_notAfter(x509.get())));
  out.is_ca = (flags & EXFLAG_CA) != 0;
  EvpKey key(X509_get_pubkey(x509.get()));
  clear_errors();
  if (!key) return fail(Errc::unsupported, "certificate with a public key of an unknown kind");
  CAM_TRY(out.key, wrap_public_key(std::move(key), X509_get_X509_PUBKEY(x509.get())));
  out.sha256 = fingerprint(der);
  out.attester = attester_in(x509.get());
  if (auto* known = known_certificates().find(der)) known->value = out;
  return out;
}

Result<std::vector<Certificate>> certificates_from_pem(std::string_view pem, std::size_t limit) {
  if (pem.size() > kMaxPemSize) return fail(Errc::limit, "PEM text longer than 4 MiB");
  const auto in = memory_bio(as_bytes(pem));
  if (!in) return fail(Errc::internal, "out of memory");
  std::vector<Certificate> out;
  for (;;) {
    auto block = next_pem_block(in.get());
    if (!block && block.error().code == Errc::not_found) break;
    if (!block) return tl::unexpected(std::move(block).error());
    if (block->type != PEM_STRING_X509 && block->type != PEM_STRING_X509_OLD) continue;
    if (out.size() == limit) return fail(Errc::limit, "more than " + std::to_string(limit) + " certificates");
    auto cert = certificate_from_der({block->data.get(), block->size});
    if (!cert) return fail_in("certificate " + std::to_string(out.size() + 1), std::move(cert).error());
    out.push_back(std::move(*cert));
  }
  if (out.empty()) return fail(Errc::malformed, "no certificate in this PEM text");
  return out;
}

Result<RevocationList> crl_from_pem_or_der(BytesView data) {
  if (data.size() > kMaxCrlSize) return fail(Errc::limit, "revocation list longer than 16 MiB");
  PemBlock block;
  BytesView der = data;
  if (data.empty() || data[0] != 0x30) {  // DER begins with a SEQUENCE, PEM never with a zero
    const auto in = memory_bio(data);
    if (!in) return fail(Errc::internal, "out of memory");
    do {
      CAM_TRY(block, next_pem_block(in.get()));
    } while (block.type != PEM_STRING_X509_CRL);
    der = {block.data.get(), block.size};
  }
  const auto crl = crl_from_der(der);
  if (!crl) return fail(Errc::malformed, "not an X.509 revocation list");
  RevocationList out;
  out.der = to_bytes(der);
  out.issuer = printable_name(X509_CRL_get_issuer(crl.get()));
  CAM_TRY(out.this_update, timestamp_of(X509_CRL_get0_lastUpdate(crl.get())));
  if (const auto* next = X509_CRL_get0_nextUpdate(crl.get())) {
    CAM_TRY(out.next_update, timestamp_of(next));
  }
  return out;
}

}  // namespace camvault::crypto_openssl
