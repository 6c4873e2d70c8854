#include "secret_input.h"

#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>

namespace camvault::cli {

namespace {
// Switches a terminal's echo off for a while.
class Hidden {
 public:
  Hidden() {
    termios now{};
    if (::isatty(STDIN_FILENO) != 1 || ::tcgetattr(STDIN_FILENO, &now) != 0) return;
    before_ = now;
    now.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &now);
    std::fputs("secret (not shown): ", stderr);
  }
  ~Hidden() {
    if (!before_) return;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &*before_);
    std::fputs("\n", stderr);
  }
  Hidden(const Hidden&) = delete;
  Hidden& operator=(const Hidden&) = delete;
  bool is_terminal() const { return before_.has_value(); }

 private:
  std::optional<termios> before_;
};

Result<Secret> read_input(std::size_t limit, bool text) {
  const Hidden hidden;
  Bytes buffer(limit + 2);  // one more than allowed, and a line feed
  std::size_t size = 0;
  while (size < buffer.size()) {
    const auto got = ::read(STDIN_FILENO, buffer.data() + size, buffer.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Errc::io, "standard input cannot be read");
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
    if (hidden.is_terminal() && buffer[size - 1] == '\n') break;
  }
  if (text && size > 0 && buffer[size - 1] == '\n') --size;
  auto secret = Secret(BytesView(buffer).first(size));
  wipe(buffer.data(), buffer.size());
  if (size == 0) return fail(Errc::usage, "standard input is empty");
  if (size > limit) return fail(Errc::usage, "longer than " + std::to_string(limit) + " bytes");
  return secret;
}
}  // namespace

Result<Secret> secret_from_input(std::size_t limit) {
  return read_input(limit, true);
}
Result<Secret> data_from_input(std::size_t limit) {
  return read_input(limit, false);
}

}  // namespace camvault::cli
