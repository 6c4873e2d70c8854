#include "camvault/ipc/frame.h"

#include <cstring>

#include "camvault/base/byte_reader.h"
#include "camvault/base/secret.h"

namespace camvault::ipc {

Status append_frame(Bytes& out, BytesView payload) {
  if (payload.empty() || payload.size() > kMaxFrame) return fail(Errc::limit, "a frame has 1 to 65536 bytes");
  const auto size = static_cast<std::uint32_t>(payload.size());
  const std::uint8_t header[kFrameHeader] = {0, static_cast<std::uint8_t>(size >> 16),
                                             static_cast<std::uint8_t>(size >> 8),
                                             static_cast<std::uint8_t>(size)};
  append(out, header);
  append(out, payload);
  return ok();
}

FrameReader::~FrameReader() {
  wipe(buffer_.data(), buffer_.size());
}

std::span<std::uint8_t> FrameReader::room() {
  if (buffer_.empty()) buffer_.resize(kFrameHeader + kMaxFrame);  // once: growing would leave copies behind
  wipe(buffer_.data() + used_, begin_ - used_);
  if (begin_ != 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    wipe(buffer_.data() + (end_ - begin_), std::min(begin_, end_));
    end_ -= begin_;
    begin_ = 0;
  }
  used_ = 0;
  return std::span(buffer_).subspan(end_);
}

void FrameReader::filled(std::size_t count) {
  end_ += count;
}

Result<std::optional<BytesView>> FrameReader::next() {
  ByteReader in(BytesView(buffer_).subspan(begin_, end_ - begin_));
  const auto size = in.u32();
  if (!size) return std::optional<BytesView>();
  if (*size == 0) return fail(Errc::malformed, "an empty frame");
  if (*size > kMaxFrame) return fail(Errc::limit, "a frame longer than 65536 bytes");
  const auto payload = in.take(*size);
  if (!payload) return std::optional<BytesView>();
  begin_ += kFrameHeader + *size;
  return std::optional<BytesView>(*payload);
}

}  // namespace camvault::ipc
