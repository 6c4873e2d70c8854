#include "camvault/ipc/peer.h"

#include <sys/socket.h>

#include <cerrno>

#include "camvault/base/file.h"

namespace camvault::ipc {

Result<Peer> peer_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0 || size != sizeof credentials) {
    return fail(Errc::io, "cannot tell who the peer is: " + errno_text(errno));
  }
  return Peer{.uid = credentials.uid, .gid = credentials.gid, .pid = credentials.pid};
}

}  // namespace camvault::ipc
