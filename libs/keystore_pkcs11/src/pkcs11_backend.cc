#include "camvault/keystore_pkcs11/pkcs11_backend.h"

#include <condition_variable>
#include <thread>

#include "camvault/base/byte_reader.h"
#include "camvault/base/byte_writer.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/keystore_engine/module_values.h"
#include "mechanisms.h"
#include "objects.h"
#include "token.h"

namespace camvault::keystore_pkcs11 {

using crypto::HashAlg;
using crypto::SignatureScheme;
using keystore::KeyType;
using keystore_engine::BackendKey;
using keystore_engine::NewKey;

namespace {
constexpr std::uint8_t kHandleVersion = 1;  // docs/formats/keystore-files.md
constexpr std::size_t kMaxSignature = 1024;
constexpr std::size_t kGcmNonce = 12;
constexpr std::size_t kGcmTag = 16;

Secret handle_of(const ObjectId& id) {
  ByteWriter out;
  out.u8(kHandleVersion);
  out.raw(id);
  return Secret::absorb(out.take());
}

Result<ObjectId> id_of(const Secret& handle) {
  return handle.reveal([](BytesView bytes) -> Result<ObjectId> {
    ByteReader in(bytes);
    CAM_TRY(const auto version, in.u8());
    if (version != kHandleVersion) return fail(Errc::invalid, "a handle of another version");
    CAM_TRY(const auto value, in.take(ObjectId::kSize));
    CAM_TRY_STATUS(in.finish());
    ObjectId id;
    std::copy(value.begin(), value.end(), id.value.begin());
    return id;
  });
}

// Hashes and public keys; immutable.
const crypto::Engine* hashes() {
  static const auto engine = crypto_openssl::make_openssl_engine();
  return engine.get();
}

// The interface is C; input is not written to. Nothing is no null pointer: modules take that for a mistake.
CK_BYTE* writable(BytesView bytes) {
  static constexpr CK_BYTE kNothing = 0;
  return const_cast<CK_BYTE*>(bytes.empty() ? &kNothing : bytes.data());
}

class Pkcs11Key final : public BackendKey {
 public:
  Pkcs11Key(std::shared_ptr<Token> token, KeyType type, const ObjectId& id)
      : token_(std::move(token)), type_(type), id_(id) {}

  // Looked for once, so that a key that is not there shows when it is opened.
  Status find() const {
    return token_->use<void>(Token::Repeat::safe, [&](Session& session) -> Status {
      CAM_TRY_STATUS(object(session));
      return ok();
    });
  }

  Result<Bytes> sign_digest(SignatureScheme scheme, HashAlg hash,
                            const crypto::Digest& digest) const override {
    CK_MECHANISM how{};
    auto pss = pss_parameters(hash);
    switch (scheme) {
      case SignatureScheme::ecdsa: {
        if (keystore_engine::coordinate_size(type_) == 0 || keystore::is_agreement(type_)) break;
        how.mechanism = CKM_ECDSA;
        CAM_TRY(const auto raw, sign(how, shortened(digest)));
        return keystore_engine::ecdsa_der_of_raw(type_, raw);
      }
      case SignatureScheme::rsa_pss:
        if (keystore_engine::modulus_bits(type_) == 0) break;
        how.mechanism = CKM_RSA_PKCS_PSS;
        how.pParameter = &pss;
        how.ulParameterLen = sizeof pss;
        return sign_rsa(how, digest.view());
      case SignatureScheme::rsa_pkcs1v15:
        if (keystore_engine::modulus_bits(type_) == 0) break;
        how.mechanism = CKM_RSA_PKCS;
        return sign_rsa(how, keystore_engine::digest_info(hash, digest));
      case SignatureScheme::ed25519:
        break;
    }
    return fail(Errc::unsupported, "the key does not have that scheme");
  }

  Result<Bytes> sign_message(SignatureScheme scheme, HashAlg hash, BytesView message) const override {
    if (type_ != KeyType::ed25519) {
      if (!keystore::is_signing(type_)) return fail(Errc::unsupported, "keys of this type sign nothing");
      return sign_digest(scheme, hash, hashes()->digest(hash, message));
    }
    CK_MECHANISM how{};
    how.mechanism = CKM_EDDSA;
    CAM_TRY(auto signature, sign(how, message));
    if (signature.size() != 64) return fail(Errc::malformed, "the token's signature has another size");
    return signature;
  }

  Result<Bytes> mac(BytesView message) const override {
    if (type_ != KeyType::hmac_sha256) return fail(Errc::unsupported, "keys of this type make no MACs");
    CK_MECHANISM how{};
    how.mechanism = CKM_SHA256_HMAC;
    CAM_TRY(auto tag, sign(how, message));
    if (tag.size() != 32) return fail(Errc::malformed, "the token's MAC has another size");
    return tag;
  }

  Result<Secret> agree(BytesView point) const override {
    if (!keystore::is_agreement(type_)) return fail(Errc::unsupported, "keys of this type do not agree");
    return token_->use<Secret>(Token::Repeat::safe, [&](Session& session) -> Result<Secret> {
      CAM_TRY(const auto key, object(session));
      return agree_with(session, type_, key, point);
    });
  }

  Result<Bytes> encrypt(BytesView plaintext, BytesView additional) const override {
    if (type_ != KeyType::aes_256) return fail(Errc::unsupported, "keys of this type encrypt nothing");
    return token_->use<Bytes>(Token::Repeat::safe, [&](Session& session) -> Result<Bytes> {
      CAM_TRY(const auto key, object(session));
      const auto& library = session.library();
      Bytes out(kGcmNonce + plaintext.size() + kGcmTag);
      CAM_TRY_STATUS(session.check("C_GenerateRandom",
                                   library.C_GenerateRandom(session.handle(), out.data(), kGcmNonce)));
      auto parameters = gcm(BytesView(out).first(kGcmNonce), additional);
      auto how = gcm_mechanism(parameters);
      CAM_TRY_STATUS(session.check("C_EncryptInit", library.C_EncryptInit(session.handle(), &how, key)));
      CK_ULONG size = out.size() - kGcmNonce;
      CAM_TRY_STATUS(
          session.check("C_Encrypt", library.C_Encrypt(session.handle(), writable(plaintext),
                                                       plaintext.size(), out.data() + kGcmNonce, &size)));
      if (size != plaintext.size() + kGcmTag)
        return fail(Errc::malformed, "the token's ciphertext has another size");
      return out;
    });
  }

  Result<Secret> decrypt(BytesView sealed, BytesView additional) const override {
    if (type_ != KeyType::aes_256) return fail(Errc::unsupported, "keys of this type decrypt nothing");
    if (sealed.size() < kGcmNonce + kGcmTag) return fail(Errc::invalid, "sealed data is too short");
    return token_->use<Secret>(Token::Repeat::safe, [&](Session& session) -> Result<Secret> {
      CAM_TRY(const auto key, object(session));
      const auto& library = session.library();
      auto parameters = gcm(sealed.first(kGcmNonce), additional);
      auto how = gcm_mechanism(parameters);
      CAM_TRY_STATUS(session.check("C_DecryptInit", library.C_DecryptInit(session.handle(), &how, key)));
      const auto text = sealed.subspan(kGcmNonce);
      CK_RV rv = CKR_OK;
      // As long as the ciphertext: some modules ask for room for the tag, too.
      CK_ULONG size = text.size();
      auto plain = Secret::make(size, [&](std::span<std::uint8_t> room) {
        rv = library.C_Decrypt(session.handle(), writable(text), text.size(), room.data(), &size);
      });
      CAM_TRY_STATUS(check_decryption(session, rv));
      if (size != text.size() - kGcmTag)
        return fail(Errc::malformed, "the token's plaintext has another size");
      return plain.reveal([&](BytesView bytes) { return Secret(bytes.first(size)); });
    });
  }

 private:
  // FIPS 186-5 6.4.1, step 2: the leftmost bits, as many as the curve's order has. Modules differ in whether
  // they take longer digests at all.
  BytesView shortened(const crypto::Digest& digest) const {
    return digest.view().first(std::min<std::size_t>(digest.size, keystore_engine::coordinate_size(type_)));
  }

  Result<Bytes> sign_rsa(CK_MECHANISM& how, BytesView input) const {
    CAM_TRY(auto signature, sign(how, input));
    if (signature.size() * 8 != keystore_engine::modulus_bits(type_))
      return fail(Errc::malformed, "the token's signature has another size");
    return signature;
  }

  Result<Bytes> sign(CK_MECHANISM& how, BytesView input) const {
    return token_->use<Bytes>(Token::Repeat::safe, [&](Session& session) -> Result<Bytes> {
      CAM_TRY(const auto key, object(session));
      const auto& library = session.library();
      CAM_TRY_STATUS(session.check("C_SignInit", library.C_SignInit(session.handle(), &how, key)));
      Bytes out(kMaxSignature);
      CK_ULONG size = out.size();
      CAM_TRY_STATUS(session.check(
          "C_Sign", library.C_Sign(session.handle(), writable(input), input.size(), out.data(), &size)));
      if (size > out.size()) return fail(Errc::malformed, "the token's signature has another size");
      out.resize(size);
      return out;
    });
  }

  static CK_GCM_PARAMS gcm(BytesView nonce, BytesView additional) {
    CK_GCM_PARAMS out{};
    out.iv_ptr = writable(nonce);
    out.iv_len = nonce.size();
    out.iv_bits = nonce.size() * 8;
    out.aad_ptr = additional.empty() ? nullptr : writable(additional);
    out.aad_len = additional.size();
    out.tag_bits = kGcmTag * 8;
    return out;
  }
  static CK_MECHANISM gcm_mechanism(CK_GCM_PARAMS& parameters) {
    CK_MECHANISM out{};
    out.mechanism = CKM_AES_GCM;
    out.pParameter = &parameters;
    out.ulParameterLen = sizeof parameters;
    return out;
  }

  // Data that does not authenticate is CKR_ENCRYPTED_DATA_INVALID by the standard and a general failure in
  // many modules: then the session tells whether the token is still there.
  static Status check_decryption(Session& session, CK_RV rv) {
    constexpr CK_RV kAeadDecryptFailed = 0x42;  // PKCS#11 3.0
    CK_SESSION_INFO info{};
    const bool about_data = rv == CKR_ENCRYPTED_DATA_INVALID || rv == CKR_ENCRYPTED_DATA_LEN_RANGE ||
                            rv == kAeadDecryptFailed || rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED;
    if (about_data && session.library().C_GetSessionInfo(session.handle(), &info) == CKR_OK) {
      session.spoil();
      return fail(Errc::invalid, "sealed data does not authenticate");
    }
    return session.check("C_Decrypt", rv);
  }

  // The object's handle, which is void whenever the token was opened anew.
  Result<CK_OBJECT_HANDLE> object(Session& session) const {
    {
      const std::lock_guard lock(mutex_);
      if (generation_ == session.generation()) return object_;
    }
    CAM_TRY(const auto found, find_object(session, type_, id_));
    const std::lock_guard lock(mutex_);
    generation_ = session.generation();
    object_ = found;
    return found;
  }

  const std::shared_ptr<Token> token_;
  const KeyType type_;
  const ObjectId id_;
  mutable std::mutex mutex_;  // guards the two below
  mutable std::uint64_t generation_ = 0;
  mutable CK_OBJECT_HANDLE object_ = 0;
};

class Pkcs11Backend final : public keystore_engine::Backend {
 public:
  Pkcs11Backend(const Pkcs11Options& options, std::shared_ptr<Token> token)
      : options_(options), token_(std::move(token)) {}

  std::string_view name() const override { return options_.name; }
  std::string_view kind() const override { return "pkcs11"; }

  keystore_engine::Capabilities capabilities() const override {
    const auto facts = token_->facts();
    keystore_engine::Capabilities out;
    out.key_types = facts.key_types;
    out.import = true;
    out.simulator = facts.soft;
    out.protection =
        facts.soft
            ? "SoftHSM is a program for tests: keys are in files and in the memory of the keystore process, "
              "and as safe as those."
            : "Keys are sensitive and not extractable objects of a PKCS#11 token: they are used inside it "
              "and do "
              "not come out, as far as the token keeps its word. Whoever controls the keystore process can "
              "use "
              "them while it does, and has the token's PIN.";
    if (!facts.soft && !facts.hardware_slot) out.protection += " The token does not claim to be hardware.";
    return out;
  }

  // What was seen last; asks the watcher to look again, for whoever asks next.
  keystore_engine::Health health() const override {
    watcher_.look();
    return token_->health();
  }

  keystore_engine::SandboxNeeds needs() const override {
    keystore_engine::SandboxNeeds out;
    out.foreign_code = true;
    out.unix_sockets = options_.unix_sockets;
    out.paths.push_back({.path = options_.pin_file});
    for (const auto& path : options_.reads) out.paths.push_back({.path = path});
    for (const auto& path : options_.writes) out.paths.push_back({.path = path, .write = true});
    return out;
  }

  void start() override { watcher_.start(token_); }

  bool is_quick(KeyType) const override { return false; }
  std::size_t parallel() const override { return 4; }

  Result<NewKey> generate(KeyType type) override {
    ObjectId id;
    return token_->use<NewKey>(Token::Repeat::unsafe, [&](Session& session) -> Result<NewKey> {
      CAM_TRY_STATUS(check_type(type));
      CAM_TRY_STATUS(new_id(session, id));
      CAM_TRY(auto spki, generate_object(session, type, id));
      // The token's word for its public half: a point that is on no curve must not become a key of ours.
      if (!spki.empty() && !hashes()->public_key_from_spki(spki)) {
        static_cast<void>(destroy_object(session, type, id).has_value());
        return fail(Errc::malformed, "the token gave a public key that is none");
      }
      return NewKey{handle_of(id), std::move(spki)};
    });
  }

  Result<NewKey> import_key(KeyType type, const Secret& key) override {
    keystore_software::PrivateKeyParts parts;
    if (keystore::has_public_half(type)) {
      CAM_TRY(parts, key.reveal([&](BytesView der) { return keystore_software::take_apart(type, der); }));
    } else if (type == KeyType::aes_256 ? key.size() != 32 : key.size() < 32 || key.size() > 64) {
      return fail(Errc::invalid, "a secret key of another size");
    }
    ObjectId id;
    return token_->use<NewKey>(Token::Repeat::unsafe, [&](Session& session) -> Result<NewKey> {
      CAM_TRY_STATUS(check_type(type));
      CAM_TRY_STATUS(new_id(session, id));
      if (keystore::has_public_half(type)) {
        CAM_TRY_STATUS(import_pair(session, type, id, parts));
      } else {
        CAM_TRY_STATUS(key.reveal([&](BytesView bytes) { return import_secret(session, type, id, bytes); }));
      }
      return NewKey{handle_of(id), parts.spki};
    });
  }

  Result<std::shared_ptr<const BackendKey>> open(KeyType type, const Secret& handle) override {
    CAM_TRY(const auto id, id_of(handle));
    auto key = std::make_shared<const Pkcs11Key>(token_, type, id);
    CAM_TRY_STATUS(key->find());
    return key;
  }

  Status destroy(KeyType type, const Secret& handle) override {
    CAM_TRY(const auto id, id_of(handle));
    return token_->use<void>(Token::Repeat::unsafe,
                             [&](Session& session) { return destroy_object(session, type, id); });
  }

  Status random(std::span<std::uint8_t> out) override {
    return token_->use<void>(Token::Repeat::safe, [&](Session& session) {
      return session.check("C_GenerateRandom",
                           session.library().C_GenerateRandom(session.handle(), out.data(), out.size()));
    });
  }

 private:
  // A thread that opens the token when somebody looks at its health, so that neither the daemon's start nor
  // its status waits for a module.
  class Watcher {
   public:
    ~Watcher() {
      if (!thread_.joinable()) return;
      {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
      }
      wanted_.notify_all();
      thread_.join();
    }
    // A library that hangs as it begins holds up the daemon's start for that time, and no longer.
    void start(const std::shared_ptr<Token>& token) {
      constexpr std::chrono::seconds kBeginsWithin{5};
      if (thread_.joinable()) return;
      thread_ = std::thread([this, token] { run(*token); });
      std::unique_lock lock(mutex_);
      wanted_.wait_for(lock, kBeginsWithin, [&] { return begun_; });
    }
    void look() {
      {
        const std::lock_guard lock(mutex_);
        asked_ = true;
      }
      wanted_.notify_all();
    }

   private:
    void run(Token& token) {
      token.initialize();
      std::unique_lock lock(mutex_);
      begun_ = true;
      wanted_.notify_all();
      while (!stopped_) {
        asked_ = false;
        lock.unlock();
        token.probe();
        lock.lock();
        wanted_.wait(lock, [&] { return stopped_ || asked_; });
      }
    }
    std::mutex mutex_;
    std::condition_variable wanted_;
    bool begun_ = false;  // the library is initialised
    bool asked_ = false;
    bool stopped_ = false;
    std::thread thread_;
  };

  // After the token was opened its mechanisms are known: a type that it lacks is refused without asking it.
  Status check_type(KeyType type) const {
    const auto types = token_->facts().key_types;
    if (std::find(types.begin(), types.end(), type) == types.end())
      return fail(Errc::unsupported,
                  "the token has no keys of type " + std::string(keystore::to_string(type)));
    return ok();
  }

  static Status new_id(Session& session, ObjectId& id) {
    return session.check("C_GenerateRandom", session.library().C_GenerateRandom(
                                                 session.handle(), id.value.data(), id.value.size()));
  }

  const Pkcs11Options options_;
  const std::shared_ptr<Token> token_;
  mutable Watcher watcher_;  // last: its thread uses the token
};
}  // namespace

Status check_options(const Pkcs11Options& options) {
  if (options.module.empty() || !options.module.is_absolute())
    return fail(Errc::usage, "module is the absolute path of a PKCS#11 library");
  if (options.pin_file.empty() || !options.pin_file.is_absolute())
    return fail(Errc::usage, "pin_file is the absolute path of a file with the token's PIN");
  CAM_TRY_STATUS(parse_token_uri(options.uri));
  for (const auto& variable : options.environment) {
    const auto equals = variable.find('=');
    if (equals == std::string::npos || equals == 0) return fail(Errc::usage, "environment is NAME=value");
    if (variable.starts_with("LD_")) return fail(Errc::usage, "environment does not set LD_ variables");
  }
  return ok();
}

Result<std::shared_ptr<keystore_engine::Backend>> make_pkcs11_backend(const Pkcs11Options& options) {
  CAM_TRY_STATUS(check_options(options));
  CAM_TRY(auto token, Token::load(options));
  return std::make_shared<Pkcs11Backend>(options, std::move(token));
}

}  // namespace camvault::keystore_pkcs11
