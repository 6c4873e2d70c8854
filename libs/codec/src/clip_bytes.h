// The bytes of a clip for its readers: memory that holds all of it, or a source that is read piece by piece.
#pragma once

#include "camvault/base/bytes.h"
#include "camvault/codec/byte_source.h"

namespace camvault::codec {

// A value; what it speaks about belongs to the caller.
class ClipBytes {
 public:
  explicit ClipBytes(BytesView whole) : whole_(whole) {}
  explicit ClipBytes(ByteSource& source) : source_(&source) {}

  std::uint64_t size() const { return source_ != nullptr ? source_->size() : whole_.size(); }
  bool in_memory() const { return source_ == nullptr; }

  // The bytes at `offset`: a view of the clip where it lies in memory, else of `keep`, which is filled with
  // them. Errc::malformed outside of the clip, Errc::limit above kMaxPiece.
  Result<BytesView> read(std::uint64_t offset, std::uint64_t size, Bytes& keep) const;

  // Largest piece that is copied into memory: a table of contents of two days at 60 pictures a second, or one
  // picture. What lies in memory anyway has no limit.
  static constexpr std::uint64_t kMaxPiece = 256u << 20;

 private:
  BytesView whole_;
  ByteSource* source_ = nullptr;
};

// The stretch of a clip that is in memory now. Over mapped memory that is all of it, always.
class Window {
 public:
  // Reads `usual` bytes at a time, or 64 if that is less.
  Window(ClipBytes clip, std::size_t usual);

  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  const ClipBytes& clip() const { return clip_; }
  std::uint64_t begin() const { return begin_; }
  std::uint64_t end() const { return begin_ + view_.size(); }
  bool reaches_end() const { return end() == clip_.size(); }

  bool has(std::uint64_t offset, std::uint64_t size) const {
    return offset >= begin_ && offset <= end() && size <= end() - offset;
  }
  // Only what it has.
  BytesView at(std::uint64_t offset, std::size_t size) const {
    return view_.subspan(static_cast<std::size_t>(offset - begin_), size);
  }
  BytesView from(std::uint64_t offset) const {
    return view_.subspan(static_cast<std::size_t>(offset - begin_));
  }

  // Moves to `offset`, so that at least `size` bytes are there (fewer at the end of the clip). All views die.
  // Reads ahead where it goes forward; a jump back reads little, so that a clip whose pictures lie scattered
  // is not read whole for each.
  Status move(std::uint64_t offset, std::uint64_t size);

 private:
  static constexpr std::size_t kAfterJump = 64u << 10;
  static constexpr std::size_t kLeast = 64;

  ClipBytes clip_;
  std::size_t usual_;
  std::uint64_t begin_ = 0;
  Bytes buffer_;
  BytesView view_;
};

}  // namespace camvault::codec
