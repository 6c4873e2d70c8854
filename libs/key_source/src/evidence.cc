#include "camvault/key_source/evidence.h"

#include "camvault/attestation/module_evidence.h"
#include "camvault/base/file.h"
#include "camvault/crypto_openssl/engine.h"

namespace camvault::key_source {

namespace {
constexpr std::size_t kMaxChain = 256 * 1024;

// Certificates that a factory has given the module's attestation key. A file that cannot be read adds
// nothing: whoever judges says what is missing.
std::vector<Bytes> enrolled_chain(const std::filesystem::path& path) {
  const auto pem = read_file(path, kMaxChain);
  if (!pem) return {};
  const auto engine = crypto_openssl::make_openssl_engine();
  const auto certificates = engine->certificates_from_pem(as_text(*pem), attestation::kMaxChain);
  if (!certificates) return {};
  std::vector<Bytes> out;
  for (const auto& certificate : *certificates) out.push_back(certificate.der);
  return out;
}

Result<Evidence> by_module(keystore::Keystore& store, const keystore::KeyName& key, BytesView nonce,
                           const std::filesystem::path& chain) {
  CAM_TRY(const auto bytes, store.certify(key, nonce));
  CAM_TRY(auto evidence, attestation::decode_module_evidence(bytes));
  auto all = enrolled_chain(chain);
  for (auto& certificate : evidence.chain) {
    if (all.size() < attestation::kMaxChain) all.push_back(std::move(certificate));
  }
  evidence.chain = std::move(all);
  CAM_TRY(auto encoded, attestation::encode_module_evidence(evidence));
  return Evidence{std::move(evidence.kind), std::move(encoded)};
}

Result<Evidence> by_keystored(keystore::Keystore& store, const keystore::KeyName& key, BytesView nonce) {
  CAM_TRY(const auto attester, keystore::KeyName::parse(std::string(key.application()) + "/attestation"));
  CAM_TRY(const auto info, store.info(attester));
  if (info.policy.purpose != keystore::Purpose::attestation)
    return fail(Errc::not_found, attester.text() + " is no attestation key");
  CAM_TRY(auto bytes, store.attest(key, attester, nonce));
  return Evidence{std::string(attestation::kKeystored), std::move(bytes)};
}
}  // namespace

Result<std::vector<Evidence>> gather_evidence(keystore::Keystore& store, const keystore::KeyName& key,
                                              BytesView nonce, const std::filesystem::path& chain) {
  std::vector<Evidence> out;
  auto module_word = by_module(store, key, nonce, chain);
  if (module_word) out.push_back(std::move(*module_word));
  // A module that is away is no reason to give the weaker word for the whole.
  if (!module_word && module_word.error().code != Errc::unsupported)
    return tl::unexpected(module_word.error());
  auto word = by_keystored(store, key, nonce);
  if (word) out.push_back(std::move(*word));
  if (!word && word.error().code != Errc::not_found && out.empty()) return tl::unexpected(word.error());
  if (out.empty()) {
    return fail(Errc::not_found,
                "nobody attests that key: its module has no word of its own, and there is no key " +
                    std::string(key.application()) + "/attestation");
  }
  return out;
}

}  // namespace camvault::key_source
