// How OpenSSL's handshake asks our policy.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <optional>

#include "camvault/tls/context.h"

namespace camvault::tls {

// Why the last peer of a context was not taken. Any thread.
class Refusal {
 public:
  void set(std::string reason) {
    const std::lock_guard lock(mutex_);
    reason_ = std::move(reason);
  }
  std::string get() const {
    const std::lock_guard lock(mutex_);
    return reason_;
  }

 private:
  mutable std::mutex mutex_;
  std::string reason_;
};

// Of one context: by whom peers are judged.
struct Verifier {
  Environment environment;
  Role peer = Role::server;
  Policy policy;
  bool provisional = false;
  std::shared_ptr<Refusal> refusal = std::make_shared<Refusal>();
};

// Of one connection: whom we mean, and what came out. Connections of foreign libraries have none.
struct PeerSlot {
  std::string name;
  std::vector<crypto::Certificate> chain;
  Judgement judgement;
};

// Makes `verifier`, which must outlive the context, the judge of its handshakes.
void set_verifier(SSL_CTX* context, const Verifier* verifier);
void set_slot(SSL* ssl, PeerSlot* slot);

// Judges and remembers.
void judge_into(PeerSlot& slot, const Verifier& verifier, const Policy& policy);

}  // namespace camvault::tls
