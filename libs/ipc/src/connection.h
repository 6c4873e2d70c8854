// One connection to keystored, hello done. Blocking calls with a deadline; for one thread at a time.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <memory>

#include "camvault/base/file.h"
#include "camvault/ipc/frame.h"
#include "camvault/ipc/keystore_client.h"
#include "camvault/ipc/response.h"

namespace camvault::ipc {

class Connection {
 public:
  // Waits up to options.connect_timeout for a service that is not there yet.
  static Result<std::unique_ptr<Connection>> open(const std::filesystem::path& socket_path,
                                                  const ClientOptions& options);

  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Sends the request with an id of its own and waits for the answer. After an error of the transport
  // (Errc::unavailable or malformed) is_usable() is false.
  Result<Response> call(RequestBody body);

  // False too if the service closed it meanwhile, and in a process that is not, or is no longer, the one whom
  // the kernel named to the service: another pid (fork) or another uid (setuid).
  bool is_usable();
  int descriptor() const { return fd_.get(); }

 private:
  explicit Connection(UniqueFd fd);
  Result<HelloReply> greet();
  Status send_frame(BytesView payload);
  Result<BytesView> receive_frame();

  UniqueFd fd_;
  FrameReader frames_;
  Bytes out_;
  std::uint32_t next_id_ = 1;
  bool broken_ = false;
  const pid_t pid_;
  const uid_t uid_;
};

}  // namespace camvault::ipc
