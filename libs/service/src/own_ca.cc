#include "camvault/service/own_ca.h"

#include <arpa/inet.h>

#include "camvault/base/file.h"

namespace camvault::service {

using crypto_openssl::CertificateProfile;
using crypto_openssl::KeyUsage;

namespace {
constexpr std::size_t kMaxPem = 64 * 1024;
constexpr std::chrono::hours kCaValidity{20 * 365 * 24};
constexpr const char* kServerAuth = "1.3.6.1.5.5.7.3.1";

std::optional<Bytes> address_of(const std::string& text) {
  Bytes four(4);
  Bytes sixteen(16);
  if (::inet_pton(AF_INET, text.c_str(), four.data()) == 1) return four;
  if (::inet_pton(AF_INET6, text.c_str(), sixteen.data()) == 1) return sixteen;
  return std::nullopt;
}
}  // namespace

Result<std::shared_ptr<crypto::SigningKey>> made_key(keystore::Keystore& store, const std::string& name,
                                                     keystore::Purpose purpose) {
  CAM_TRY(const auto key, keystore::KeyName::parse(name));
  const auto made = store.generate(key, keystore::KeyType::ec_p256,
                                   keystore::default_policy(keystore::KeyType::ec_p256, purpose));
  if (!made && made.error().code != Errc::exists) return fail_in(name, made.error());
  return store.signing_key({key, purpose});
}

Bytes new_number(const crypto::Engine& engine) {
  Bytes number(crypto_openssl::kSerialSize);
  engine.random(number);
  number[0] = static_cast<std::uint8_t>((number[0] & 0x7f) | 0x40);  // positive, always as long
  return number;
}

CertificateProfile ca_profile(Timestamp now) {
  CertificateProfile profile;
  profile.ca = true;
  profile.path_length = 0;
  profile.key_usage = KeyUsage::key_cert_sign | KeyUsage::crl_sign;
  profile.not_before = now - kBackdated;
  profile.not_after = now + kCaValidity;
  return profile;
}

Result<crypto::Certificate> open_own_ca(const std::filesystem::path& file, const crypto::Engine& engine,
                                        crypto::SigningKey& key, const std::string& organization,
                                        const std::string& name, Timestamp now) {
  const auto pem = read_file(file, kMaxPem);
  if (pem) {
    CAM_TRY(auto certificates, engine.certificates_from_pem(as_text(*pem), 1));
    if (certificates.empty() || certificates.front().key->spki_der() != key.spki_der())
      return fail(Errc::invalid, file.string() + " is not the certificate of this service's key");
    return std::move(certificates.front());
  }
  if (pem.error().code != Errc::not_found) return tl::unexpected(pem.error());
  crypto_openssl::SubjectName subject;
  subject.organization = organization;
  subject.common_name = name + " " + to_hex(new_number(engine)).substr(2, 8);
  CAM_TRY(auto made, crypto_openssl::issue_self_signed(key, subject, ca_profile(now), new_number(engine)));
  CAM_TRY_STATUS(write_file_atomically(file, as_bytes(crypto_openssl::certificate_pem(made))));
  return made;
}

Result<std::shared_ptr<const tls::Credential>> server_credential(
    const crypto::Engine& engine, crypto::SigningKey& ca_key, const crypto::Certificate& ca,
    std::shared_ptr<crypto::SigningKey> key, const ServerNames& names, Timestamp now,
    const std::vector<crypto::Certificate>& above) {
  CertificateProfile profile;
  profile.extended_key_usages = {kServerAuth};
  profile.extended_key_usages.insert(profile.extended_key_usages.end(), names.further_usages.begin(),
                                     names.further_usages.end());
  profile.not_before = now - kBackdated;
  profile.not_after = now + kServerValidity;
  for (const auto& name : names.names) {
    if (const auto address = address_of(name)) {
      profile.ip_addresses.push_back(*address);
    } else {
      profile.dns_names.push_back(name);
    }
  }
  crypto_openssl::SubjectName subject;
  subject.organization = names.organization;
  subject.common_name = names.common_name;
  CAM_TRY(auto certificate, crypto_openssl::issue_certificate(ca_key, ca, subject, key->spki_der(), profile,
                                                              new_number(engine)));
  std::vector<crypto::Certificate> chain{std::move(certificate)};
  chain.insert(chain.end(), above.begin(), above.end());
  return tls::Credential::create(std::move(chain), std::move(key));
}

}  // namespace camvault::service
