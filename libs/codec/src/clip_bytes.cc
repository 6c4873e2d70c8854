#include "clip_bytes.h"

#include <algorithm>

namespace camvault::codec {

Result<BytesView> ClipBytes::read(std::uint64_t offset, std::uint64_t size, Bytes& keep) const {
  const auto all = this->size();
  if (offset > all || size > all - offset) return fail(Errc::malformed, "the file is cut");
  if (in_memory()) return whole_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
  if (size > kMaxPiece) return fail(Errc::limit, "a part of the clip is too large to be read into memory");
  keep.resize(static_cast<std::size_t>(size));
  if (!keep.empty()) CAM_TRY_STATUS(source_->read(offset, keep));
  return BytesView(keep);
}

Window::Window(ClipBytes clip, std::size_t usual) : clip_(clip), usual_(std::max(usual, kLeast)) {
  if (!clip_.in_memory()) return;
  view_ = clip_.read(0, clip_.size(), buffer_).value_or(BytesView());
}

Status Window::move(std::uint64_t offset, std::uint64_t size) {
  if (clip_.in_memory()) return ok();
  const bool ahead = offset >= begin_;
  const auto left = clip_.size() - std::min(offset, clip_.size());
  const std::uint64_t usual = ahead ? usual_ : std::min(usual_, kAfterJump);
  const auto wanted = std::min(std::max(size, usual), left);
  view_ = {};
  CAM_TRY(view_, clip_.read(offset, wanted, buffer_));
  begin_ = offset;
  return ok();
}

}  // namespace camvault::codec
