#include "camvault/keystore_software/software_backend.h"

#include "openssl.h"

namespace camvault::keystore_software {

using crypto::HashAlg;
using crypto::SignatureScheme;
using keystore::KeyType;
using keystore_engine::BackendKey;
using keystore_engine::NewKey;

namespace {
constexpr std::size_t kLockedHeap =
    2 * 1024 * 1024;  // about 256 RSA-4096 keys with what signing needs; mlock allows 8 MiB
constexpr std::size_t kMinHmacKey = 32;  // RFC 2104, 3: no shorter than the hash
constexpr std::size_t kMaxHmacKey = 64;

class KeyPair final : public BackendKey {
 public:
  KeyPair(KeyType type, openssl::Pkey key) : type_(type), key_(std::move(key)) {}

  Result<Bytes> sign_digest(SignatureScheme scheme, HashAlg hash,
                            const crypto::Digest& digest) const override {
    return openssl::sign_digest(key_, scheme, hash, digest.view());
  }
  Result<Bytes> sign_message(SignatureScheme scheme, HashAlg hash, BytesView message) const override {
    if (type_ == KeyType::ed25519) return openssl::sign_ed25519(key_, message);
    CAM_TRY(const auto digest, openssl::digest(hash, message));
    return openssl::sign_digest(key_, scheme, hash, digest.view());
  }

 private:
  KeyType type_;
  openssl::Pkey key_;
};

class AesKey final : public BackendKey {
 public:
  explicit AesKey(Secret key) : key_(std::move(key)) {}

  Result<Bytes> encrypt(BytesView plaintext, BytesView additional) const override {
    Bytes out(openssl::kGcmNonce);
    CAM_TRY_STATUS(openssl::random(out));
    CAM_TRY(const auto sealed,
            key_.reveal([&](BytesView k) { return openssl::gcm_seal(k, out, additional, plaintext); }));
    append(out, sealed);
    return out;
  }
  Result<Secret> decrypt(BytesView sealed, BytesView additional) const override {
    if (sealed.size() < openssl::kGcmNonce + openssl::kGcmTag)
      return fail(Errc::invalid, "sealed data is too short");
    return key_.reveal([&](BytesView k) {
      return openssl::gcm_open(k, sealed.first(openssl::kGcmNonce), additional,
                               sealed.subspan(openssl::kGcmNonce));
    });
  }

 private:
  Secret key_;
};

class HmacKey final : public BackendKey {
 public:
  explicit HmacKey(Secret key) : key_(std::move(key)) {}
  Result<Bytes> mac(BytesView message) const override {
    return key_.reveal([&](BytesView k) { return openssl::hmac_sha256(k, message); });
  }

 private:
  Secret key_;
};

class AgreementKey final : public BackendKey {
 public:
  explicit AgreementKey(openssl::Pkey key) : key_(std::move(key)) {}
  Result<Secret> agree(BytesView point) const override { return openssl::agree(key_, point); }

 private:
  openssl::Pkey key_;
};

class SecretKey final : public BackendKey {
 public:
  explicit SecretKey(Secret secret) : secret_(std::move(secret)) {}

  // Digests under a key of this moment: what can be timed tells nothing about either, nor about their sizes.
  Result<bool> compare(BytesView candidate) const override {
    Bytes once(32);
    CAM_TRY_STATUS(openssl::random(once));
    CAM_TRY(const auto ours,
            secret_.reveal([&](BytesView bytes) { return openssl::hmac_sha256(once, bytes); }));
    CAM_TRY(const auto theirs, openssl::hmac_sha256(once, candidate));
    return equal_constant_time(ours, theirs);
  }
  Result<Secret> derive(const keystore::Derivation& d) const override {
    using keystore::Kdf;
    static constexpr std::uint8_t kNothing[1] = {};
    const auto some = [](BytesView bytes) { return bytes.empty() ? BytesView(kNothing, 0) : bytes; };
    return secret_.reveal([&](BytesView bytes) -> Result<Secret> {
      if (d.kdf == Kdf::hkdf_sha256) return openssl::hkdf_sha256(bytes, some(d.salt), some(d.info), d.size);
      return openssl::pbkdf2(bytes, d.salt, d.rounds, d.size, d.kdf == Kdf::wpa_psk);
    });
  }
  Result<Bytes> mac(BytesView message) const override {
    return secret_.reveal([&](BytesView bytes) { return openssl::hmac_sha256(bytes, message); });
  }

 private:
  Secret secret_;
};

class SoftwareBackend final : public keystore_engine::Backend {
 public:
  explicit SoftwareBackend(std::string name) : name_(std::move(name)) {}

  std::string_view name() const override { return name_; }
  std::string_view kind() const override { return "software"; }

  keystore_engine::Capabilities capabilities() const override {
    return {
        .key_types = {std::begin(keystore::kAllKeyTypes),
                      std::end(keystore::kAllKeyTypes) - 1},  // no counters
        .import = true,
        .simulator = false,
        .protection =
            "Keys are in the memory of the keystore process, kept apart by the kernel and no stronger than "
            "it: whoever controls the kernel, or root with the right to trace processes, can read them."};
  }

  // Measured: the others take from a third of a millisecond (P-521, P-384, RSA-2048) to several.
  bool is_quick(KeyType type) const override {
    return type == KeyType::ec_p256 || type == KeyType::ed25519 || !keystore::has_public_half(type);
  }

  Result<NewKey> generate(KeyType type) override {
    if (type == KeyType::counter) return fail(Errc::unsupported, "counters are the engine's");
    if (!keystore::has_public_half(type)) {
      Status random = ok();
      auto key =
          Secret::make(32, [&](std::span<std::uint8_t> out) { random = openssl::random_private(out); });
      CAM_TRY_STATUS(random);
      return NewKey{std::move(key), {}};
    }
    CAM_TRY(const auto key, openssl::generate(type));
    return new_key(key);
  }

  Result<NewKey> import_key(KeyType type, const Secret& key) override {
    if (type == KeyType::aes_256) {
      if (key.size() != openssl::kGcmKey) return fail(Errc::invalid, "an AES-256 key has 32 bytes");
      return NewKey{key.clone(), {}};
    }
    if (type == KeyType::hmac_sha256) {
      if (key.size() < kMinHmacKey || key.size() > kMaxHmacKey)
        return fail(Errc::invalid, "an HMAC key has 32 to 64 bytes");
      return NewKey{key.clone(), {}};
    }
    if (type == KeyType::secret) {
      if (key.empty() || key.size() > keystore::kMaxSecret)
        return fail(Errc::invalid, "a secret has 1 to 128 bytes");
      return NewKey{key.clone(), {}};
    }
    if (type == KeyType::counter) return fail(Errc::unsupported, "counters are not put in");
    CAM_TRY(const auto pair, key.reveal([&](BytesView der) { return openssl::parse_pkcs8(type, der); }));
    return new_key(pair);
  }

  Result<std::shared_ptr<const BackendKey>> open(KeyType type, const Secret& handle) override {
    if (type == KeyType::aes_256) return std::make_shared<const AesKey>(handle.clone());
    if (type == KeyType::hmac_sha256) return std::make_shared<const HmacKey>(handle.clone());
    if (type == KeyType::secret) return std::make_shared<const SecretKey>(handle.clone());
    if (type == KeyType::counter) return fail(Errc::unsupported, "counters are the engine's");
    CAM_TRY(auto key, handle.reveal([](BytesView der) { return openssl::parse_own_pkcs8(der); }));
    if (keystore::is_agreement(type)) return std::make_shared<const AgreementKey>(std::move(key));
    return std::make_shared<const KeyPair>(type, std::move(key));
  }

  // A handle is the key itself, in the form that import_key takes.
  Result<Secret> take_out(KeyType, const Secret& handle) override { return handle.clone(); }

  Status random(std::span<std::uint8_t> out) override { return openssl::random_private(out); }

 private:
  const std::string name_;

  static Result<NewKey> new_key(const openssl::Pkey& key) {
    CAM_TRY(auto handle, openssl::to_pkcs8(key));
    CAM_TRY(auto spki, openssl::to_spki(key));
    return NewKey{std::move(handle), std::move(spki)};
  }
};
}  // namespace

bool use_locked_heap() {
  return openssl::init_locked_heap(kLockedHeap);
}

crypto::Digest sha256(BytesView message) {
  return openssl::sha256(message);
}

std::shared_ptr<keystore_engine::Backend> make_software_backend(std::string name) {
  return std::make_shared<SoftwareBackend>(std::move(name));
}

}  // namespace camvault::keystore_software
