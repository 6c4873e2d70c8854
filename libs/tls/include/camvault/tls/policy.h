// What a TLS peer must prove. There is no connection without a policy, and none without an anchor.
#pragma once

#include <string>
#include <vector>

#include "camvault/crypto/engine.h"

namespace camvault::tls {

// What the judged certificate has to be for.
enum class Role : std::uint8_t { server, client };

struct Policy {
  std::vector<crypto::Certificate> anchors;  // whom we trust; none: nobody gets in
  std::vector<crypto::RevocationList> crls;
  std::vector<crypto::OcspResponse> ocsp;
  // A leaf about which neither a list nor a response says anything is refused.
  bool revocation_required = false;
  // DNS name or IP address of the server. Empty: the host that is connected to.
  std::string expected_name;
  // It is surely not earlier than this (when the program was built, when our own certificate was issued, the
  // last time somebody trusted told). A clock that says it is (no RTC: 1970) is not believed: the beginning
  // of certificates is then not looked at, and their end is judged at this time.
  Timestamp not_earlier_than{};
};

struct Judgement {
  crypto::PathVerdict verdict = crypto::PathVerdict::malformed;
  bool another_name = false;              // trusted, but for somebody else
  std::string reason;                     // one sentence for people
  std::vector<crypto::Certificate> path;  // leaf first, anchor last; filled when trusted

  bool good() const { return verdict == crypto::PathVerdict::trusted && !another_name; }
};

// Path, key usage and extended key usage, strength (RSA under 2048 bits and SHA-1 are refused), expiry,
// revocation, and for servers the name (subjectAltName only, RFC 9525; wildcards for one whole label).
// `chain`: as the peer sent it, leaf first. Pure; any thread.
Judgement judge(const crypto::Engine& engine, const Policy& policy, Role role,
                const std::vector<crypto::Certificate>& chain, const std::string& name, Timestamp now);

}  // namespace camvault::tls
