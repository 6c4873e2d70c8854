#include "registrar_service.h"

#include "camvault/base/log.h"

namespace camvault::fleetd {

http::Response RegistrarService::answer_est(const http::Request& request, tls::Connection& connection) {
  enrolment::EstPeer peer;
  peer.path = connection.peer_path();
  if (auto binding = connection.channel_binding()) peer.channel_binding = std::move(*binding);
  auto est = enrolment::answer_est(authority_, request, peer);
  if (!est.why.empty()) {
    const auto who = peer.path.empty() ? std::string("somebody") : peer.path.front().subject;
    log(LogLevel::info, "fleetd: " + std::string(request.path()) + " refused to " + who + ": " + est.why);
  }
  return std::move(est.response);
}

http::Response RegistrarService::answer(const http::Request& request, tls::Connection& connection) {
  if (request.path().starts_with(enrolment::kEstPath)) return answer_est(request, connection);
  if (request.path().starts_with(brski::kBrskiPath))
    return onboarding_.answer(request, connection.peer_path());
  ApiRequest api{request};
  if (authority_.kind_of(connection.peer_path()) == PeerKind::operator_)
    api.who = &connection.peer_path().front();
  return answer_api(authority_, store_, api, clock_.now());
}

}  // namespace camvault::fleetd
