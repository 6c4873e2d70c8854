// Bringing devices in without a hand: the registrar's half of BRSKI (RFC 8995). Devices of the list get a
// voucher from their maker's service, whose words are passed on as they are, and all of it is written down.
#pragma once

#include "authority.h"
#include "camvault/brski/brski.h"
#include "camvault/brski/registrar.h"
#include "camvault/enrolment/tls_transport.h"

namespace camvault::fleetd {

struct OnboardingSettings {
  std::vector<crypto::Certificate> masa_anchors;  // none: nobody is asked, and nobody is brought in
  std::vector<crypto::RevocationList> masa_lists;
  std::chrono::milliseconds timeout{2'500};  // of each connection to a maker's service, and each exchange
};

// Any number of threads.
class Onboarding {
 public:
  Onboarding(const tls::Environment& environment, Authority& authority, Store& store,
             OnboardingSettings settings)
      : environment_(environment), authority_(authority), store_(store), settings_(std::move(settings)) {}

  // Whatever lies below brski::kBrskiPath. `path`: of the peer's certificate, as judged.
  http::Response answer(const http::Request& request, const std::vector<crypto::Certificate>& path);

 private:
  http::Response request_voucher(const http::Request& request, const crypto::Certificate& idevid);
  Result<Bytes> ask_masa(const crypto::Certificate& idevid, BytesView message,
                         const voucher::VoucherRequest& pledge, const tls::Credential& registrar);
  void fetch_audit_log(enrolment::TlsTransport& masa, BytesView request, const std::string& serial);
  http::Response take_status(const http::Request& request, const std::string& serial,
                             brski::Operation operation);
  Status note(const std::string& serial, const char* event, const std::string& detail,
              const std::string& document = {});

  tls::Environment environment_;
  Authority& authority_;
  Store& store_;
  OnboardingSettings settings_;
};

}  // namespace camvault::fleetd
