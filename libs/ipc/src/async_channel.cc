#include "async_channel.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "connection.h"

namespace camvault::ipc {

using SteadyTime = std::chrono::steady_clock::time_point;

// Owned by the channel and by its thread: whoever is last frees it.
class AsyncChannel::Worker {
 public:
  Worker(std::filesystem::path path, const ClientOptions& options)
      : path_(std::move(path)), options_(options), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  void submit(RequestBody body, Done done);
  void run();  // the thread
  void stop();

 private:
  struct Waiting {
    std::uint32_t id;
    keystore::Operation operation;
    Bytes frame;
    Done done;
    SteadyTime deadline;
  };
  struct Sent {
    keystore::Operation operation;
    Done done;
    SteadyTime deadline;
  };

  void wake();
  bool connect();       // false: all that waits has been failed
  void move_to_sent();  // frames that the service may have now
  Status write_out();
  Status read_in();
  bool wait_for_work();  // false: stopped
  void fail_all(const Error& error);
  std::chrono::milliseconds time_left();

  const std::filesystem::path path_;
  const ClientOptions options_;
  const UniqueFd wake_;

  std::mutex mutex_;  // guards the next three
  std::deque<Waiting> waiting_;
  std::uint32_t next_id_ = 1;
  bool stopped_ = false;

  // The thread's own.
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<FrameReader> frames_;
  std::map<std::uint32_t, Sent> sent_;
  Bytes out_;
  std::size_t out_done_ = 0;
};

void AsyncChannel::Worker::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(wake_.get(), &one, sizeof one);
}

void AsyncChannel::Worker::submit(RequestBody body, Done done) {
  auto refused = [&]() -> Status {
    const std::lock_guard lock(mutex_);
    if (stopped_) return fail(Errc::unavailable, "the client is closing");
    if (waiting_.size() >= kMaxWaiting) return fail(Errc::limit, "too many requests wait for keystored");
    const Request request{.id = next_id_, .body = std::move(body)};
    CAM_TRY(const auto encoded, encode_request(request));
    Bytes frame;
    CAM_TRY_STATUS(append_frame(frame, encoded));
    ++next_id_;
    waiting_.push_back({request.id, request.operation(), std::move(frame), std::move(done),
                        std::chrono::steady_clock::now() + options_.timeout});
    return ok();
  }();
  if (!refused) return done(tl::unexpected(std::move(refused).error()));
  wake();
}

void AsyncChannel::Worker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake();
}

bool AsyncChannel::Worker::connect() {
  if (connection_ != nullptr) return true;
  auto connection = Connection::open(path_, options_);
  if (!connection) {
    fail_all(connection.error());
    return false;
  }
  connection_ = std::move(*connection);
  frames_ = std::make_unique<FrameReader>();  // keystored says nothing unasked: the hello left no bytes over
  return true;
}

void AsyncChannel::Worker::fail_all(const Error& error) {
  std::deque<Waiting> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(waiting_);
  }
  auto sent = std::exchange(sent_, {});
  connection_.reset();
  out_.clear();
  out_done_ = 0;
  for (auto& [id, request] : sent) request.done(tl::unexpected(error));
  for (auto& request : waiting) request.done(tl::unexpected(error));
}

void AsyncChannel::Worker::move_to_sent() {
  const std::lock_guard lock(mutex_);
  while (!waiting_.empty() && sent_.size() < kMaxOutstanding) {
    auto& first = waiting_.front();
    append(out_, first.frame);
    sent_.emplace(first.id, Sent{first.operation, std::move(first.done), first.deadline});
    waiting_.pop_front();
  }
}

Status AsyncChannel::Worker::write_out() {
  while (out_done_ < out_.size()) {
    const auto n = ::send(connection_->descriptor(), out_.data() + out_done_, out_.size() - out_done_,
                          MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return ok();
    if (n <= 0) return fail(Errc::unavailable, "connection to keystored lost: " + errno_text(errno));
    out_done_ += static_cast<std::size_t>(n);
  }
  out_.clear();
  out_done_ = 0;
  return ok();
}

Status AsyncChannel::Worker::read_in() {
  const auto room = frames_->room();
  const auto n = ::recv(connection_->descriptor(), room.data(), room.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) return ok();
  if (n < 0) return fail(Errc::unavailable, "connection to keystored lost: " + errno_text(errno));
  if (n == 0) return fail(Errc::unavailable, "keystored closed the connection");
  frames_->filled(static_cast<std::size_t>(n));
  for (;;) {
    CAM_TRY(const auto frame, frames_->next());
    if (!frame) return ok();
    CAM_TRY(const auto id, response_id(*frame));
    const auto found = sent_.find(id);
    if (found == sent_.end()) return fail(Errc::malformed, "keystored answered a request that nobody made");
    auto request = std::move(found->second);
    sent_.erase(found);
    request.done(decode_response(request.operation, *frame));
  }
}

std::chrono::milliseconds AsyncChannel::Worker::time_left() {
  auto first = SteadyTime::max();
  for (const auto& [id, request] : sent_)
    first = std::min(first, request.deadline);  // at most kMaxOutstanding
  if (first == SteadyTime::max()) return std::chrono::milliseconds(-1);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(first - std::chrono::steady_clock::now());
  return std::max(left, std::chrono::milliseconds(0));
}

bool AsyncChannel::Worker::wait_for_work() {
  pollfd polls[2] = {{.fd = wake_.get(), .events = POLLIN, .revents = 0},
                     {.fd = -1, .events = 0, .revents = 0}};
  if (connection_ != nullptr) {
    polls[1].fd = connection_->descriptor();
    polls[1].events = static_cast<short>(POLLIN | (out_.empty() ? 0 : POLLOUT));
  }
  ::poll(polls, 2, static_cast<int>(time_left().count()));
  if ((polls[0].revents & POLLIN) != 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto n = ::read(wake_.get(), &count, sizeof count);
  }
  const std::lock_guard lock(mutex_);
  return !stopped_;
}

void AsyncChannel::Worker::run() {
  while (wait_for_work()) {
    const auto step = [&]() -> Status {
      const bool work = [&] {
        const std::lock_guard lock(mutex_);
        return !waiting_.empty();
      }();
      // A service that was restarted meanwhile costs nobody an answer.
      if (connection_ != nullptr && sent_.empty() && !connection_->is_usable()) connection_.reset();
      if (connection_ == nullptr && (!work || !connect())) return ok();
      if (!sent_.empty() && time_left().count() == 0)
        return fail(Errc::unavailable, "keystored does not answer in time");
      CAM_TRY_STATUS(read_in());
      move_to_sent();
      return write_out();
    }();
    if (!step) fail_all(step.error());
  }
  fail_all({Errc::unavailable, "the client is closing"});
}

AsyncChannel::AsyncChannel(std::filesystem::path socket_path, const ClientOptions& options)
    : worker_(std::make_shared<Worker>(std::move(socket_path), options)),
      thread_([worker = worker_] { worker->run(); }) {}

AsyncChannel::~AsyncChannel() {
  worker_->stop();
  // The last owner may be a callback on the channel's own thread, which cannot wait for itself.
  if (thread_.get_id() == std::this_thread::get_id()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

void AsyncChannel::submit(RequestBody body, Done done) {
  worker_->submit(std::move(body), std::move(done));
}

}  // namespace camvault::ipc
