// Keys: in the keystore daemon, or reached by a function of the application.
#include "camvault/ipc/keystore_client.h"
#include "handles.h"

namespace {

using namespace camvault;
using namespace camvault::capi;

camvault_scheme c_scheme(crypto::SignatureScheme scheme) {
  switch (scheme) {
    case crypto::SignatureScheme::rsa_pss:
      return CAMVAULT_SCHEME_RSA_PSS;
    case crypto::SignatureScheme::rsa_pkcs1v15:
      return CAMVAULT_SCHEME_RSA_PKCS1V15;
    default:
      return CAMVAULT_SCHEME_ECDSA;
  }
}

camvault_hash c_hash(crypto::HashAlg hash) {
  switch (hash) {
    case crypto::HashAlg::sha384:
      return CAMVAULT_HASH_SHA384;
    case crypto::HashAlg::sha512:
      return CAMVAULT_HASH_SHA512;
    default:
      return CAMVAULT_HASH_SHA256;
  }
}

// What the application gave us; released with the last key, signer and request that knows it.
struct Application {
  Application(camvault_sign_function sign_function, camvault_release_function release_function,
              void* user_data)
      : sign(sign_function), release(release_function), user(user_data) {}
  ~Application() {
    if (armed && release != nullptr) release(user);
  }
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  camvault_sign_function sign;
  camvault_release_function release;
  void* user;
  bool armed =
      false;  // false until the key was handed out: after an error `user` still belongs to the caller
};

}  // namespace

struct camvault_sign_request {
  std::shared_ptr<Application> application;
  crypto::SigningKey::Done done;
  std::size_t max_size;
};

namespace {

class CallbackKey final : public crypto::SigningKey {
 public:
  CallbackKey(std::shared_ptr<const crypto::PublicKey> public_key, std::shared_ptr<Application> application)
      : public_key_(std::move(public_key)), application_(std::move(application)) {}

  crypto::KeyAlg alg() const override { return public_key_->alg(); }
  Bytes spki_der() const override { return public_key_->spki_der(); }

  void sign_async(crypto::SignatureScheme scheme, crypto::HashAlg hash, const crypto::Digest& digest,
                  Done done) override {
    auto request = std::make_unique<camvault_sign_request>();
    request->application = application_;
    request->done = std::move(done);
    request->max_size = crypto::max_signature_size(alg());
    // The application owns the request now; it may be gone when the function returns.
    application_->sign(application_->user, request.release(), c_scheme(scheme), c_hash(hash),
                       digest.bytes.data(), digest.size);
  }

  Result<Bytes> sign_message(BytesView) override {
    return fail(Errc::unsupported, "an application's key signs digests");
  }

 private:
  std::shared_ptr<const crypto::PublicKey> public_key_;
  std::shared_ptr<Application> application_;
};

}  // namespace

extern "C" {

camvault_status camvault_key_from_keystore(const char* socket_path, const char* key_name,
                                           camvault_key** out) {
  return made(out, [&]() -> Result<std::unique_ptr<camvault_key>> {
    if (key_name == nullptr) return missing("key_name");
    CAM_TRY(auto name, keystore::KeyName::parse(key_name));
    CAM_TRY(const auto store,
            ipc::connect_keystore(socket_path == nullptr ? ipc::default_socket_path()
                                                         : std::filesystem::path(socket_path)));
    auto key = store->signing_key({name, keystore::Purpose::media_signing});
    if (!key) return fail_in(std::string("key ") + key_name, key.error());
    auto handle = std::make_unique<camvault_key>();
    handle->key = std::move(*key);
    return handle;
  });
}

camvault_status camvault_key_from_callback(const void* certificate, size_t certificate_size,
                                           camvault_sign_function sign, camvault_release_function release,
                                           void* user, camvault_key** out) {
  return made(out, [&]() -> Result<std::unique_ptr<camvault_key>> {
    if (sign == nullptr) return missing("sign");
    CAM_TRY(const auto bytes, view_of(certificate, certificate_size, "certificate"));
    const auto engine = crypto_openssl::make_openssl_engine();
    CAM_TRY(const auto found, certificates_from(*engine, bytes));
    if (found.front().key == nullptr)
      return fail(Errc::unsupported, "the certificate's key is of a kind that cannot sign video");
    auto handle = std::make_unique<camvault_key>();
    auto application = std::make_shared<Application>(sign, release, user);
    handle->key = std::make_shared<CallbackKey>(found.front().key, application);
    application->armed = true;
    return handle;
  });
}

void camvault_sign_request_complete(camvault_sign_request* request, camvault_status status,
                                    const void* signature, size_t signature_size) {
  if (request == nullptr) return;
  const std::unique_ptr<camvault_sign_request> owned(request);
  guarded([&]() -> Status {
    if (status != CAMVAULT_OK) {
      owned->done(fail(errc_of(status), "the application's key gave no signature"));
    } else if (signature == nullptr || signature_size == 0 || signature_size > owned->max_size) {
      owned->done(
          fail(Errc::usage,
               "the application's key gave a signature of a size that its kind of key does not have"));
    } else {
      const auto* bytes = static_cast<const std::uint8_t*>(signature);
      owned->done(Bytes(bytes, bytes + signature_size));
    }
    return ok();
  });
}

void camvault_key_destroy(camvault_key* key) {
  delete key;
}

}  // extern "C"
