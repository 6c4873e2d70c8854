#include "own_identity.h"

#include "trust_options.h"

namespace camvault::cli {

namespace {
constexpr std::size_t kMaxList = 4 * 1024 * 1024;
}

Result<std::shared_ptr<const tls::Credential>> own_credential(const crypto::Engine& engine,
                                                              keystore::Keystore& store,
                                                              const std::string& key_name,
                                                              const std::filesystem::path& chain) {
  CAM_TRY(auto certificates, certificates_from(engine, chain));
  CAM_TRY(const auto name, keystore::KeyName::parse(key_name));
  CAM_TRY(const auto info, store.info(name));
  CAM_TRY(auto key, store.signing_key({name, info.policy.purpose}));
  auto credential = tls::Credential::create(std::move(certificates), std::move(key));
  if (!credential) return fail_in(chain.string(), credential.error());
  return credential;
}

Result<tls::Policy> policy_from(const crypto::Engine& engine,
                                const std::vector<std::filesystem::path>& anchors,
                                const std::vector<std::filesystem::path>& lists) {
  tls::Policy policy;
  for (const auto& file : anchors) {
    CAM_TRY(auto certificates, certificates_from(engine, file));
    std::move(certificates.begin(), certificates.end(), std::back_inserter(policy.anchors));
  }
  CAM_TRY(policy.crls, revocation_lists_from(engine, lists, kMaxList));
  return policy;
}

}  // namespace camvault::cli
