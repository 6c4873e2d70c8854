// Vouchers (RFC 8366) and voucher-requests (RFC 8995 3) as values, and their JSON (RFC 7951). Strict: what
// the YANG modules do not have, or have otherwise, is refused. Nothing is believed here: signed_voucher.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "camvault/base/bytes.h"
#include "camvault/base/time.h"

namespace camvault::voucher {

inline constexpr std::size_t kMaxDocument = 48 * 1024;  // JSON, bytes; real ones have 1 to 8 KiB
inline constexpr std::size_t kMaxSerial = 64;           // characters
inline constexpr std::size_t kMinNonce = 8;             // bytes, RFC 8366 5.3
inline constexpr std::size_t kMaxNonce = 32;

enum class Assertion : std::uint8_t { verified, logged, proximity };
std::string_view to_string(Assertion assertion);  // "verified"

// The nonce as it was written, to be written so again, since others may compare texts.
class Nonce {
 public:
  static Nonce of(BytesView bytes);
  // Base64; also the alphabet for URLs, and without padding, as the examples of RFC 8995 have it.
  static Result<Nonce> read(std::string_view text);
  const std::string& text() const { return text_; }
  const Bytes& bytes() const { return bytes_; }
  friend bool operator==(const Nonce& a, const Nonce& b) { return a.bytes_ == b.bytes_; }

 private:
  std::string text_;
  Bytes bytes_;
};

struct Voucher {
  Timestamp created_on;
  std::optional<Timestamp> expires_on;  // never beside a nonce
  Assertion assertion = Assertion::logged;
  std::string serial_number;
  Bytes idevid_issuer;       // authority key identifier of the IDevID, see issuer_fits(); empty: not there
  Bytes pinned_domain_cert;  // DER
  std::optional<bool> domain_cert_revocation_checks;
  std::optional<Nonce> nonce;
  std::optional<Timestamp> last_renewal_date;  // only beside expires_on
};

struct VoucherRequest {
  std::optional<Timestamp> created_on;
  std::optional<Timestamp> expires_on;
  std::optional<Assertion> assertion;
  std::string serial_number;
  Bytes idevid_issuer;
  Bytes pinned_domain_cert;
  std::optional<bool> domain_cert_revocation_checks;
  std::optional<Nonce> nonce;
  std::optional<Timestamp> last_renewal_date;
  Bytes prior_signed_voucher_request;  // the pledge's, as it was sent (CMS)
  Bytes proximity_registrar_cert;      // DER
};

// Errc::malformed, Errc::limit, Errc::unsupported (a member that is not known, another assertion).
Result<Voucher> read_voucher(BytesView json);
Result<VoucherRequest> read_request(BytesView json);
std::string write_voucher(const Voucher& voucher);
std::string write_request(const VoucherRequest& request);

// yang:date-and-time (RFC 6991 3): with seconds, and with the distance from UTC.
Result<Timestamp> read_date_and_time(std::string_view text);

}  // namespace camvault::voucher
