// The simulator behind a socket or a pty: records as in camvault/keystore_se05x/bus.h.
#pragma once

#include <memory>
#include <string>

#include "camvault/base/file.h"
#include "camvault/se05x_sim/simulator.h"

namespace camvault::se05x_sim {

class Listener {
 public:
  // "unix:PATH" (made with mode 0600; a dead socket there is replaced), "tcp:PORT" (127.0.0.1; 0 takes a free
  // one) or "pty".
  static Result<Listener> open(const std::string& address);
  // What hosts connect to: the same, with the port or the path of the pty filled in.
  const std::string& address() const { return address_; }
  // Serves until `stop` can be read. Bytes of one connection at a time reach the element as transactions;
  // several may be open.
  Status serve(Simulator& simulator, int stop);

 private:
  UniqueFd fd_;
  UniqueFd keep_open_;  // a pty ends when its last user closes it
  bool is_pty_ = false;
  std::string address_;
};

}  // namespace camvault::se05x_sim
