// The element as its host sees it above the link: command bytes in, answer bytes out. Selects, opens channels
// and sessions, hands plain commands to the card.
#pragma once

#include <map>
#include <memory>

#include "channel.h"

namespace camvault::se05x_sim {

class Applet {
 public:
  explicit Applet(Card card);

  Bytes process(BytesView command);
  // What a loss of power takes with it: channels, sessions, transient objects.
  void power_cycle();
  void deselect();  // channels and sessions
  Card& card() { return card_; }

 private:
  struct Session {
    ObjectId user = 0;
    bool verified = false;  // user id
    CardChannel channel{keystore_se05x::Scp03Counting::every_command};
  };
  enum class Selected { issuer, applet };

  ResponseApdu on_command(const CommandApdu& command);
  ResponseApdu select(const CommandApdu& command);
  ResponseApdu plain(const CommandApdu& command, bool secure);
  ResponseApdu put_key(const CommandApdu& command);
  ResponseApdu create_session(const CommandApdu& command);
  ResponseApdu in_session(const CommandApdu& command, bool secure);
  ResponseApdu inner(Bytes session_id, Session& session, const CommandApdu& command, bool secure);
  ResponseApdu verify_user_id(Session& session, const CommandApdu& command);
  ResponseApdu handshake(Session& session, const CommandApdu& command);

  Card card_;
  CardChannel platform_;
  std::map<Bytes, Session> sessions_;
  Selected selected_ = Selected::issuer;
};

}  // namespace camvault::se05x_sim
