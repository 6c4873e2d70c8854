// Files: whole reads with a limit, atomic writes, read-only maps.
#pragma once

#include <sys/types.h>
#include <filesystem>

#include "camvault/base/bytes.h"

namespace camvault {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  ~UniqueFd() { reset(); }
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset();

 private:
  int fd_ = -1;
};

// Text for errno, without the thread-unsafe strerror.
std::string errno_text(int error_number);

Result<Bytes> read_file(const std::filesystem::path& path, std::size_t limit);

// Replaces `path` in one step: a reader, or a machine that lost power, sees the old bytes or the new ones,
// never a mixture. Written beside the target, fsynced, renamed, directory fsynced.
Status write_file_atomically(const std::filesystem::path& path, BytesView content, mode_t mode = 0644);

// A read-only view of a whole file. The bytes are page cache, not our memory. A file that is cut by somebody
// else while it is mapped raises SIGBUS on access: the tools install a handler for that.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::filesystem::path& path);
  MappedFile() = default;
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  BytesView bytes() const { return {data_, size_}; }

 private:
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace camvault
