// What fleetd serves, by path: EST, BRSKI, and what operators see.
#pragma once

#include "api.h"
#include "camvault/service/server.h"
#include "onboarding.h"

namespace camvault::fleetd {

class RegistrarService final : public service::Service {
 public:
  RegistrarService(Authority& authority, Onboarding& onboarding, Store& store, const Clock& clock)
      : authority_(authority), onboarding_(onboarding), store_(store), clock_(clock) {}
  Result<std::shared_ptr<const tls::Context>> context() override { return authority_.context(); }
  http::Response answer(const http::Request& request, tls::Connection& connection) override;

 private:
  http::Response answer_est(const http::Request& request, tls::Connection& connection);
  Authority& authority_;
  Onboarding& onboarding_;
  Store& store_;
  const Clock& clock_;
};

}  // namespace camvault::fleetd
