// Appends to a file through a small buffer; sizes and counts written earlier can be filled in later.
#pragma once

#include "camvault/base/byte_writer.h"

namespace camvault::container {

Status write_at(int fd, std::uint64_t position, BytesView bytes);

class FileAppender {
 public:
  FileAppender(int fd, std::uint64_t position) : fd_(fd), start_(position) {}

  Status u32(std::uint32_t value) {
    buffer_.u32(value);
    return spill();
  }
  Status u64(std::uint64_t value) {
    buffer_.u64(value);
    return spill();
  }
  Status raw(BytesView bytes) {
    buffer_.raw(bytes);
    return spill();
  }
  std::uint64_t position() const { return start_ + buffer_.size(); }
  Status patch(std::uint64_t at, std::uint32_t value) {
    if (at >= start_) {
      buffer_.patch_u32(static_cast<std::size_t>(at - start_), value);
      return ok();
    }
    CAM_TRY_STATUS(flush());
    ByteWriter field;
    field.u32(value);
    return write_at(fd_, at, field.view());
  }
  Status flush() {
    CAM_TRY_STATUS(write_at(fd_, start_, buffer_.view()));
    start_ += buffer_.size();
    buffer_ = ByteWriter();
    return ok();
  }

  // A box around what `content` writes.
  template <class Content>
  Status box(std::uint32_t type, Content&& content) {
    const auto at = position();
    CAM_TRY_STATUS(u32(0));
    CAM_TRY_STATUS(u32(type));
    CAM_TRY_STATUS(content());
    const auto size = position() - at;
    if (size > UINT32_MAX) return fail(Errc::limit, "index box larger than 4 GB");
    return patch(at, static_cast<std::uint32_t>(size));
  }

 private:
  static constexpr std::size_t kSpill = 64 * 1024;
  Status spill() { return buffer_.size() < kSpill ? ok() : flush(); }

  int fd_;
  std::uint64_t start_;
  ByteWriter buffer_;
};

}  // namespace camvault::container
