#include "se05x_key.h"

namespace camvault::keystore_se05x {

using crypto::HashAlg;
using crypto::SignatureScheme;

namespace {
constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;

tl::unexpected<Error> not_this_scheme() {
  return fail(Errc::unsupported, "the key does not have that scheme");
}

EcdsaAlg ecdsa_of(HashAlg hash) {
  return hash == HashAlg::sha256   ? EcdsaAlg::sha256
         : hash == HashAlg::sha384 ? EcdsaAlg::sha384
                                   : EcdsaAlg::sha512;
}

class EcKey final : public keystore_engine::BackendKey {
 public:
  EcKey(std::shared_ptr<KeySet> keys, ObjectId id) : keys_(std::move(keys)), id_(id) {}
  Result<Bytes> sign_digest(SignatureScheme scheme, HashAlg hash,
                            const crypto::Digest& digest) const override {
    if (scheme != SignatureScheme::ecdsa) return not_this_scheme();
    return keys_->with([&](Applet& applet) { return applet.sign_ecdsa(id_, ecdsa_of(hash), digest.view()); });
  }
  // Hashed here: the message is no secret, and the bus is slow.
  Result<Bytes> sign_message(SignatureScheme scheme, HashAlg hash, BytesView message) const override {
    return sign_digest(scheme, hash, keys_->digest(hash, message));
  }

 private:
  std::shared_ptr<KeySet> keys_;
  ObjectId id_;
};

class EdKey final : public keystore_engine::BackendKey {
 public:
  EdKey(std::shared_ptr<KeySet> keys, ObjectId id) : keys_(std::move(keys)), id_(id) {}
  Result<Bytes> sign_message(SignatureScheme scheme, HashAlg, BytesView message) const override {
    if (scheme != SignatureScheme::ed25519) return not_this_scheme();
    return keys_->with([&](Applet& applet) { return applet.sign_ed25519(id_, message); });
  }

 private:
  std::shared_ptr<KeySet> keys_;
  ObjectId id_;
};

class AgreementKey final : public keystore_engine::BackendKey {
 public:
  AgreementKey(std::shared_ptr<KeySet> keys, ObjectId id, Curve curve)
      : keys_(std::move(keys)), id_(id), curve_(curve) {}
  Result<Secret> agree(BytesView point) const override {
    return keys_->with([&](Applet& applet) { return applet.agree(id_, curve_, point); });
  }

 private:
  std::shared_ptr<KeySet> keys_;
  ObjectId id_;
  Curve curve_;
};

// Signs messages only: see Applet::sign_rsa.
class RsaKey final : public keystore_engine::BackendKey {
 public:
  RsaKey(std::shared_ptr<KeySet> keys, ObjectId id) : keys_(std::move(keys)), id_(id) {}
  Result<Bytes> sign_digest(SignatureScheme, HashAlg, const crypto::Digest&) const override {
    return fail(Errc::unsupported, "RSA keys in an SE05x sign messages, not digests");
  }
  Result<Bytes> sign_message(SignatureScheme scheme, HashAlg hash, BytesView message) const override {
    const bool pss = scheme == SignatureScheme::rsa_pss;
    if (!pss && scheme != SignatureScheme::rsa_pkcs1v15) return not_this_scheme();
    const auto alg = hash == HashAlg::sha256   ? (pss ? RsaAlg::pss_sha256 : RsaAlg::pkcs1_sha256)
                     : hash == HashAlg::sha384 ? (pss ? RsaAlg::pss_sha384 : RsaAlg::pkcs1_sha384)
                                               : (pss ? RsaAlg::pss_sha512 : RsaAlg::pkcs1_sha512);
    return keys_->with([&](Applet& applet) { return applet.sign_rsa(id_, alg, message); });
  }

 private:
  std::shared_ptr<KeySet> keys_;
  ObjectId id_;
};

class AesKey final : public keystore_engine::BackendKey {
 public:
  AesKey(std::shared_ptr<KeySet> keys, ObjectId id) : keys_(std::move(keys)), id_(id) {}
  Result<Bytes> encrypt(BytesView plaintext, BytesView additional) const override {
    return keys_->with([&](Applet& applet) -> Result<Bytes> {
      CAM_TRY(auto sealed, applet.seal_gcm(id_, plaintext, additional));
      Bytes out = std::move(sealed.nonce);
      append(out, sealed.data);
      append(out, sealed.tag);
      return out;
    });
  }
  Result<Secret> decrypt(BytesView sealed, BytesView additional) const override {
    if (sealed.size() < kNonce + kTag) return fail(Errc::invalid, "sealed data is too short");
    const auto data = sealed.subspan(kNonce, sealed.size() - kNonce - kTag);
    return keys_->with([&](Applet& applet) {
      return applet.open_gcm(id_, sealed.first(kNonce), data, sealed.last(kTag), additional);
    });
  }

 private:
  std::shared_ptr<KeySet> keys_;
  ObjectId id_;
};

class HmacKey final : public keystore_engine::BackendKey {
 public:
  HmacKey(std::shared_ptr<KeySet> keys, ObjectId id) : keys_(std::move(keys)), id_(id) {}
  Result<Bytes> mac(BytesView message) const override {
    return keys_->with([&](Applet& applet) { return applet.mac(id_, MacAlg::hmac_sha256, message); });
  }

 private:
  std::shared_ptr<KeySet> keys_;
  ObjectId id_;
};
}  // namespace

std::shared_ptr<const keystore_engine::BackendKey> make_key(std::shared_ptr<KeySet> keys, KeyType type,
                                                            ObjectId id) {
  switch (type) {
    case KeyType::ec_p256:
    case KeyType::ec_p384:
    case KeyType::ec_p521:
      return std::make_shared<const EcKey>(std::move(keys), id);
    case KeyType::ed25519:
      return std::make_shared<const EdKey>(std::move(keys), id);
    case KeyType::rsa_2048:
    case KeyType::rsa_3072:
    case KeyType::rsa_4096:
      return std::make_shared<const RsaKey>(std::move(keys), id);
    case KeyType::aes_256:
      return std::make_shared<const AesKey>(std::move(keys), id);
    case KeyType::ecdh_p256:
      return std::make_shared<const AgreementKey>(std::move(keys), id, Curve::p256);
    case KeyType::ecdh_p384:
      return std::make_shared<const AgreementKey>(std::move(keys), id, Curve::p384);
    case KeyType::hmac_sha256:
    case KeyType::secret:  // no handle of either is ever made here
    case KeyType::counter:
      break;
  }
  return std::make_shared<const HmacKey>(std::move(keys), id);
}

}  // namespace camvault::keystore_se05x
