// The listening socket: ours, or the one systemd made.
#pragma once

#include <filesystem>

#include "camvault/base/file.h"

namespace camvault::keystored {

// Takes over descriptor 3 if systemd passed it (sd_listen_fds(3): LISTEN_PID, LISTEN_FDS), else binds `path`,
// replacing a socket that nobody listens on any more. Errc::exists if another service listens there.
// Everybody may connect: what a caller may do is decided by his uid.
Result<UniqueFd> open_listener(const std::filesystem::path& path);

}  // namespace camvault::keystored
