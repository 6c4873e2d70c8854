#include "camvault/base/file.h"
#include "camvault/network/connection.h"

namespace camvault::network {

namespace {
constexpr std::size_t kMaxAnchorFile = 1024 * 1024;
}

Status check_server_policy(const ServerPolicy& policy, const crypto::Engine& engine) {
  if (policy.anchors.empty() || policy.names.empty())
    return fail(
        Errc::denied,
        "no certificate authority or no name of the authentication server is configured: no connection");
  const auto pem = read_file(policy.anchors, kMaxAnchorFile);
  if (!pem) return fail(Errc::denied, "the authentication server's authorities: " + pem.error().what);
  const auto anchors = engine.certificates_from_pem(as_text(*pem));
  if (!anchors) return fail(Errc::denied, policy.anchors.string() + ": " + anchors.error().what);
  if (anchors->empty()) return fail(Errc::denied, policy.anchors.string() + " holds no certificate");
  for (const auto& name : policy.names) {
    if (!is_server_name(name))
      return fail(Errc::denied, "a name of the authentication server is no DNS name");
  }
  return ok();
}

}  // namespace camvault::network
