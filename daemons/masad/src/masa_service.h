// The maker's service (MASA, RFC 8995 2.3 and 5.4 to 5.8): vouchers for those whose devices these are.
#pragma once

#include <mutex>

#include "camvault/brski/brski.h"
#include "camvault/service/server.h"
#include "config.h"
#include "owners.h"
#include "sales_list.h"

namespace camvault::masad {

inline constexpr std::string_view kCaFile =
    "ca.pem";  // of its TLS certificate: for registrars (masa_anchors)
inline constexpr std::string_view kSignerFile =
    "masa.pem";  // signs vouchers: for cameras, from their factory

struct MasaSettings {
  std::string organization;
  std::vector<std::string> names;
  brski::MasaRules rules;
  OwnerPolicy policy = OwnerPolicy::first_owner;
  SalesList sales;
  std::chrono::hours nonceless_validity{7 * 24};
};

// Any number of threads.
class MasaService final : public service::Service {
 public:
  // Keys masa/voucher, masa/ca and masa/tls in the keystore, their certificates in `folder`; made if missing.
  static Result<std::unique_ptr<MasaService>> open(const std::filesystem::path& folder,
                                                   const tls::Environment& environment,
                                                   keystore::Keystore& keystore, Owners& owners,
                                                   MasaSettings settings);
  Result<std::shared_ptr<const tls::Context>> context() override;
  http::Response answer(const http::Request& request, tls::Connection& connection) override;

 private:
  MasaService(const tls::Environment& environment, Owners& owners, MasaSettings settings)
      : environment_(environment), owners_(owners), settings_(std::move(settings)) {}
  Result<Bytes> give_voucher(const brski::MasaRequest& request);
  Result<std::string> audit_log(const brski::MasaRequest& request);
  Result<voucher::Assertion> decide(const brski::MasaRequest& request, const std::string& domain_id);

  tls::Environment environment_;
  Owners& owners_;
  MasaSettings settings_;
  std::shared_ptr<crypto::SigningKey> signer_key_;
  std::shared_ptr<crypto::SigningKey> ca_key_;
  std::shared_ptr<crypto::SigningKey> tls_key_;
  crypto::Certificate signer_;
  crypto::Certificate ca_;

  std::mutex mutex_;  // guards what follows
  std::shared_ptr<const tls::Context> context_;
  Timestamp context_until_{};
};

}  // namespace camvault::masad
