// Who is at the other end of a Unix socket, as the kernel says. No message is ever asked.
#pragma once

#include <cstdint>

#include "camvault/base/result.h"

namespace camvault::ipc {

struct Peer {
  std::uint32_t uid = ~0u;
  std::uint32_t gid = ~0u;
  std::int32_t pid = 0;
};

// SO_PEERCRED: the credentials of the process at the time it called connect(), unix(7).
Result<Peer> peer_of(int socket);

}  // namespace camvault::ipc
