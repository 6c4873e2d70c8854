#include "file_appender.h"

#include <unistd.h>

#include <cerrno>

#include "camvault/base/file.h"

namespace camvault::container {

Status write_at(int fd, std::uint64_t position, BytesView bytes) {
  while (!bytes.empty()) {
    const auto n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(position));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(Errc::io, "cannot write the index: " + errno_text(errno));
    position += static_cast<std::uint64_t>(n);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return ok();
}

}  // namespace camvault::container
