// The fixture of the suite: one module of its own for each test.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/test_support/temporary_folder.h"
#include "rig.h"

namespace camvault::conformance {

using crypto::HashAlg;
using crypto::SignatureScheme;
using keystore::KeyType;
using keystore_engine::Backend;
using keystore_engine::BackendKey;
using keystore_engine::NewKey;

class Conformance : public testing::TestWithParam<RigKind> {
 protected:
  void SetUp() override {
    if (!GetParam().is_installed()) GTEST_SKIP() << "not installed here: " << GetParam().needs;
    ::signal(SIGPIPE, SIG_IGN);  // as keystored does: some modules write to sockets whose other end is gone
    rig_ = GetParam().make(folder_.path());
    reopen();
  }

  // As after a restart of keystored.
  void reopen() {
    backend_.reset();
    backend_ = rig_->open("under-test");
    Bytes some(1);
    ASSERT_TRUE(backend_->random(some));  // from here on its capabilities are known
  }

  bool offers(KeyType type) const {
    const auto types = backend_->capabilities().key_types;
    return std::find(types.begin(), types.end(), type) != types.end();
  }
  std::vector<KeyType> signing_types() const {
    auto types = backend_->capabilities().key_types;
    types.erase(
        std::remove_if(types.begin(), types.end(), [](KeyType t) { return !keystore::is_signing(t); }),
        types.end());
    return types;
  }
  static std::vector<SignatureScheme> schemes_of(KeyType type) {
    const auto alg = *keystore::key_alg_of(type);
    if (crypto::is_rsa(alg)) return {SignatureScheme::rsa_pss, SignatureScheme::rsa_pkcs1v15};
    if (alg == crypto::KeyAlg::ed25519) return {SignatureScheme::ed25519};
    return {SignatureScheme::ecdsa};
  }
  // Keys of that type sign a digest that somebody else made; the others hash the message themselves.
  bool signs_digests(KeyType type) const {
    const auto alg = *keystore::key_alg_of(type);
    if (crypto::is_rsa(alg)) return backend_->capabilities().rsa_signs_digests;
    return alg != crypto::KeyAlg::ed25519;
  }
  // The cheapest signing type there is.
  KeyType signing_type() const {
    return offers(KeyType::ec_p256) ? KeyType::ec_p256 : signing_types().front();
  }

  std::shared_ptr<const BackendKey> opened(KeyType type, const NewKey& key) {
    auto open = backend_->open(type, key.handle);
    EXPECT_TRUE(open) << open.error().what;
    return open ? *open : nullptr;
  }
  Status signs(const BackendKey& key, KeyType type, BytesView spki, SignatureScheme scheme,
               HashAlg hash) const {
    CAM_TRY(const auto verifier, openssl_->public_key_from_spki(spki));
    if (scheme == SignatureScheme::ed25519) {
      CAM_TRY(const auto signature, key.sign_message(scheme, hash, as_bytes("message")));
      return verifier->verify_message(as_bytes("message"), signature)
                 ? ok()
                 : fail(Errc::invalid, "does not verify");
    }
    const auto digest = openssl_->digest(hash, as_bytes("message"));
    CAM_TRY(const auto signature, signs_digests(type) ? key.sign_digest(scheme, hash, digest)
                                                      : key.sign_message(scheme, hash, as_bytes("message")));
    if (signature.size() > crypto::max_signature_size(*keystore::key_alg_of(type)))
      return fail(Errc::invalid, "longer than signatures of this type are");
    return verifier->verify_digest(scheme, hash, digest, signature) ? ok()
                                                                    : fail(Errc::invalid, "does not verify");
  }
  Status signs(const BackendKey& key, KeyType type, BytesView spki) const {
    return signs(key, type, spki, schemes_of(type).front(), HashAlg::sha256);
  }
  Status signs(KeyType type, const NewKey& made) {
    CAM_TRY(const auto key, backend_->open(type, made.handle));
    return signs(*key, type, made.spki);
  }

  test_support::TemporaryFolder folder_;
  std::unique_ptr<Rig> rig_;
  std::shared_ptr<Backend> backend_;
  std::unique_ptr<crypto::Engine> openssl_ = crypto_openssl::make_openssl_engine();
};

// The run prints what a backend does not have instead of passing over it.
#define CAM_NEEDS(condition, what) \
  if (!(condition)) GTEST_SKIP() << GetParam().name << " does not have: " << (what)

}  // namespace camvault::conformance
