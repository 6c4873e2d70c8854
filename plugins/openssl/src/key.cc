#include "key.h"

#include <stdlib.h>

#include "camvault/ipc/keystore_client.h"
#include "camvault/ipc/per_process.h"

namespace camvault::openssl_provider {

namespace {
Result<std::shared_ptr<keystore::Keystore>> keystore_of_this_process() {
  static auto& shared = *new ipc::PerProcess<keystore::Keystore>;
  auto known = shared.with([](auto& current) { return current; });
  if (known != nullptr) return known;
  // nginx empties the environment of its workers: what was said first holds for children too.
  static const std::filesystem::path root = [] {
    const char* text = ::secure_getenv("CAMVAULT_KEYSTORE_ROOT");
    return text != nullptr && *text == '/' ? text : "/";
  }();
  CAM_TRY(auto connected, ipc::connect_keystore(ipc::default_socket_path(root)));
  shared.with([&](auto& current) { current = connected; });
  return connected;
}

keystore::KeyUse use_of(const Key& key) {
  return {key.info.name, key.info.policy.purpose};
}
}  // namespace

Result<SharedKey> open_key(std::string_view name) {
  CAM_TRY(const auto parsed, keystore::KeyName::parse(name));
  CAM_TRY(const auto store, keystore_of_this_process());
  CAM_TRY(auto info, store->info(parsed));
  const auto alg = keystore::key_alg_of(info.type);
  if (!alg || !keystore::serves_programs(info.policy.purpose))
    return fail(Errc::denied, "programs do not sign with a key of the purpose " +
                                  std::string(to_string(info.policy.purpose)));
  CAM_TRY(const auto spki, store->public_key(parsed));
  CAM_TRY(auto numbers, crypto::read_public_key(*alg, spki));
  return std::make_shared<const Key>(Key{std::move(info), *alg, std::move(numbers)});
}

const char* type_name(crypto::KeyAlg alg) {
  return alg == crypto::KeyAlg::ed25519 ? "ED25519" : crypto::is_rsa(alg) ? "RSA" : "EC";
}

Result<Bytes> sign_digest(const Key& key, crypto::SignatureScheme scheme, const crypto::Digest& digest,
                          crypto::HashAlg hash) {
  CAM_TRY(const auto store, keystore_of_this_process());
  return store->sign_digest(use_of(key), scheme, digest, hash);
}

Result<Bytes> sign_message(const Key& key, BytesView message) {
  CAM_TRY(const auto store, keystore_of_this_process());
  if (message.size() > keystore::kMaxMessage)
    return fail(Errc::limit, "Ed25519 signs at most 48 KiB through the keystore");
  return store->sign_message(use_of(key), crypto::SignatureScheme::ed25519, message, crypto::HashAlg::sha512);
}

}  // namespace camvault::openssl_provider
