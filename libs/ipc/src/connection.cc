#include "connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "camvault/base/secret.h"
#include "fork_guard.h"

namespace camvault::ipc {

namespace {
constexpr std::chrono::milliseconds kRetryPause{10};

Result<UniqueFd> connect_once(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto& text = path.native();
  if (text.empty() || text.size() >= sizeof address.sun_path) {
    return fail(Errc::usage, "the socket's path must have 1 to 107 bytes: " + text);
  }
  std::memcpy(address.sun_path, text.data(), text.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fail(Errc::io, "cannot make a socket: " + errno_text(errno));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(errno == EACCES || errno == EPERM ? Errc::denied : Errc::unavailable,
                "cannot connect to keystored at " + text + ": " + errno_text(errno));
  }
  return fd;
}

void set_timeout(int fd, std::chrono::milliseconds timeout) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  timeval time{};
  time.tv_sec = static_cast<time_t>(seconds.count());
  time.tv_usec = static_cast<suseconds_t>(std::chrono::microseconds(timeout - seconds).count());
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}
}  // namespace

Result<std::unique_ptr<Connection>> Connection::open(const std::filesystem::path& socket_path,
                                                     const ClientOptions& options) {
  const auto give_up = std::chrono::steady_clock::now() + options.connect_timeout;
  for (;;) {
    auto result = [&]() -> Result<std::unique_ptr<Connection>> {
      CAM_TRY(auto fd, connect_once(socket_path));
      set_timeout(fd.get(), options.timeout);
      std::unique_ptr<Connection> connection(new Connection(std::move(fd)));
      if (connection->broken_) return fail(Errc::limit, "too many connections to keystored in this process");
      CAM_TRY(const auto reply, connection->greet());
      if (reply.error) return tl::unexpected(keystore::to_error(*reply.error));
      if (reply.version != kProtocolVersion)
        return fail(Errc::unsupported, "keystored chose a version we did not offer");
      return connection;
    }();
    if (result || result.error().code != Errc::unavailable) return result;
    if (std::chrono::steady_clock::now() + kRetryPause > give_up) return result;
    std::this_thread::sleep_for(kRetryPause);
  }
}

Connection::Connection(UniqueFd fd) : fd_(std::move(fd)), pid_(::getpid()), uid_(::geteuid()) {
  broken_ = !shut_in_children(fd_.get());
}

Connection::~Connection() {
  if (pid_ == ::getpid()) {
    no_longer_shut(fd_.get());
  } else {
    static_cast<void>(fd_.release());  // shut already; the number may be somebody else's by now
  }
}

Result<HelloReply> Connection::greet() {
  CAM_TRY(const auto hello, encode_hello({}));
  // A service with too many clients says so and closes before it has heard anything: its answer counts.
  const auto sent = send_frame(hello);
  const auto frame = receive_frame();
  if (!sent && !frame) return tl::unexpected(sent.error());
  if (!frame) return tl::unexpected(frame.error());
  return decode_hello_reply(*frame);
}

Status Connection::send_frame(BytesView payload) {
  out_.clear();
  CAM_TRY_STATUS(append_frame(out_, payload));
  BytesView rest = out_;
  while (!rest.empty()) {
    const auto n = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      broken_ = true;
      return fail(Errc::unavailable, "keystored does not take the request: " + errno_text(errno));
    }
    rest = rest.subspan(static_cast<std::size_t>(n));
  }
  return ok();
}

Result<BytesView> Connection::receive_frame() {
  for (;;) {
    auto frame = frames_.next();
    if (!frame) {
      broken_ = true;
      return tl::unexpected(std::move(frame).error());
    }
    if (*frame) return **frame;
    const auto room = frames_.room();
    const auto n = ::recv(fd_.get(), room.data(), room.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      broken_ = true;
      const bool late = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
      return fail(Errc::unavailable, n == 0 ? "keystored closed the connection"
                                     : late ? "keystored does not answer in time"
                                            : "connection to keystored lost: " + errno_text(errno));
    }
    frames_.filled(static_cast<std::size_t>(n));
  }
}

Result<Response> Connection::call(RequestBody body) {
  const Request request{.id = next_id_++, .body = std::move(body)};
  CAM_TRY(auto encoded, encode_request(request));
  if (encoded.size() > kMaxFrame) return fail(Errc::limit, "the request is longer than 64 KiB");
  const auto sent = send_frame(encoded);
  if (request.operation() == keystore::Operation::import_key ||
      request.operation() == keystore::Operation::encrypt) {
    wipe(encoded.data(), encoded.size());
    wipe(out_.data(), out_.size());
  }
  CAM_TRY_STATUS(sent);
  CAM_TRY(const auto frame, receive_frame());
  auto response = decode_response(request.operation(), frame);
  // An answer to something else means that the two sides no longer agree on where they are.
  if (!response || response->id != request.id) broken_ = true;
  if (response && response->id != request.id)
    return fail(Errc::malformed, "keystored answered another request");
  return response;
}

bool Connection::is_usable() {
  if (broken_ || pid_ != ::getpid() || uid_ != ::geteuid()) return false;
  pollfd poll{.fd = fd_.get(), .events = POLLIN | POLLRDHUP, .revents = 0};
  // Nobody owes us an answer: whatever there is to read now is the end.
  return ::poll(&poll, 1, 0) == 0;
}

}  // namespace camvault::ipc
