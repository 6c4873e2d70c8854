#include "listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

namespace camvault::keystored {

namespace {
constexpr int kFirstPassed = 3;  // SD_LISTEN_FDS_START
constexpr int kBacklog = 256;

tl::unexpected<Error> fail_errno(std::string_view what, const std::filesystem::path& path, int error) {
  return fail(error == EACCES || error == EPERM ? Errc::denied : Errc::io,
              std::string(what) + " " + path.string() + ": " + errno_text(error));
}

Result<UniqueFd> take_passed_socket() {
  const char* pid = std::getenv("LISTEN_PID");
  const char* count = std::getenv("LISTEN_FDS");
  if (pid == nullptr || count == nullptr || std::to_string(::getpid()) != pid) return UniqueFd();
  ::unsetenv("LISTEN_PID");
  ::unsetenv("LISTEN_FDS");
  if (std::string_view(count) != "1") return fail(Errc::usage, "systemd must pass exactly one socket");
  UniqueFd fd(kFirstPassed);
  int listening = 0;
  socklen_t size = sizeof listening;
  sockaddr_storage address{};
  socklen_t address_size = sizeof address;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || listening == 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &address_size) != 0 ||
      address.ss_family != AF_UNIX) {
    return fail(Errc::usage, "descriptor 3 is not a listening Unix socket");
  }
  ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  return fd;
}

// A socket file stays behind when its service ends. Only if nobody answers may it be replaced.
Status remove_stale(const std::filesystem::path& path, const sockaddr_un& address) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return ok();
  if (!S_ISSOCK(info.st_mode)) return fail(Errc::exists, path.string() + " is there and no socket");
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
      errno != ECONNREFUSED) {
    return fail(Errc::exists, "another service listens at " + path.string());
  }
  if (::unlink(path.c_str()) != 0) return fail_errno("cannot remove", path, errno);
  return ok();
}
}  // namespace

Result<UniqueFd> open_listener(const std::filesystem::path& path) {
  CAM_TRY(auto passed, take_passed_socket());
  if (passed.valid()) return passed;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path) {
    return fail(Errc::usage, "the socket's path has more than 107 bytes: " + path.string());
  }
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) return fail_errno("cannot make", path.parent_path(), error.value());
  CAM_TRY_STATUS(remove_stale(path, address));
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return fail_errno("cannot make a socket for", path, errno);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail_errno("cannot bind", path, errno);
  }
  if (::chmod(path.c_str(), 0666) != 0) return fail_errno("cannot open to all", path, errno);
  if (::listen(fd.get(), kBacklog) != 0) return fail_errno("cannot listen at", path, errno);
  return fd;
}

}  // namespace camvault::keystored
