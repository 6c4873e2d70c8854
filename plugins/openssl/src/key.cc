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

// The connection is looked up at each signature: a program may fork between loading a key and using it.
class KeystoreKey final : public crypto::SigningKey {
 public:
  KeystoreKey(keystore::KeyUse use, crypto::KeyAlg alg, Bytes spki)
      : use_(std::move(use)), alg_(alg), spki_(std::move(spki)) {}

  crypto::KeyAlg alg() const override { return alg_; }
  Bytes spki_der() const override { return spki_; }
  void sign_async(crypto::SignatureScheme scheme, crypto::HashAlg hash, const crypto::Digest& digest,
                  Done done) override {
    done(sign(scheme, hash, digest));
  }
  Result<Bytes> sign(crypto::SignatureScheme scheme, crypto::HashAlg hash,
                     const crypto::Digest& digest) override {
    CAM_TRY(const auto store, keystore_of_this_process());
    return store->sign_digest(use_, scheme, digest, hash);
  }
  Result<Bytes> sign_message(BytesView message) override {
    CAM_TRY(const auto store, keystore_of_this_process());
    if (message.size() > keystore::kMaxMessage)
      return fail(Errc::limit, "Ed25519 signs at most 48 KiB through the keystore");
    return store->sign_message(use_, crypto::SignatureScheme::ed25519, message, crypto::HashAlg::sha512);
  }

 private:
  const keystore::KeyUse use_;
  const crypto::KeyAlg alg_;
  const Bytes spki_;
};
}  // namespace

Result<openssl_keys::SharedKey> open_key(std::string_view name) {
  CAM_TRY(const auto parsed, keystore::KeyName::parse(name));
  CAM_TRY(const auto store, keystore_of_this_process());
  CAM_TRY(const auto info, store->info(parsed));
  const auto alg = keystore::key_alg_of(info.type);
  if (!alg || !keystore::serves_programs(info.policy.purpose))
    return fail(Errc::denied, "programs do not sign with a key of the purpose " +
                                  std::string(to_string(info.policy.purpose)));
  CAM_TRY(auto spki, store->public_key(parsed));
  return openssl_keys::make_key(
      std::make_shared<KeystoreKey>(keystore::KeyUse{parsed, info.policy.purpose}, *alg, std::move(spki)));
}

}  // namespace camvault::openssl_provider
