#include "piece_source.h"

#include <algorithm>

namespace camvault::codec {

PieceSource::PieceSource(ClipBytes clip, std::size_t window, std::uint64_t begin)
    : position_(begin), window_(clip, window), size_(clip.size()), begin_(begin) {
  run_.reserve(kMaxRun);
  info_.bytes_stay = clip.in_memory();
}

Result<std::span<const Unit>> PieceSource::read() {
  run_.clear();
  while (!failed_ && run_.size() < kMaxRun && position_ < size_) {
    const auto more = next();
    if (!more) failed_ = more.error();
    if (!more || !*more) break;
  }
  // What came before an error is given first; the error stays until rewind().
  if (run_.empty() && failed_) return tl::unexpected(*failed_);
  return std::span<const Unit>(run_);
}

Status PieceSource::rewind() {
  position_ = begin_;
  failed_.reset();
  return ok();
}

Result<std::optional<BytesView>> PieceSource::need(std::uint64_t size) {
  size = std::min(size, left());
  if (!window_.has(position_, size)) {
    if (!run_.empty()) return std::optional<BytesView>();
    CAM_TRY_STATUS(window_.move(position_, size));
    if (!window_.has(position_, size)) return fail(Errc::io, "the clip gives fewer bytes than it has");
  }
  return std::optional(window_.at(position_, static_cast<std::size_t>(size)));
}

}  // namespace camvault::codec
