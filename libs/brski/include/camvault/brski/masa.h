// The maker's half of BRSKI, without its transport and its policy: what a registrar's request must show, the
// voucher that answers it, and the log of who asked.
#pragma once

#include "camvault/voucher/signed_voucher.h"

namespace camvault::brski {

struct MasaRules {
  std::vector<crypto::Certificate> device_anchors;  // of our devices
  std::vector<crypto::RevocationList> device_lists;
  bool nonceless = false;  // requests without a nonce, also without the device's own words: for later use
};

struct MasaRequest {
  std::string serial;
  std::optional<voucher::Nonce> nonce;
  Bytes idevid_issuer;
  crypto::Certificate registrar;
  crypto::Certificate pinned;  // the owner's CA, or the registrar where it shows none
  Bytes domain_id;             // of the owner
  bool proximity = false;      // the device itself saw this registrar
};

// RFC 8995 5.5.1 to 5.5.6. Errc::denied, invalid, malformed, limit, unsupported.
Result<MasaRequest> check_registrar_request(const crypto::Engine& engine, BytesView message,
                                            const MasaRules& rules, Timestamp now);

// Without a nonce it ends after `validity`.
voucher::Voucher voucher_for(const MasaRequest& request, voucher::Assertion assertion, Timestamp now,
                             std::chrono::hours validity);

// RFC 8995 5.8.1.
struct AuditEvent {
  std::string date;       // ISO 8601
  std::string domain_id;  // base64
  std::string nonce;      // base64, or "NULL"
  std::string assertion;
};
inline constexpr std::size_t kMaxAuditEvents = 256;
std::string write_audit_log(const std::vector<AuditEvent>& events, std::uint64_t left_out);
Result<std::vector<AuditEvent>> read_audit_log(BytesView json);

}  // namespace camvault::brski
