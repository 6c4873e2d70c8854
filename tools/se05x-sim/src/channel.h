// The card's end of SCP03: the handshake and what follows. Used for the platform and for sessions of the
// applet.
#pragma once

#include <optional>

#include "card.h"

namespace camvault::se05x_sim {

class CardChannel {
 public:
  explicit CardChannel(keystore_se05x::Scp03Counting counting) : counting_(counting) {}

  bool is_open() const { return open_.has_value() && authenticated_; }
  void close();

  // INITIALIZE UPDATE: the card's challenge and cryptogram.
  ResponseApdu offer(const CommandApdu& command, const Scp03Keys& keys, std::uint8_t key_version);
  // EXTERNAL AUTHENTICATE.
  ResponseApdu authenticate(const CommandApdu& command);
  // INTERNAL AUTHENTICATE of a session with EC keys (AN12413, 3.6): the host's key signs its ephemeral key.
  ResponseApdu agree(const CommandApdu& command, const Object& host_key, const Object& card_key);

  // Errors end the session.
  Result<CommandApdu> open(const CommandApdu& wrapped);
  ResponseApdu seal(const ResponseApdu& response);

 private:
  keystore_se05x::Scp03Counting counting_;
  std::optional<keystore_se05x::Scp03Session> open_;
  std::optional<keystore_se05x::Scp03Cryptogram> expected_;
  bool authenticated_ = false;
};

}  // namespace camvault::se05x_sim
