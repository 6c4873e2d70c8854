#include "camvault/network/connection.h"

namespace camvault::network {

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::starting:
      return "starting";
    case Phase::no_identity:
      return "no-identity";
    case Phase::no_link:
      return "no-link";
    case Phase::unanswered:
      return "unanswered";
    case Phase::authenticating:
      return "authenticating";
    case Phase::provisioning:
      return "provisioning";
    case Phase::production:
      return "production";
    case Phase::connected:
      return "connected";
    case Phase::refused:
      return "refused";
    case Phase::server_refused:
      return "server-refused";
    case Phase::failed:
      return "failed";
  }
  return "failed";
}

}  // namespace camvault::network
