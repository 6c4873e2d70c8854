// A small certificate hierarchy for tests: authorities with local keys, and the moment all of them begin.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/crypto_openssl/local_key.h"

namespace camvault::crypto_openssl::test {

inline const Timestamp kStart = from_iso8601("2026-01-01").value();
inline const Timestamp kNow = from_iso8601("2026-06-01").value();
inline const Timestamp kEnd = from_iso8601("2036-01-01").value();
inline const Timestamp kNoEnd = from_iso8601("9999-12-31T23:59:59Z").value();

inline CertificateProfile ca_profile() {
  CertificateProfile profile;
  profile.ca = true;
  profile.key_usage = KeyUsage::key_cert_sign | KeyUsage::crl_sign;
  profile.not_before = kStart;
  profile.not_after = kEnd;
  return profile;
}

inline CertificateProfile leaf_profile() {
  CertificateProfile profile;
  profile.not_before = kStart;
  profile.not_after = kEnd;
  return profile;
}

inline SubjectName named(std::string common_name) {
  SubjectName name;
  name.organization = "Camvault Test";
  name.common_name = std::move(common_name);
  return name;
}

inline Bytes next_serial() {
  static std::uint8_t count = 0;
  return {0x5e, 0x71, ++count};
}

// A certificate with its key.
struct Entity {
  std::unique_ptr<LocalKey> key;
  crypto::Certificate cert;

  static Entity root(const std::string& name, crypto::KeyAlg alg = crypto::KeyAlg::ec_p256,
                     CertificateProfile profile = ca_profile(), RsaPadding padding = RsaPadding::pkcs1v15) {
    auto key = LocalKey::generate(alg).value();
    auto cert = issue_self_signed(*key, named(name), profile, next_serial(), padding).value();
    return {std::move(key), std::move(cert)};
  }
  Entity issue(const std::string& name, CertificateProfile profile,
               crypto::KeyAlg alg = crypto::KeyAlg::ec_p256,
               RsaPadding padding = RsaPadding::pkcs1v15) const {
    auto subject_key = LocalKey::generate(alg).value();
    auto certificate =
        issue_certificate(*key, cert, named(name), subject_key->spki_der(), profile, next_serial(), padding)
            .value();
    return {std::move(subject_key), std::move(certificate)};
  }
};

}  // namespace camvault::crypto_openssl::test
