#include "server.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "camvault/base/log.h"
#include "camvault/base/secret.h"
#include "camvault/ipc/peer.h"

namespace camvault::keystored {

using keystore::ServiceError;

namespace {
constexpr std::uint64_t kListener = 1;
constexpr std::uint64_t kWake = 2;
constexpr std::uint64_t kSignals = 3;
constexpr int kFramesPerTurn = 8;
constexpr int kAcceptsPerTurn = 32;
constexpr std::size_t kConnectionsOfStranger = 8;
constexpr std::chrono::milliseconds kTick{250};  // how late a deadline may be noticed
constexpr std::chrono::milliseconds kPatienceAtTheEnd{3000};

bool makes_a_key(keystore::Operation operation) {
  using keystore::Operation;
  return operation == Operation::generate || operation == Operation::import_key ||
         operation == Operation::move;
}

Bytes encoded(const ipc::Response& response) {
  auto frame = ipc::encode_response(response);
  if (frame && frame->size() <= ipc::kMaxFrame) return std::move(*frame);
  log(LogLevel::error, "an answer cannot be encoded");
  return ipc::encode_response({.id = response.id, .error = ServiceError::internal, .result = {}})
      .value_or(Bytes());
}
}  // namespace

Result<std::unique_ptr<Server>> Server::make(UniqueFd listener, const Limits& limits,
                                             const std::vector<LaneSettings>& lanes) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  UniqueFd poll(::epoll_create1(EPOLL_CLOEXEC));
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  UniqueFd signal_fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!poll.valid() || !wake.valid() || !signal_fd.valid())
    return fail(Errc::io, "cannot make an event loop: " + errno_text(errno));
  std::unique_ptr<Server> server(
      new Server(std::move(listener), std::move(poll), std::move(wake), std::move(signal_fd), limits));
  CAM_TRY_STATUS(server->watch(server->listener_.get(), kListener, EPOLLIN, EPOLL_CTL_ADD));
  CAM_TRY_STATUS(server->watch(server->wake_.get(), kWake, EPOLLIN, EPOLL_CTL_ADD));
  CAM_TRY_STATUS(server->watch(server->signals_.get(), kSignals, EPOLLIN, EPOLL_CTL_ADD));
  for (const auto& settings : lanes) server->lanes_.push_back(std::make_unique<Lane>(settings));
  return server;
}

Server::~Server() = default;

Status Server::watch(int fd, ClientId id, std::uint32_t events, int operation) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  if (::epoll_ctl(poll_.get(), operation, fd, &event) != 0)
    return fail(Errc::io, "epoll_ctl: " + errno_text(errno));
  return ok();
}

Result<Server::Ended> Server::run(keystore_engine::Engine& engine, ServiceFacts facts) {
  engine_ = &engine;
  facts_ = std::move(facts);
  facts_.silent = [this](std::size_t backend) { return lanes_[backend]->silent(now_); };
  auto next_tick = std::chrono::steady_clock::now() + kTick;
  bool more = false;
  for (;;) {
    epoll_event events[64];
    const int count = ::epoll_wait(poll_.get(), events, 64, more ? 0 : static_cast<int>(kTick.count()));
    if (count < 0 && errno != EINTR) return fail(Errc::io, "epoll_wait: " + errno_text(errno));
    now_ = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) {
      const auto id = events[i].data.u64;
      if (id == kSignals) return end_lanes();
      if (id == kListener) {
        accept_clients();
      } else if (id == kWake) {
        deliver_completed();
      } else if (const auto client = clients_.find(id); client != clients_.end()) {
        serve_client(id, client->second, events[i].events);
      }
    }
    more = false;
    for (auto next = clients_.begin(); next != clients_.end();) {
      const auto id = next->first;
      auto& client = next->second;
      ++next;  // the client may end below
      if (!client.more_frames || !client.may_read()) continue;
      serve_client(id, client, 0);
      const auto still = clients_.find(id);
      more = more || (still != clients_.end() && still->second.more_frames && still->second.may_read());
    }
    if (now_ >= next_tick) {
      answer_overdue();
      end_overdue();
      next_tick = now_ + kTick;
    }
  }
}

void Server::accept_clients() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd.valid()) return;
    const auto peer = ipc::peer_of(fd.get());
    if (!peer) continue;
    auto& of_uid = clients_of_uid_[peer->uid];
    // Who belongs to no application may ask for the status, which needs few connections.
    const auto allowed = engine_->knows(peer->uid)
                             ? limits_.connections_per_uid
                             : std::min(limits_.connections_per_uid, kConnectionsOfStranger);
    if (clients_.size() >= limits_.connections || of_uid >= allowed) {
      log(LogLevel::warning, "uid " + std::to_string(peer->uid) + " is turned away: too many connections");
      if (of_uid == 0) clients_of_uid_.erase(peer->uid);
      turn_away(fd);
      continue;
    }
    const auto id = next_id_++;
    const auto descriptor = fd.get();
    const auto [client, added] = clients_.try_emplace(
        id, std::move(fd), keystore_engine::Caller{.uid = peer->uid, .gid = peer->gid, .pid = peer->pid},
        now_);
    ++of_uid;
    client->second.events = EPOLLIN;
    if (!watch(descriptor, id, EPOLLIN, EPOLL_CTL_ADD)) end_client(id, "it cannot be watched");
  }
}

void Server::turn_away(const UniqueFd& fd) {
  const auto reply = ipc::encode_hello_reply({.error = ServiceError::busy, .version = 0});
  Bytes frame;
  if (!reply || !ipc::append_frame(frame, *reply)) return;
  [[maybe_unused]] const auto n = ::send(fd.get(), frame.data(), frame.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Server::serve_client(ClientId id, ClientConnection& client, std::uint32_t events) {
  using Io = ClientConnection::Io;
  bool ended = false;
  if ((events & EPOLLIN) != 0 && client.may_read()) ended = client.read_in(now_) == Io::ended;
  // Gone altogether (not merely done with sending): nobody is left to answer.
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) ended = true;
  if (!ended) {
    take_frames(id, client);
    ended = client.write_out(now_) == Io::ended;
  }
  if (ended) return end_client(id, nullptr);
  update_interest(id, client);
}

void Server::take_frames(ClientId id, ClientConnection& client) {
  client.more_frames = false;
  for (int i = 0; client.may_read(); ++i) {
    if (i == kFramesPerTurn) {
      client.more_frames = true;
      break;
    }
    const auto frame = client.next_frame();
    if (!frame) {
      protocol_error(client, frame.error());
      break;
    }
    if (!*frame) break;
    if (client.greeted) {
      take_request(id, client, **frame);
    } else {
      take_hello(client, **frame);
    }
  }
  if (!client.may_read() && !client.closing)
    client.more_frames = true;  // perhaps: looked at when it may go on
  client.frames_taken(now_);
}

void Server::take_hello(ClientConnection& client, BytesView frame) {
  const auto hello = ipc::decode_hello(frame);
  if (!hello) return protocol_error(client, hello.error());
  ipc::HelloReply reply{.error = {}, .version = ipc::kProtocolVersion};
  if (hello->min > ipc::kProtocolVersion || hello->max < ipc::kProtocolVersion) {
    reply = {.error = ServiceError::unsupported_version, .version = 0};
    client.closing = true;
  }
  client.greeted = true;
  client.send_frame(ipc::encode_hello_reply(reply).value_or(Bytes()), now_);
}

// The stream cannot be trusted to go on: the reason is said, with the id 0 since none was read, and the
// connection ends.
void Server::protocol_error(ClientConnection& client, const Error& error) {
  log(LogLevel::warning, "uid " + std::to_string(client.who.uid) + " pid " + std::to_string(client.who.pid) +
                             " broke the protocol: " + error.what);
  const auto code = error.code == Errc::limit ? ServiceError::limit : ServiceError::malformed;
  if (client.greeted) {
    client.send_frame(encoded({.id = 0, .error = code, .result = {}}), now_);
  } else {
    client.send_frame(ipc::encode_hello_reply({.error = code, .version = 0}).value_or(Bytes()), now_);
  }
  client.closing = true;
}

void Server::take_request(ClientId id, ClientConnection& client, BytesView frame) {
  const auto request = ipc::decode_request(frame);
  if (!request) return protocol_error(client, request.error());
  if (client.vault == nullptr && request->operation() >= keystore::Operation::tls_share)
    client.vault = std::make_shared<keystore_tls::Vault>();
  if (engine_->is_quick(request->operation(), request->used_key())) {
    auto answer = encoded(dispatch(*engine_, facts_, client.who, client.vault.get(), *request));
    client.send_frame(answer, now_);
    wipe(answer.data(), answer.size());
    return;
  }
  const auto refuse = [&](ServiceError error) {
    client.send_frame(encoded({.id = request->id, .error = error, .result = {}}), now_);
  };
  const auto number = engine_->lane_of(request->operation(), request->used_key(), request->backend());
  auto& lane = *lanes_[number];
  if (lane.is_stuck()) return refuse(ServiceError::unavailable);
  // The frame is decoded again by the worker: a request's views cannot outlive the buffer they point into.
  auto work = [this, id, number, who = client.who, vault = client.vault,
               copy = std::make_shared<Secret>(frame)](Lane::Ticket ticket) {
    auto answer = copy->reveal([&](BytesView bytes) {
      const auto again = ipc::decode_request(bytes);
      return again ? encoded(dispatch(*engine_, facts_, who, vault.get(), *again)) : Bytes();
    });
    {
      const std::lock_guard lock(completed_mutex_);
      completed_.push_back({number, ticket, id, std::move(answer)});
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(wake_.get(), &one, sizeof one);
  };
  if (!lane.submit(client.who.uid, {id, request->id}, makes_a_key(request->operation()), now_,
                   std::move(work)))
    return refuse(ServiceError::busy);
  ++client.outstanding;
}

void Server::deliver_completed() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto n = ::read(wake_.get(), &count, sizeof count);
  std::vector<Completed> done;
  {
    const std::lock_guard lock(completed_mutex_);
    done.swap(completed_);
  }
  for (auto& [lane, ticket, id, answer] : done) {
    const bool wanted = lanes_[lane]->finished(ticket);
    const auto client = clients_.find(id);
    if (wanted && client != clients_.end()) {
      --client->second.outstanding;
      client->second.send_frame(answer, now_);
      serve_client(id, client->second, 0);
    }
    wipe(answer.data(), answer.size());
  }
}

void Server::answer_overdue() {
  for (const auto& lane : lanes_) {
    for (const auto& [asked, begun] : lane->take_overdue(now_)) {
      const auto client = clients_.find(asked.client);
      // What only waited, behind others that are served, did not meet a module that is silent.
      const auto error = begun || lane->silent(now_) ? ServiceError::unavailable : ServiceError::busy;
      if (begun) log(LogLevel::error, "a module does not answer within its deadline");
      if (client == clients_.end()) continue;
      --client->second.outstanding;
      client->second.send_frame(encoded({.id = asked.request, .error = error, .result = {}}), now_);
      serve_client(client->first, client->second, 0);
    }
  }
}

// Their jobs use the engine, which may end after us.
Server::Ended Server::end_lanes() {
  bool all = true;
  for (const auto& lane : lanes_) all = lane->end(kPatienceAtTheEnd) && all;
  if (!all) return Ended::a_module_hangs;
  lanes_.clear();
  return Ended::well;
}

void Server::update_interest(ClientId id, ClientConnection& client) {
  const auto wanted =
      static_cast<std::uint32_t>((client.may_read() ? EPOLLIN : 0u) | (client.has_output() ? EPOLLOUT : 0u));
  if (wanted == client.events) return;
  client.events = wanted;
  if (!watch(client.descriptor(), id, wanted, EPOLL_CTL_MOD)) client.closing = true;
}

void Server::end_client(ClientId id, const char* why) {
  const auto client = clients_.find(id);
  if (client == clients_.end()) return;
  const auto uid = client->second.who.uid;
  if (why != nullptr) log(LogLevel::warning, "connection of uid " + std::to_string(uid) + " ended: " + why);
  if (const auto of_uid = clients_of_uid_.find(uid);
      of_uid != clients_of_uid_.end() && --of_uid->second == 0) {
    clients_of_uid_.erase(of_uid);
  }
  clients_.erase(client);  // closing the descriptor takes it out of epoll
}

void Server::end_overdue() {
  for (auto next = clients_.begin(); next != clients_.end();) {
    const auto& [id, client] = *next++;
    if (const auto* why = client.overdue(now_, limits_)) end_client(id, why);
  }
}

}  // namespace camvault::keystored
