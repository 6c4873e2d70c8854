#include "camvault/enrolment/device_credential.h"

#include "camvault/base/file.h"

namespace camvault::enrolment {

namespace {
constexpr std::size_t kMaxPem = 256 * 1024;
constexpr const char* kFactoryKey = "camera/idevid";
constexpr std::string_view kFactoryChain = "idevid-chain.pem";
}  // namespace

Result<std::shared_ptr<const tls::Credential>> device_credential(const crypto::Engine& engine,
                                                                 keystore::Keystore& keystore,
                                                                 const std::string& key,
                                                                 const std::string& chain_pem) {
  CAM_TRY(const auto name, keystore::KeyName::parse(key));
  CAM_TRY(auto signer, keystore.signing_key({name, keystore::Purpose::device_identity}));
  CAM_TRY(auto chain, engine.certificates_from_pem(chain_pem));
  return tls::Credential::create(std::move(chain), std::move(signer));
}

Result<std::shared_ptr<const tls::Credential>> factory_credential(const crypto::Engine& engine,
                                                                  keystore::Keystore& keystore,
                                                                  const std::filesystem::path& folder) {
  const auto file = folder / kFactoryChain;
  const auto pem = read_file(file, kMaxPem);
  if (!pem)
    return fail(Errc::not_found, "the camera has no identity of its factory: " + file.string() +
                                     " (camvault factory provision makes it)");
  return device_credential(engine, keystore, kFactoryKey, std::string(as_text(*pem)));
}

}  // namespace camvault::enrolment
