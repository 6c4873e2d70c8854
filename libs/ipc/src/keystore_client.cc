#include "camvault/ipc/keystore_client.h"

#include <condition_variable>
#include <mutex>

#include "async_channel.h"
#include "camvault/keystore/registry.h"
#include "camvault/keystore/tls_secrets.h"
#include "connection.h"

namespace camvault::ipc {

using keystore::KeyInfo;
using keystore::KeyPolicy;
using keystore::KeyType;

namespace {
// Connections for calls that wait: one per thread that calls at the moment, kept for the next.
class Pool {
 public:
  Pool(std::filesystem::path path, const ClientOptions& options)
      : path_(std::move(path)), options_(options) {}

  Result<Response> call(RequestBody body) {
    CAM_TRY(auto connection, take());
    auto response = connection->call(std::move(body));
    give_back(std::move(connection));
    if (response && response->error) return tl::unexpected(keystore::to_error(*response->error));
    return response;
  }

 private:
  static constexpr std::size_t kMaxConnections = 16;  // of the 64 that keystored allows one uid

  Result<std::unique_ptr<Connection>> take() {
    {
      std::unique_lock lock(mutex_);
      if (!returned_.wait_for(lock, options_.timeout, [&] { return in_use_ < kMaxConnections; })) {
        return fail(Errc::unavailable, "all connections to keystored are busy");
      }
      ++in_use_;
      while (!idle_.empty()) {
        auto connection = std::move(idle_.back());
        idle_.pop_back();
        if (connection->is_usable()) return connection;
      }
    }
    auto connection = Connection::open(path_, options_);
    if (!connection) give_back(nullptr);
    return connection;
  }

  void give_back(std::unique_ptr<Connection> connection) {
    {
      const std::lock_guard lock(mutex_);
      --in_use_;
      if (connection != nullptr && connection->is_usable()) idle_.push_back(std::move(connection));
    }
    returned_.notify_one();
  }

  const std::filesystem::path path_;
  const ClientOptions options_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Connection>> idle_;
  std::size_t in_use_ = 0;
};

// What the client object and its keys share; the last of them ends it.
struct Shared {
  Shared(const std::filesystem::path& socket_path, const ClientOptions& client_options)
      : pool(socket_path, client_options), path(socket_path), options(client_options) {}

  AsyncChannel& channel() {
    const std::lock_guard lock(mutex);
    if (channel_ == nullptr) channel_ = std::make_unique<AsyncChannel>(path, options);
    return *channel_;
  }

  Pool pool;
  const std::filesystem::path path;
  const ClientOptions options;
  std::mutex mutex;
  std::unique_ptr<AsyncChannel> channel_;
};

template <class T>
Result<T> call_for(Pool& pool, RequestBody body) {
  CAM_TRY(auto response, pool.call(std::move(body)));
  auto* result = std::get_if<T>(&response.result);
  if (result == nullptr) return fail(Errc::malformed, "keystored's answer has another shape");
  return std::move(*result);
}

Status check_size(std::size_t size) {
  if (size > keystore::kMaxMessage) return fail(Errc::limit, "the keystore takes at most 48 KiB at a time");
  return ok();
}

Status check_backend(std::string_view name) {
  if (!name.empty() && !keystore::is_backend_name(name))
    return fail(Errc::usage, "a backend's name is 1 to 32 characters of a-z 0-9 . _ -");
  return ok();
}

class RemoteKey final : public crypto::SigningKey {
 public:
  RemoteKey(std::shared_ptr<Shared> shared, KeyUse use, crypto::KeyAlg alg, Bytes spki)
      : shared_(std::move(shared)), use_(std::move(use)), alg_(alg), spki_(std::move(spki)) {}

  crypto::KeyAlg alg() const override { return alg_; }
  Bytes spki_der() const override { return spki_; }

  void sign_async(crypto::SignatureScheme scheme, crypto::HashAlg hash, const crypto::Digest& digest,
                  Done done) override {
    // The channel belongs to `shared_`, which this callback keeps until the answer is there.
    shared_->channel().submit(request::SignDigest{use_, scheme, hash, digest},
                              [done = std::move(done), keep = shared_](Result<Response> response) {
                                if (!response) return done(tl::unexpected(std::move(response).error()));
                                if (response->error)
                                  return done(tl::unexpected(keystore::to_error(*response->error)));
                                auto* signature = std::get_if<Bytes>(&response->result);
                                if (signature == nullptr)
                                  return done(fail(Errc::malformed, "keystored's answer has another shape"));
                                done(std::move(*signature));
                              });
  }

  Result<Bytes> sign(crypto::SignatureScheme scheme, crypto::HashAlg hash,
                     const crypto::Digest& digest) override {
    return call_for<Bytes>(shared_->pool, request::SignDigest{use_, scheme, hash, digest});
  }

  Result<Bytes> sign_message(BytesView message) override {
    if (alg_ != crypto::KeyAlg::ed25519) return fail(Errc::usage, "only Ed25519 keys sign messages");
    CAM_TRY_STATUS(check_size(message.size()));
    return call_for<Bytes>(shared_->pool, request::SignMessage{use_, crypto::SignatureScheme::ed25519,
                                                               crypto::HashAlg::sha512, message});
  }

 private:
  std::shared_ptr<Shared> shared_;
  KeyUse use_;
  crypto::KeyAlg alg_;
  Bytes spki_;
};

// Handles are of one connection. When that ends, those handshakes do; the next secret begins with another.
class RemoteTlsSecrets final : public keystore::TlsSecrets {
 public:
  explicit RemoteTlsSecrets(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

  Result<Bytes> random(std::size_t count) override {
    if (count == 0 || count > keystore::kMaxRandom)
      return fail(Errc::usage, "1 to 4096 random bytes at a time");
    return call(request::Random{static_cast<std::uint32_t>(count)});
  }
  Result<keystore::TlsShare> new_share(keystore::TlsGroup group) override {
    CAM_TRY(const auto bytes, call(request::TlsShare{group}));
    if (bytes.size() != keystore::kTlsHandle + keystore::point_size(group))
      return fail(Errc::malformed, "keystored's answer has another shape");
    const BytesView view(bytes);
    return keystore::TlsShare{to_bytes(view.first(keystore::kTlsHandle)),
                              to_bytes(view.subspan(keystore::kTlsHandle))};
  }
  Result<Bytes> agree(BytesView share, BytesView peer_point) override {
    CAM_TRY_STATUS(check_size(share.size() + peer_point.size()));
    return call(request::TlsAgree{share, peer_point});
  }
  Result<Bytes> psk(const KeyUse& use) override { return call(request::TlsPsk{use}); }
  Result<Bytes> derive(const keystore::TlsDerivation& derivation) override {
    CAM_TRY_STATUS(keystore::check_tls_derivation(derivation));
    CAM_TRY_STATUS(check_size(derivation.secret.size() + derivation.before.size()));
    return call(request::TlsDerive{derivation});
  }

 private:
  Result<Bytes> call(RequestBody body) {
    const std::lock_guard lock(mutex_);
    if (connection_ == nullptr || !connection_->is_usable()) {
      CAM_TRY(connection_, Connection::open(shared_->path, shared_->options));
    }
    CAM_TRY(auto response, connection_->call(std::move(body)));
    if (response.error) return tl::unexpected(keystore::to_error(*response.error));
    auto* bytes = std::get_if<Bytes>(&response.result);
    if (bytes == nullptr) return fail(Errc::malformed, "keystored's answer has another shape");
    return std::move(*bytes);
  }

  const std::shared_ptr<Shared> shared_;
  std::mutex mutex_;
  std::unique_ptr<Connection> connection_;
};

class KeystoreClient final : public keystore::Keystore {
 public:
  explicit KeystoreClient(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

  Result<keystore::ServiceStatus> status() override {
    return call_for<keystore::ServiceStatus>(pool(), request::Status{});
  }

  Result<std::vector<KeyInfo>> list() override {
    std::vector<KeyInfo> all;
    for (;;) {
      CAM_TRY(auto page, call_for<std::vector<KeyInfo>>(
                             pool(), request::List{all.empty() ? "" : all.back().name.text()}));
      if (page.empty()) return all;
      // A page that does not go on would have us ask for ever.
      if (!all.empty() && page.front().name <= all.back().name)
        return fail(Errc::malformed, "keystored's list goes backwards");
      const bool last = page.size() < kMaxListPage;
      std::move(page.begin(), page.end(), std::back_inserter(all));
      if (last) return all;
    }
  }

  Result<KeyInfo> info(const KeyName& name) override {
    return call_for<KeyInfo>(pool(), request::Info{name});
  }

  Result<KeyInfo> generate_in(std::string_view backend, const KeyName& name, KeyType type,
                              const KeyPolicy& policy) override {
    CAM_TRY_STATUS(keystore::check_policy(type, policy));
    CAM_TRY_STATUS(check_backend(backend));
    return call_for<KeyInfo>(pool(), request::Generate{name, type, policy, std::string(backend)});
  }

  Result<KeyInfo> import_key(const KeyName& name, KeyType type, const KeyPolicy& policy,
                             const Secret& key) override {
    CAM_TRY_STATUS(keystore::check_policy(type, policy));
    CAM_TRY_STATUS(check_size(key.size()));
    return key.reveal([&](BytesView bytes) {
      return call_for<KeyInfo>(pool(), request::Import{name, type, policy, bytes});
    });
  }

  Status remove(const KeyName& name) override {
    CAM_TRY_STATUS(pool().call(request::Remove{name}));
    return ok();
  }

  Result<KeyInfo> move(const KeyName& name, std::string_view backend, keystore::MoveMode mode) override {
    if (backend.empty()) return fail(Errc::usage, "a key moves to a named backend");
    CAM_TRY_STATUS(check_backend(backend));
    return call_for<KeyInfo>(pool(), request::Move{name, std::string(backend), mode});
  }

  Result<Bytes> public_key(const KeyName& name) override {
    return call_for<Bytes>(pool(), request::PublicKey{name});
  }

  Result<Bytes> sign_digest(const KeyUse& use, crypto::SignatureScheme scheme, const crypto::Digest& digest,
                            crypto::HashAlg hash) override {
    return call_for<Bytes>(pool(), request::SignDigest{use, scheme, hash, digest});
  }

  Result<Bytes> sign_message(const KeyUse& use, crypto::SignatureScheme scheme, BytesView message,
                             crypto::HashAlg hash) override {
    CAM_TRY_STATUS(check_size(message.size()));
    return call_for<Bytes>(pool(), request::SignMessage{use, scheme, hash, message});
  }

  Result<Bytes> random(std::size_t count) override {
    if (count == 0 || count > keystore::kMaxRandom)
      return fail(Errc::usage, "1 to 4096 random bytes at a time");
    return call_for<Bytes>(pool(), request::Random{static_cast<std::uint32_t>(count)});
  }

  Result<Bytes> encrypt(const KeyUse& use, BytesView plaintext, BytesView additional) override {
    CAM_TRY_STATUS(check_size(plaintext.size() + additional.size()));
    return call_for<Bytes>(pool(), request::Encrypt{use, plaintext, additional});
  }

  Result<Secret> decrypt(const KeyUse& use, BytesView sealed, BytesView additional) override {
    CAM_TRY_STATUS(check_size(sealed.size() + additional.size()));
    CAM_TRY(auto plaintext, call_for<Bytes>(pool(), request::Decrypt{use, sealed, additional}));
    return Secret::absorb(std::move(plaintext));
  }

  Result<Bytes> mac(const KeyUse& use, BytesView message) override {
    CAM_TRY_STATUS(check_size(message.size()));
    return call_for<Bytes>(pool(), request::Mac{use, message});
  }

  Result<Bytes> attest(const KeyName& key, const KeyName& attester, BytesView nonce) override {
    CAM_TRY_STATUS(check_size(nonce.size()));
    return call_for<Bytes>(pool(), request::Attest{key, attester, nonce});
  }

  Result<Bytes> certify(const KeyName& key, BytesView nonce) override {
    CAM_TRY_STATUS(check_size(nonce.size()));
    return call_for<Bytes>(pool(), request::Certify{key, nonce});
  }

  Result<Bytes> attester(const KeyName& key) override {
    return call_for<Bytes>(pool(), request::Attester{key});
  }

  Result<Secret> activate(const KeyName& key, BytesView credential) override {
    CAM_TRY_STATUS(check_size(credential.size()));
    return secret(request::Activate{key, credential});
  }

  Result<Secret> agree(const KeyUse& use, BytesView peer) override {
    CAM_TRY_STATUS(check_size(peer.size()));
    return secret(request::Agree{use, peer});
  }

  Result<bool> compare(const KeyUse& use, const Secret& candidate) override {
    CAM_TRY_STATUS(check_size(candidate.size()));
    return candidate.reveal([&](BytesView bytes) {
      return call_for<bool>(pool(), request::Compare{use, bytes});
    });
  }

  Result<Secret> derive(const KeyUse& use, const keystore::Derivation& derivation) override {
    CAM_TRY_STATUS(keystore::check_derivation(derivation));
    CAM_TRY_STATUS(check_size(derivation.salt.size() + derivation.info.size()));
    return secret(request::Derive{use, derivation});
  }

  Result<std::uint64_t> read_counter(const KeyName& name) override {
    return call_for<std::uint64_t>(pool(), request::ReadCounter{name});
  }

  Result<std::uint64_t> increment_counter(const KeyName& name) override {
    return call_for<std::uint64_t>(pool(), request::IncrementCounter{name});
  }

  Result<Bytes> seal(const KeyName& label, const Secret& plain, std::string_view backend) override {
    CAM_TRY_STATUS(check_backend(backend));
    CAM_TRY_STATUS(check_size(plain.size()));
    return plain.reveal([&](BytesView bytes) {
      return call_for<Bytes>(pool(), request::Seal{label, bytes, std::string(backend)});
    });
  }

  Result<Secret> unseal(const KeyName& label, BytesView sealed) override {
    CAM_TRY_STATUS(check_size(sealed.size()));
    return secret(request::Unseal{label, sealed});
  }

  Result<Bytes> backup(const KeyName& name) override {
    return call_for<Bytes>(pool(), request::Backup{name});
  }

  Result<KeyInfo> restore(const KeyName& name, KeyType type, const KeyPolicy& policy,
                          const Secret& key) override {
    CAM_TRY_STATUS(keystore::check_policy(type, policy));
    CAM_TRY_STATUS(check_size(key.size()));
    return key.reveal([&](BytesView bytes) {
      return call_for<KeyInfo>(pool(), request::Restore{name, type, policy, bytes});
    });
  }

  Result<std::shared_ptr<keystore::TlsSecrets>> tls_secrets() override {
    return std::make_shared<RemoteTlsSecrets>(shared_);
  }

  Result<std::shared_ptr<crypto::SigningKey>> signing_key(const KeyUse& use) override {
    CAM_TRY(const auto description, info(use.key));
    // Said now rather than at the first signature.
    if (description.policy.purpose != use.purpose) {
      return tl::unexpected(keystore::to_error(keystore::ServiceError::wrong_purpose));
    }
    const auto alg = keystore::key_alg_of(description.type);
    if (!alg) return fail(Errc::usage, use.key.text() + " is not a key to sign with");
    CAM_TRY(auto spki, public_key(use.key));
    return std::make_shared<RemoteKey>(shared_, use, *alg, std::move(spki));
  }

 private:
  Result<Secret> secret(RequestBody body) {
    CAM_TRY(auto bytes, call_for<Bytes>(pool(), std::move(body)));
    return Secret::absorb(std::move(bytes));
  }
  Pool& pool() { return shared_->pool; }
  std::shared_ptr<Shared> shared_;
};
}  // namespace

std::filesystem::path default_socket_path(const std::filesystem::path& root) {
  return root / "run" / "camvault" / "keystored.sock";
}

Result<std::shared_ptr<keystore::Keystore>> connect_keystore(const std::filesystem::path& socket_path,
                                                             const ClientOptions& options) {
  auto shared = std::make_shared<Shared>(socket_path, options);
  auto client = std::make_shared<KeystoreClient>(std::move(shared));
  CAM_TRY_STATUS(client->status());
  return client;
}

}  // namespace camvault::ipc
