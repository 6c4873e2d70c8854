#include "camvault/key_source/signing_identity.h"

#include "camvault/attestation/keystored_statement.h"
#include "camvault/base/file.h"
#include "camvault/crypto_openssl/local_key.h"
#include "camvault/ipc/keystore_client.h"
#include "camvault/key_source/media_key.h"
#include "camvault/key_source/root_layout.h"

namespace camvault::key_source {

namespace {
constexpr std::size_t kMaxPem = 1 << 20;

Result<std::shared_ptr<crypto::SigningKey>> key_from_file(const std::filesystem::path& path) {
  auto pem = read_file(path, kMaxPem);
  if (!pem) return fail_in(path.string(), pem.error());
  auto key = crypto_openssl::LocalKey::from_pem(as_text(*pem));
  wipe(pem->data(), pem->size());
  if (!key) return fail_in(path.string(), key.error());
  return std::shared_ptr<crypto::SigningKey>(std::move(*key));
}

// Asked once before anything is signed: a key that nobody attests says nothing about itself.
AttestKey attest_with(const std::shared_ptr<keystore::Keystore>& store, const keystore::KeyName& key,
                      const std::filesystem::path& chain) {
  const auto tried = gather_evidence(*store, key, Bytes(attestation::kMinNonce), chain);
  if (!tried && tried.error().code != Errc::unavailable) return nullptr;
  return [store, key, chain](BytesView nonce) { return gather_evidence(*store, key, nonce, chain); };
}

struct KeystoreKey {
  std::shared_ptr<crypto::SigningKey> key;
  AttestKey attest;
};

Result<KeystoreKey> key_from_keystore(const KeySource& source) {
  const auto socket = source.socket.empty() ? RootLayout{source.root}.keystore_socket() : source.socket;
  CAM_TRY(auto name, keystore::KeyName::parse(source.key));
  auto store = ipc::connect_keystore(socket);
  if (!store)
    return fail(store.error().code,
                store.error().what + " (is keystored running? docs/camera.md says how to start it)");
  auto key = (*store)->signing_key({name, source.purpose});
  if (!key && key.error().code == Errc::not_found) {
    return fail(Errc::not_found,
                "the keystore has no key " + source.key + " (camvault factory provision makes it)");
  }
  if (!key) return fail_in("key " + source.key, key.error());
  return KeystoreKey{std::move(*key), attest_with(*store, name, RootLayout{source.root}.attestation_chain())};
}

// The lock ends with the last who holds the key.
std::shared_ptr<crypto::SigningKey> in_use(std::shared_ptr<crypto::SigningKey> key, KeyUse use) {
  struct Both {
    std::shared_ptr<crypto::SigningKey> key;
    KeyUse use;
  };
  auto both = std::make_shared<Both>(Both{std::move(key), std::move(use)});
  auto* pointer = both->key.get();
  return {std::move(both), pointer};
}

// A renewed key, or nothing. Between reading its name and using it, it may be followed by another and taken
// away.
Result<std::optional<SigningIdentity>> renewed_identity(const KeySource& source) {
  constexpr int kTries = 3;
  const auto file = RootLayout{source.root}.current_media_key();
  for (int i = 0;; ++i) {
    CAM_TRY(auto current, read_media_key(file));
    if (!current) return std::optional<SigningIdentity>();
    auto use = KeyUse::begin(file, current->key);
    if (!use && (use.error().code != Errc::not_found || i == kTries)) return tl::unexpected(use.error());
    if (!use) continue;
    auto named = source;
    named.key = current->key;
    CAM_TRY(auto found, key_from_keystore(named));
    return SigningIdentity{in_use(std::move(found.key), std::move(*use)), std::move(current->chain_pem),
                           std::move(found.attest), std::move(current->key)};
  }
}
}  // namespace

bool KeySource::is_the_cameras() const {
  return key_file.empty() && chain.empty() && key == KeySource().key && purpose == KeySource().purpose;
}

Result<SigningIdentity> open_identity(const KeySource& source) {
  if (source.is_the_cameras()) {
    CAM_TRY(auto renewed, renewed_identity(source));
    if (renewed) return std::move(*renewed);
  }
  SigningIdentity identity;
  const auto chain = source.chain.empty() ? RootLayout{source.root}.media_signing_chain() : source.chain;
  auto pem = read_file(chain, kMaxPem);
  if (!pem)
    return fail(Errc::not_found, "certificate chain " + chain.string() + ": " + pem.error().what +
                                     " (name one with --chain, or run camvault factory provision)");
  identity.chain_pem = std::string(as_text(*pem));
  if (source.key_file.empty()) {
    CAM_TRY(auto found, key_from_keystore(source));
    identity.key = std::move(found.key);
    identity.attest = std::move(found.attest);
    identity.name = source.key;
  } else {
    CAM_TRY(identity.key, key_from_file(source.key_file));
  }
  return identity;
}

}  // namespace camvault::key_source
