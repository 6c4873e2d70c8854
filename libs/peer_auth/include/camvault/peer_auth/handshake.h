// Mutual authentication of two devices over a link without TLS. docs/formats/peer-auth.md
#pragma once

#include <memory>
#include <string>

#include "camvault/tls/context.h"

namespace camvault::peer_auth {

inline constexpr std::size_t kMaxMessage = 32 * 1024;  // bytes
inline constexpr std::size_t kMaxChain = 4;            // certificates
inline constexpr std::size_t kNonce = 32;              // bytes

// Who the other one is, proven.
struct Peer {
  std::vector<crypto::Certificate> path;  // leaf first, anchor last
  std::string serial() const { return path.empty() ? std::string() : path.front().device_serial; }
};

// What both sides need. All of it must outlive the handshake.
struct Setup {
  tls::Environment environment;  // secrets are not used
  const tls::Credential* ours = nullptr;
  const tls::Policy* peers = nullptr;
  // What both sides know of the link, so that no other can be taken for it: a port, a channel number. At most
  // 256 bytes.
  Bytes context = {};
};

// Each side is used once, from one thread. After an error it is done with. Errors: malformed (no such
// message), invalid (a certificate or signature that is not good, with the reason), denied (it is ourselves),
// usage.
class Initiator {
 public:
  static Result<Initiator> create(Setup setup);
  Bytes hello() const { return hello_; }  // the first message
  // Takes the second message and gives the third. The peer is proven.
  Result<Bytes> answer(BytesView message);
  const Peer& peer() const { return peer_; }

 private:
  Initiator() = default;
  Setup setup_;
  Bytes nonce_;
  Bytes hello_;
  bool used_ = false;
  Peer peer_;
};

class Responder {
 public:
  static Result<Responder> create(Setup setup);
  // Takes the first message and gives the second. Nothing is proven yet.
  Result<Bytes> challenge(BytesView hello);
  // Takes the third message. The peer is proven when this succeeds, and not before.
  Status finish(BytesView message);
  const Peer& peer() const { return peer_; }

 private:
  Responder() = default;
  enum class State : std::uint8_t { fresh, challenged, done };
  Setup setup_;
  State state_ = State::fresh;
  Bytes expected_;  // what the initiator has to sign
  Peer candidate_;
  Peer peer_;
};

}  // namespace camvault::peer_auth
