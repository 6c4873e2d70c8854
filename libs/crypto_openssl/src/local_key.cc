#include "camvault/crypto_openssl/local_key.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "digest.h"
#include "public_key.h"

namespace camvault::crypto_openssl {

using crypto::Digest;
using crypto::HashAlg;
using crypto::KeyAlg;
using crypto::SignatureScheme;

namespace {
constexpr std::size_t kMaxPrivatePem = 64 * 1024;
constexpr unsigned kMaxWorkers = 64;

Result<Bytes> sign_digest(EVP_PKEY* key, SignatureScheme scheme, HashAlg hash, const Digest& digest) {
  if (digest.size != crypto::digest_size(hash))
    return fail(Errc::usage, "digest of another size than the hash has");
  CAM_TRY(const auto alg, key_alg_of(key));
  const bool fits = scheme == SignatureScheme::ecdsa ? crypto::is_ecdsa(alg) : crypto::is_rsa(alg);
  if (scheme == SignatureScheme::ed25519 || !fits) {
    return fail(Errc::unsupported, std::string(to_string(alg)) + " key does not sign digests with " +
                                       std::string(to_string(scheme)));
  }
  const EvpKeyCtx context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  std::size_t size = 0;
  if (!context || EVP_PKEY_sign_init(context.get()) != 1 ||
      !set_scheme(context.get(), scheme, hash, hash, RSA_PSS_SALTLEN_DIGEST) ||
      EVP_PKEY_sign(context.get(), nullptr, &size, digest.bytes.data(), digest.size) != 1) {
    return fail(Errc::internal, "OpenSSL does not sign");
  }
  Bytes out(size);
  if (EVP_PKEY_sign(context.get(), out.data(), &size, digest.bytes.data(), digest.size) != 1) {
    return fail(Errc::internal, "OpenSSL does not sign");
  }
  out.resize(size);
  return out;
}

EvpKey generate_key(KeyAlg alg) {
  switch (alg) {
    case KeyAlg::ec_p256:
      return EvpKey(EVP_EC_gen("P-256"));
    case KeyAlg::ec_p384:
      return EvpKey(EVP_EC_gen("P-384"));
    case KeyAlg::ec_p521:
      return EvpKey(EVP_EC_gen("P-521"));
    case KeyAlg::rsa_2048:
      return EvpKey(EVP_RSA_gen(2048u));
    case KeyAlg::rsa_3072:
      return EvpKey(EVP_RSA_gen(3072u));
    case KeyAlg::rsa_4096:
      return EvpKey(EVP_RSA_gen(4096u));
    case KeyAlg::ed25519:
      return EvpKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  }
  return nullptr;
}
}  // namespace

struct LocalKey::State {
  struct Request {
    SignatureScheme scheme;
    HashAlg hash;
    Digest digest;
    Done done;
  };

  State(EvpKey private_key, KeyAlg key_alg, Bytes public_der, LocalKeyOptions wanted)
      : key(std::move(private_key)), alg(key_alg), spki(std::move(public_der)), options(wanted) {
    const auto count =
        options.workers == 0 && options.delay.count() > 0 ? 1 : std::min(options.workers, kMaxWorkers);
    for (unsigned i = 0; i < count; ++i) {
      workers.emplace_back([this](const std::stop_token& stop) { work(stop); });
    }
  }

  void work(const std::stop_token& stop) {
    for (;;) {
      std::unique_lock lock(mutex);
      if (!wake.wait(lock, stop, [&] { return !queue.empty(); })) return;
      auto request = std::move(queue.front());
      queue.pop_front();
      // The delay ends early when the key is destroyed: its owner does not wait for an artificial latency.
      if (options.delay.count() > 0) {
        std::condition_variable_any never;
        if (never.wait_for(lock, stop, options.delay, [] { return false; }); stop.stop_requested()) {
          queue.push_front(std::move(request));
          return;
        }
      }
      lock.unlock();
      request.done(sign_digest(key.get(), request.scheme, request.hash, request.digest));
    }
  }

  EvpKey key;
  KeyAlg alg;
  Bytes spki;
  LocalKeyOptions options;

  std::mutex mutex;  // guards queue
  std::condition_variable_any wake;
  std::deque<Request> queue;
  std::vector<std::jthread> workers;
};

LocalKey::LocalKey(std::unique_ptr<State> state) : state_(std::move(state)) {}

LocalKey::~LocalKey() {
  for (auto& worker : state_->workers) worker.request_stop();
  state_->workers.clear();  // joins
  for (auto& request : state_->queue) request.done(fail(Errc::unavailable, "the key is gone"));
}

namespace {
Result<Bytes> public_der(EVP_PKEY* key) {
  auto spki = der_of(key, i2d_PUBKEY);
  if (spki.empty()) return fail(Errc::internal, "public key that cannot be encoded");
  return spki;
}
}  // namespace

Result<std::unique_ptr<LocalKey>> LocalKey::generate(KeyAlg alg, LocalKeyOptions options) {
  auto key = generate_key(alg);
  if (!key) return fail(Errc::internal, "OpenSSL does not make a key");
  CAM_TRY(auto spki, public_der(key.get()));
  return std::unique_ptr<LocalKey>(
      new LocalKey(std::make_unique<State>(std::move(key), alg, std::move(spki), options)));
}

Result<std::unique_ptr<LocalKey>> LocalKey::from_pem(std::string_view pem, LocalKeyOptions options) {
  if (pem.size() > kMaxPrivatePem) return fail(Errc::limit, "private key PEM longer than 64 KiB");
  const Bio in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  // Without this callback OpenSSL would ask for a password on the terminal.
  const auto no_password = [](char*, int, int, void*) { return -1; };
  EvpKey key(in ? PEM_read_bio_PrivateKey(in.get(), nullptr, no_password, nullptr) : nullptr);
  clear_errors();
  if (!key) return fail(Errc::malformed, "not an unencrypted private key in PEM");
  CAM_TRY(const auto alg, key_alg_of(key.get()));
  CAM_TRY(auto spki, public_der(key.get()));
  return std::unique_ptr<LocalKey>(
      new LocalKey(std::make_unique<State>(std::move(key), alg, std::move(spki), options)));
}

KeyAlg LocalKey::alg() const {
  return state_->alg;
}
Bytes LocalKey::spki_der() const {
  return state_->spki;
}

void LocalKey::sign_async(SignatureScheme scheme, HashAlg hash, const Digest& digest, Done done) {
  if (state_->workers.empty()) return done(sign_digest(state_->key.get(), scheme, hash, digest));
  {
    const std::lock_guard lock(state_->mutex);
    state_->queue.push_back({scheme, hash, digest, std::move(done)});
  }
  state_->wake.notify_one();
}

Result<Bytes> LocalKey::sign_message(BytesView message) {
  if (state_->alg != KeyAlg::ed25519) return fail(Errc::unsupported, "only Ed25519 keys sign messages");
  std::this_thread::sleep_for(state_->options.delay);
  const EvpMdCtx context(EVP_MD_CTX_new());
  Bytes out(crypto::max_signature_size(KeyAlg::ed25519));
  std::size_t size = out.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, state_->key.get()) != 1 ||
      EVP_DigestSign(context.get(), out.data(), &size, message.data(), message.size()) != 1) {
    return fail(Errc::internal, "OpenSSL does not sign");
  }
  out.resize(size);
  return out;
}

Secret LocalKey::private_pem_for_tests() const {
  const Bio out(BIO_new(BIO_s_secmem()));
  if (!out ||
      PEM_write_bio_PKCS8PrivateKey(out.get(), state_->key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return {};
  const char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return Secret(BytesView(reinterpret_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)));
}

}  // namespace camvault::crypto_openssl
