#include "camvault/base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace camvault {

namespace fs = std::filesystem;

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

void UniqueFd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::string errno_text(int error_number) {
  return std::generic_category().message(error_number);
}

namespace {
tl::unexpected<Error> fail_errno(std::string_view action, const fs::path& path, int error_number) {
  const auto code = error_number == ENOENT                            ? Errc::not_found
                    : error_number == EACCES || error_number == EPERM ? Errc::denied
                                                                      : Errc::io;
  return fail(code, std::string(action) + " " + path.string() + ": " + errno_text(error_number));
}

Status write_all(int fd, BytesView content, const fs::path& path) {
  while (!content.empty()) {
    const auto n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("cannot write", path, errno);
    content = content.subspan(static_cast<std::size_t>(n));
  }
  return ok();
}
}  // namespace

Result<Bytes> read_file(const fs::path& path, std::size_t limit) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno("cannot open", path, errno);
  Bytes out;
  constexpr std::size_t kChunk = 64 * 1024;
  for (;;) {
    const auto old_size = out.size();
    out.resize(old_size + kChunk);
    const auto n = ::read(fd.get(), out.data() + old_size, kChunk);
    if (n < 0 && errno == EINTR) {
      out.resize(old_size);
      continue;
    }
    if (n < 0) return fail_errno("cannot read", path, errno);
    out.resize(old_size + static_cast<std::size_t>(n));
    if (out.size() > limit) {
      return fail(Errc::limit, path.string() + " is longer than " + std::to_string(limit) + " bytes");
    }
    if (n == 0) return out;
  }
}

Status write_file_atomically(const fs::path& path, BytesView content, mode_t mode) {
  const auto folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  // The name is unique, so that two writers never share one half-written file.
  auto temporary = (folder / ("." + path.filename().string() + ".XXXXXX")).string();
  UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.valid()) return fail_errno("cannot create a file in", folder, errno);
  auto status = [&]() -> Status {
    if (::fchmod(fd.get(), mode) != 0) return fail_errno("cannot set the mode of", temporary, errno);
    CAM_TRY_STATUS(write_all(fd.get(), content, path));
    if (::fsync(fd.get()) != 0) return fail_errno("cannot sync", path, errno);
    fd.reset();
    if (::rename(temporary.c_str(), path.c_str()) != 0) return fail_errno("cannot replace", path, errno);
    return ok();
  }();
  if (!status) {
    ::unlink(temporary.c_str());
    return status;
  }
  const UniqueFd folder_fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder_fd.valid() || ::fsync(folder_fd.get()) != 0) return fail_errno("cannot sync", folder, errno);
  return ok();
}

Result<MappedFile> MappedFile::open(const fs::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno("cannot open", path, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("cannot look at", path, errno);
  if (!S_ISREG(info.st_mode)) return fail(Errc::usage, path.string() + " is not a regular file");
  MappedFile file;
  if (info.st_size == 0) return file;
  void* data = ::mmap(nullptr, static_cast<std::size_t>(info.st_size), PROT_READ, MAP_SHARED, fd.get(), 0);
  if (data == MAP_FAILED) return fail_errno("cannot map", path, errno);
  ::madvise(data, static_cast<std::size_t>(info.st_size), MADV_SEQUENTIAL);
  file.data_ = static_cast<const std::uint8_t*>(data);
  file.size_ = static_cast<std::size_t>(info.st_size);
  return file;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::uint8_t*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace camvault
