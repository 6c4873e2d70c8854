#include "output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <random>
#include <utility>

namespace camvault::container {

namespace fs = std::filesystem;

namespace {

tl::unexpected<Error> fail_errno(std::string_view action, const fs::path& path, int error_number) {
  const auto code = error_number == ENOENT                            ? Errc::not_found
                    : error_number == EACCES || error_number == EPERM ? Errc::denied
                                                                      : Errc::io;
  return fail(code, std::string(action) + " " + path.string() + ": " + errno_text(error_number));
}

}  // namespace

Result<UniqueFd> create_output(const fs::path& path) {
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.valid()) return fail_errno("cannot create", path, errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return fail_errno("cannot look at", path, errno);
  if (!S_ISREG(info.st_mode)) return fail(Errc::usage, path.string() + " is not a regular file");
  return file;
}

Result<PendingFile> PendingFile::create(const fs::path& path) {
  // A symbolic link or an existing file of this name is replaced as a whole; anything else is refused early.
  std::error_code error;
  if (fs::exists(path, error) && !fs::is_regular_file(path, error)) {
    return fail(Errc::usage, path.string() + " is not a regular file");
  }
  const auto folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  constexpr int kAttempts = 16;
  std::random_device random;
  fs::path name;
  UniqueFd file;
  for (int i = 0; i < kAttempts && !file.valid(); ++i) {
    const std::uint32_t number = random();
    const std::uint8_t bytes[] = {static_cast<std::uint8_t>(number >> 24),
                                  static_cast<std::uint8_t>(number >> 16),
                                  static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
    name = folder / ("." + path.filename().string() + "." + to_hex(bytes));
    file = UniqueFd(::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!file.valid() && errno != EEXIST) break;
  }
  if (!file.valid()) return fail_errno("cannot create a file in", folder, errno);
  return PendingFile(path, std::move(name));
}

PendingFile::PendingFile(fs::path target, fs::path temporary)
    : target_(std::move(target)), temporary_(std::move(temporary)) {}

PendingFile::PendingFile(PendingFile&& other) noexcept
    : target_(std::move(other.target_)), temporary_(std::exchange(other.temporary_, {})) {}

PendingFile::~PendingFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Status PendingFile::commit() {
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) return fail_errno("cannot replace", target_, errno);
  temporary_.clear();
  return ok();
}

}  // namespace camvault::container
