// What one connection to keystored has of TLS handshakes: handles outside, secrets here.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>

#include "camvault/base/secret.h"
#include "camvault/keystore/operation.h"
#include "camvault/keystore/tls_secrets.h"

namespace camvault::keystore_tls {

using keystore::Answer;

// Thread-safe. A handle is a mark of this vault (8 random bytes), a number, and zeros up to the length of the
// secret. The oldest secret gives way when there are kMaxSecrets: a handshake needs twenty.
class Vault {
 public:
  static constexpr std::size_t kMaxSecrets = 1024;
  static constexpr std::size_t kMaxShares = 64;

  Vault();
  ~Vault();
  Vault(const Vault&) = delete;
  Vault& operator=(const Vault&) = delete;

  Answer<Bytes> new_share(keystore::TlsGroup group);  // handle (kTlsHandle bytes) || point
  Answer<Bytes> agree(BytesView share, BytesView peer_point);
  Answer<Bytes> keep_psk(Secret psk);
  // See keystore::TlsSecrets::derive.
  Answer<Bytes> derive(const keystore::TlsDerivation& derivation);

 private:
  // What a secret may be used for next.
  enum class Kind : std::uint8_t {
    shared,    // ECDHE result
    psk,       // pre-shared
    master,    // TLS 1.2 master secret
    schedule,  // TLS 1.3: any secret of the key schedule
    finished,  // TLS 1.3: key of a Finished or a binder
  };
  struct Kept {
    Kind kind{};
    Secret secret;
    std::list<std::uint64_t>::iterator age;
  };
  class Share;

  Bytes handle_of(std::uint64_t number, std::size_t size) const;
  Bytes keep(Kind kind, Secret secret);
  Answer<std::uint64_t> number_in(BytesView handle) const;
  Answer<const Kept*> find(BytesView handle);
  Answer<Bytes> master_secret(const keystore::TlsDerivation& derivation, const Secret& premaster);
  Answer<Secret> premaster(BytesView put_together);
  Answer<Bytes> prf(const keystore::TlsDerivation& derivation);
  Answer<Bytes> extract(const keystore::TlsDerivation& derivation);
  Answer<Bytes> expand(const keystore::TlsDerivation& derivation);
  Answer<Bytes> mac(const keystore::TlsDerivation& derivation);

  std::mutex mutex_;  // guards all below
  std::array<std::uint8_t, 8> mark_{};
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, Kept> secrets_;
  std::list<std::uint64_t> ages_;  // least recently used first
  std::map<std::uint64_t, std::unique_ptr<Share>> shares_;
};

}  // namespace camvault::keystore_tls
