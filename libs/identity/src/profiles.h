// What each of our certificates says.
#pragma once

#include "camvault/crypto_openssl/issue.h"
#include "camvault/identity/factory.h"

namespace camvault::identity {

inline const Timestamp kNoEnd = from_unix_seconds(253'402'300'799);  // 99991231235959Z, IEEE 802.1AR 8.7

crypto_openssl::SubjectName root_name(const FactorySettings& settings);
crypto_openssl::SubjectName device_ca_name(const FactorySettings& settings);
crypto_openssl::SubjectName identity_name(const FactorySettings& settings, std::string_view serial);
crypto_openssl::SubjectName media_signing_name(const FactorySettings& settings, std::string_view serial);

crypto_openssl::CertificateProfile root_profile(Timestamp now);
crypto_openssl::CertificateProfile device_ca_profile(Timestamp now);
crypto_openssl::CertificateProfile identity_profile(const FactorySettings& settings, std::string_view serial,
                                                    Timestamp now);
crypto_openssl::CertificateProfile media_signing_profile(const FactorySettings& settings, Timestamp now,
                                                         BytesView attester = {});

// The attestation key of a camera's module. A simulator's says so in its name.
crypto_openssl::SubjectName attester_name(const FactorySettings& settings, std::string_view serial,
                                          bool simulator);
crypto_openssl::CertificateProfile attester_profile(Timestamp now);

// ECDSA and RSA. Not Ed25519, which ONVIF Media Signing cannot name and many 802.1X authenticators do not
// know.
bool is_allowed_key(crypto::KeyAlg alg);

Status check_settings(const FactorySettings& settings);

}  // namespace camvault::identity
