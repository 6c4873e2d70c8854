#include "owner_ca.h"

#include <algorithm>

#include "camvault/base/file.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/service/own_ca.h"

namespace camvault::fleetd {

using service::ca_profile;
using service::new_number;

namespace {
constexpr std::size_t kMaxPem = 256 * 1024;

std::string key_name(std::size_t generation) {
  return generation == 1 ? "fleet/ca" : "fleet/ca-" + std::to_string(generation);
}

Result<std::shared_ptr<crypto::SigningKey>> key_of(keystore::Keystore& store, std::size_t generation) {
  return service::made_key(store, key_name(generation), keystore::Purpose::ca_signing);
}

bool is_of(const crypto::Certificate& certificate, const OwnerCa& ca) {
  return certificate.key->spki_der() == ca.key->spki_der();
}

// The first start: nothing but a CA.
Result<OwnerCa> first_ca(const std::filesystem::path& folder, const tls::Environment& environment,
                         keystore::Keystore& keystore, const std::string& organization) {
  OwnerCa out;
  CAM_TRY(out.key, key_of(keystore, 1));
  CAM_TRY(out.certificate, service::open_own_ca(folder / kCaFile, *environment.engine, *out.key, organization,
                                                "Fleet CA", environment.clock->now()));
  return out;
}
}  // namespace

Result<OwnerCas> OwnerCas::open(const std::filesystem::path& folder, const tls::Environment& environment,
                                keystore::Keystore& keystore, const std::string& organization) {
  OwnerCas out;
  auto file = folder / kAuthoritiesFile;
  auto pem = read_file(file, kMaxPem);
  const bool renewed = pem.has_value();
  if (!renewed && pem.error().code == Errc::not_found) {
    file = folder / kCaFile;
    pem = read_file(file, kMaxPem);
  }
  if (!pem && pem.error().code == Errc::not_found) {
    CAM_TRY(auto first, first_ca(folder, environment, keystore, organization));
    out.all_.push_back(std::move(first));
    return out;
  }
  if (!pem) return tl::unexpected(pem.error());
  CAM_TRY(auto certificates, environment.engine->certificates_from_pem(as_text(*pem), 3 * kMaxAuthorities));
  std::vector<crypto::Certificate> joining;
  for (auto& certificate : certificates) {
    const bool is_root = environment.engine->is_signed_by(certificate, certificate);
    if (is_root) {
      out.all_.push_back({std::move(certificate), nullptr, 0});
    } else {
      joining.push_back(std::move(certificate));
    }
  }
  if (out.all_.empty()) return fail(Errc::invalid, file.string() + " holds no CA");
  // Newest first; generations that have ended are not in the file any more, but their keys had numbers.
  for (std::size_t generation = 1; generation <= 1000; ++generation) {
    const bool all_found =
        std::all_of(out.all_.begin(), out.all_.end(), [](const auto& ca) { return ca.key != nullptr; });
    if (all_found) break;
    CAM_TRY(const auto name, keystore::KeyName::parse(key_name(generation)));
    const auto key = keystore.signing_key({name, keystore::Purpose::ca_signing});
    if (!key && key.error().code == Errc::not_found) break;
    if (!key) return fail_in(key_name(generation), key.error());
    for (auto& ca : out.all_) {
      if (ca.certificate.key->spki_der() != (*key)->spki_der()) continue;
      ca.key = *key;
      ca.generation = generation;
    }
  }
  for (const auto& ca : out.all_) {
    if (ca.key == nullptr)
      return fail(Errc::invalid, file.string() + " holds a CA whose key is not in keystored");
  }
  for (auto& certificate : joining) {
    const auto& newest_first = out.all_;
    const auto of = std::find_if(newest_first.begin(), newest_first.end(),
                                 [&](const auto& ca) { return is_of(certificate, ca); });
    if (of == newest_first.end()) continue;
    const bool by_older = std::any_of(of + 1, newest_first.end(), [&](const auto& ca) {
      return environment.engine->is_signed_by(certificate, ca.certificate);
    });
    (by_older ? out.new_with_old_ : out.old_with_new_).push_back(std::move(certificate));
  }
  if (renewed) {  // killed between the two files
    CAM_TRY_STATUS(write_file_atomically(
        folder / kCaFile, as_bytes(crypto_openssl::certificate_pem(out.present().certificate))));
  }
  return out;
}

Status OwnerCas::renew(const std::filesystem::path& folder, const tls::Environment& environment,
                       keystore::Keystore& keystore, const std::string& organization) {
  CAM_TRY(auto cas, open(folder, environment, keystore, organization));
  const auto now = environment.clock->now();
  std::erase_if(cas.all_, [&](const auto& ca) {
    return ca.certificate.not_after < now && !equal(ca.certificate.der, cas.present().certificate.der);
  });
  if (cas.all_.size() >= kMaxAuthorities)
    return fail(Errc::limit, "the owner has four CAs that are still valid");
  const auto old = cas.present();
  crypto_openssl::SubjectName name;
  name.organization = organization;
  name.common_name = old.certificate.common_name;

  OwnerCa fresh;
  fresh.generation = old.generation + 1;  // its key may be there already, of a renewal that was cut off
  CAM_TRY(fresh.key, key_of(keystore, fresh.generation));
  const auto& engine = *environment.engine;
  CAM_TRY(fresh.certificate,
          crypto_openssl::issue_self_signed(*fresh.key, name, ca_profile(now), new_number(engine)));
  if (fresh.certificate.subject != old.certificate.subject)
    return fail(Errc::usage,
                "the CA keeps its name: organization has to be that of " + old.certificate.subject);
  auto profile = ca_profile(now);
  profile.not_after = old.certificate.not_after;
  CAM_TRY(auto new_with_old,
          crypto_openssl::issue_certificate(*old.key, old.certificate, name, fresh.key->spki_der(), profile,
                                            new_number(engine)));
  CAM_TRY(auto old_with_new,
          crypto_openssl::issue_certificate(*fresh.key, fresh.certificate, name, old.key->spki_der(), profile,
                                            new_number(engine)));
  cas.all_.insert(cas.all_.begin(), fresh);
  cas.new_with_old_.insert(cas.new_with_old_.begin(), std::move(new_with_old));
  cas.old_with_new_.insert(cas.old_with_new_.begin(), std::move(old_with_new));
  CAM_TRY_STATUS(write_file_atomically(folder / kAuthoritiesFile,
                                       as_bytes(crypto_openssl::certificates_pem(cas.published()))));
  return write_file_atomically(folder / kCaFile,
                               as_bytes(crypto_openssl::certificate_pem(fresh.certificate)));
}

bool OwnerCas::is_one(const crypto::Certificate& certificate) const {
  return std::any_of(all_.begin(), all_.end(),
                     [&](const auto& ca) { return equal(ca.certificate.der, certificate.der); });
}

std::vector<crypto::Certificate> OwnerCas::published() const {
  std::vector<crypto::Certificate> out;
  for (const auto& ca : all_) out.push_back(ca.certificate);
  out.insert(out.end(), new_with_old_.begin(), new_with_old_.end());
  out.insert(out.end(), old_with_new_.begin(), old_with_new_.end());
  return out;
}

}  // namespace camvault::fleetd
