// What the sources of streams that need no search have in common: pieces that say their own size, one after
// the other, read through a window.
#pragma once

#include <vector>

#include "clip_sources.h"

namespace camvault::codec {

class PieceSource : public UnitSource {
 public:
  const ClipInfo& info() const override { return info_; }
  Result<std::span<const Unit>> read() override;
  Status rewind() override;

 protected:
  PieceSource(ClipBytes clip, std::size_t window, std::uint64_t begin);

  // The bytes from position_ on, `size` of them or as many as the clip still has. Nothing if what is in
  // memory has to be given away before more can be read.
  Result<std::optional<BytesView>> need(std::uint64_t size);

  // Reads one piece at position_ and moves behind it; give() for each unit. False if need() gave nothing.
  virtual Result<bool> next() = 0;
  void give(BytesView bytes, std::uint64_t offset, std::optional<Timestamp> time) {
    run_.push_back({bytes, offset, time});
  }
  std::uint64_t left() const { return size_ - position_; }

  std::uint64_t position_ = 0;
  ClipInfo info_;

 private:
  Window window_;
  std::uint64_t size_;
  std::uint64_t begin_;
  std::vector<Unit> run_;
  std::optional<Error> failed_;
};

}  // namespace camvault::codec
