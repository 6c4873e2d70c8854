// A `Keystore` that is keystored at the other end of a Unix socket.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>

#include "camvault/keystore/keystore.h"

namespace camvault::ipc {

struct ClientOptions {
  // For one answer. Making an RSA-4096 key may take seconds.
  std::chrono::milliseconds timeout{30'000};
  // For connecting: a service that is just starting is waited for this long.
  std::chrono::milliseconds connect_timeout{2'000};
};

// "<root>/run/camvault/keystored.sock"
std::filesystem::path default_socket_path(const std::filesystem::path& root = "/");

// Connects and agrees on a version. Errc::unavailable if nobody listens there, Errc::unsupported if no
// version fits. Any number of threads may use the result; calls that wait use connections of their own, so
// that they do not queue behind each other. After the service was restarted the next call connects anew.
Result<std::shared_ptr<keystore::Keystore>> connect_keystore(const std::filesystem::path& socket_path,
                                                             const ClientOptions& options = {});

}  // namespace camvault::ipc
