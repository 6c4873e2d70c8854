// A service's own CA: one certificate in a file, its key in keystored. Issues what the service itself shows.
#pragma once

#include <filesystem>

#include "camvault/crypto/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/keystore/keystore.h"
#include "camvault/tls/credential.h"

namespace camvault::service {

// ECDSA P-256; made if it is not there.
Result<std::shared_ptr<crypto::SigningKey>> made_key(keystore::Keystore& store, const std::string& name,
                                                     keystore::Purpose purpose);
Bytes new_number(const crypto::Engine& engine);  // of a certificate
// Of a CA that issues to devices and servers, and to no other CA; valid for twenty years.
crypto_openssl::CertificateProfile ca_profile(Timestamp now);

// The certificate in `file`, or one that is made and signed by the key itself and valid for twenty years.
// Errc::invalid if that in the file is of another key.
Result<crypto::Certificate> open_own_ca(const std::filesystem::path& file, const crypto::Engine& engine,
                                        crypto::SigningKey& key, const std::string& organization,
                                        const std::string& name, Timestamp now);

inline constexpr std::chrono::hours kServerValidity{30 * 24};
inline constexpr std::chrono::minutes kBackdated{5};  // clocks of peers are not exact

struct ServerNames {
  std::string organization;
  std::string common_name;
  std::vector<std::string> names;           // DNS names and IP addresses
  std::vector<std::string> further_usages;  // extended key usages beside that of a TLS server, dotted
};
// Issued anew at each start and before it ends; nobody needs to keep it. `above`: what is shown behind its
// certificate.
Result<std::shared_ptr<const tls::Credential>> server_credential(
    const crypto::Engine& engine, crypto::SigningKey& ca_key, const crypto::Certificate& ca,
    std::shared_ptr<crypto::SigningKey> key, const ServerNames& names, Timestamp now,
    const std::vector<crypto::Certificate>& above = {});

}  // namespace camvault::service
