// Requests in flight on one connection, answered by callbacks on a thread of the channel.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <thread>

#include "camvault/ipc/keystore_client.h"
#include "camvault/ipc/response.h"

namespace camvault::ipc {

class AsyncChannel {
 public:
  using Done = std::function<void(Result<Response>)>;
  static constexpr std::size_t kMaxWaiting = 1024;  // requests that the service has not taken yet

  AsyncChannel(std::filesystem::path socket_path, const ClientOptions& options);
  ~AsyncChannel();  // requests without answer fail with Errc::unavailable; may run on the channel's own
                    // thread
  AsyncChannel(const AsyncChannel&) = delete;
  AsyncChannel& operator=(const AsyncChannel&) = delete;

  // Returns at once; never does I/O that waits. `done` is called exactly once, on the channel's thread (or
  // here, if too many wait). Thread-safe.
  void submit(RequestBody body, Done done);

 private:
  class Worker;
  std::shared_ptr<Worker> worker_;
  std::thread thread_;
};

}  // namespace camvault::ipc
