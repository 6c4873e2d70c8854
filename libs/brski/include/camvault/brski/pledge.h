// A camera that nobody told anything gets to its owner: it trusts the registrar once a voucher of its maker
// names that owner, and enrols there.
#pragma once

#include "camvault/brski/onboarding_state.h"
#include "camvault/enrolment/enroller.h"
#include "camvault/enrolment/tls_transport.h"
#include "camvault/voucher/signed_voucher.h"

namespace camvault::brski {

struct PledgeSettings {
  http::Url server;                               // the registrar
  std::vector<std::string> addresses;             // where it is; none: where its name leads
  std::filesystem::path folder;                   // the camera's identity folder
  std::vector<crypto::Certificate> masa_anchors;  // none: those of kMasaAnchors in the folder
  std::vector<crypto::RevocationList> lists;      // of maker's and owner's authorities, where there are some
  std::string key_type = "ec-p256";
  std::chrono::milliseconds timeout{10'000};  // of each connection and exchange
};

struct Onboarded {
  enrolment::Enrolled enrolled;
  bool voucher_is_new = false;
  crypto::Certificate owner;                // that the voucher pins
  std::optional<voucher::Voucher> voucher;  // none: the owner had a code (libs/claim)
  std::string note;
};

// Thread-confined; all that is referred to must outlive it. Whatever moment it is stopped at, the next call
// goes on: what was believed is on the disk before it is used.
class Pledge {
 public:
  Pledge(const tls::Environment& environment, std::shared_ptr<keystore::Keystore> keystore,
         PledgeSettings settings);

  // RFC 8995 5.2 to 5.9. With an owner already, enrols there (enrolment::Enroller), and asks for no voucher.
  // Errors: unavailable (registrar or MASA: try again, retry_after says when), denied (not this camera, or
  // not this owner), invalid (voucher, registrar or answer is not believed), not_found (no identity or no
  // anchors of its factory).
  Result<Onboarded> onboard();
  std::optional<std::chrono::seconds> retry_after() const { return retry_after_; }

 private:
  Status request_voucher();
  Result<voucher::SignedVoucher> ask(enrolment::TlsTransport& transport, const voucher::Nonce& nonce,
                                     Bytes& message);
  Status believe(tls::Connection& connection, const voucher::SignedVoucher& voucher,
                 const voucher::Nonce& nonce, crypto::Certificate& pinned) const;
  Result<enrolment::Enrolled> enrol();
  Status report(bool good, const std::string& reason);
  Result<std::vector<crypto::Certificate>> pinned() const;
  std::string server_url() const;

  tls::Environment environment_;
  std::shared_ptr<keystore::Keystore> keystore_;
  PledgeSettings settings_;
  std::shared_ptr<const tls::Credential> factory_;
  OwnerState owner_;
  std::optional<std::chrono::seconds> retry_after_;
};

}  // namespace camvault::brski
