// Anchors to put into stores.
#pragma once

#include <string>
#include <utility>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/crypto_openssl/local_key.h"
#include "camvault/trust_store/trust_store.h"

namespace camvault::trust_store::test {

inline crypto::Certificate make_root(const std::string& name) {
  const auto key = crypto_openssl::LocalKey::generate(crypto::KeyAlg::ec_p256).value();
  crypto_openssl::SubjectName subject;
  subject.common_name = name;
  crypto_openssl::CertificateProfile profile;
  profile.ca = true;
  profile.key_usage = crypto_openssl::KeyUsage::key_cert_sign;
  profile.not_before = from_iso8601("2026-01-01").value();
  profile.not_after = from_iso8601("2036-01-01").value();
  return crypto_openssl::issue_self_signed(*key, subject, profile, Bytes{1}).value();
}

inline Anchor make_anchor(const std::string& name, Kind kind) {
  return {kind, name, from_iso8601("2026-11-21T10:00:00Z").value(), make_root(name)};
}

}  // namespace camvault::trust_store::test
