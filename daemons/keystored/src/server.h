// The event loop: accepts, reads frames, answers. Short operations are done here, between others; long ones
// go to the workers of the backend that has to do them. One turn takes a few frames of each client that has
// some, so that none waits for another's hundred.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "client_connection.h"
#include "config.h"
#include "dispatch.h"
#include "lane.h"

namespace camvault::keystored {

class Server {
 public:
  // Starts the threads: `lanes[i]` is for the engine's backend i.
  static Result<std::unique_ptr<Server>> make(UniqueFd listener, const Limits& limits,
                                              const std::vector<LaneSettings>& lanes);
  ~Server();

  // Serves until SIGTERM or SIGINT, which must be blocked in all threads. Once: the workers end with it. A
  // module that hangs even then keeps a thread: then nothing of this process can be taken down, and it has to
  // exit as it is.
  enum class Ended { well, a_module_hangs };
  Result<Ended> run(keystore_engine::Engine& engine, ServiceFacts facts);

 private:
  Server(UniqueFd listener, UniqueFd poll, UniqueFd wake, UniqueFd signals, const Limits& limits)
      : listener_(std::move(listener)),
        poll_(std::move(poll)),
        wake_(std::move(wake)),
        signals_(std::move(signals)),
        limits_(limits) {}

  using ClientId = std::uint64_t;
  struct Completed {
    std::size_t lane;
    Lane::Ticket ticket;
    ClientId client;
    Bytes answer;
  };

  Status watch(int fd, ClientId id, std::uint32_t events, int operation);
  void accept_clients();
  void turn_away(const UniqueFd& fd);
  void serve_client(ClientId id, ClientConnection& client, std::uint32_t events);
  void take_frames(ClientId id, ClientConnection& client);
  void take_hello(ClientConnection& client, BytesView frame);
  void take_request(ClientId id, ClientConnection& client, BytesView frame);
  void protocol_error(ClientConnection& client, const Error& error);
  void deliver_completed();
  void update_interest(ClientId id, ClientConnection& client);
  void end_client(ClientId id, const char* why);
  void end_overdue();
  void answer_overdue();
  Ended end_lanes();

  UniqueFd listener_;
  UniqueFd poll_;
  UniqueFd wake_;
  UniqueFd signals_;
  Limits limits_;

  keystore_engine::Engine* engine_ = nullptr;
  ServiceFacts facts_;
  SteadyTime now_{};
  ClientId next_id_ = 16;  // smaller ones name our own descriptors
  std::map<ClientId, ClientConnection> clients_;
  std::map<std::uint32_t, std::size_t> clients_of_uid_;

  std::mutex completed_mutex_;
  std::vector<Completed> completed_;
  // One for each backend: a module that hangs holds up its own keys. Last: they end before what their jobs
  // use.
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace camvault::keystored
