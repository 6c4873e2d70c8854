// Frames of a byte stream: u32 length (big endian), then that many bytes. Never longer than kMaxFrame: the
// length is checked before anything is stored.
#pragma once

#include <optional>
#include <span>

#include "camvault/base/bytes.h"

namespace camvault::ipc {

inline constexpr std::size_t kMaxFrame = 64 * 1024;  // payload, bytes
inline constexpr std::size_t kFrameHeader = 4;
inline constexpr std::size_t kMaxOutstanding = 64;  // requests of one connection that are not answered yet

// Errc::limit for a payload that no reader would take.
Status append_frame(Bytes& out, BytesView payload);

// Collects a stream and gives back its frames. What it held is overwritten as it goes: frames may carry keys.
class FrameReader {
 public:
  FrameReader() = default;
  ~FrameReader();
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;

  // Room for what is read next; never more than one frame of the largest size beyond what is there.
  std::span<std::uint8_t> room();
  void filled(std::size_t count);  // that many bytes of room() were written

  // The next whole frame, a view that is valid until the next call of room(). Nothing: more bytes are needed.
  // Errc::malformed if a frame is empty, Errc::limit if it is longer than kMaxFrame: the stream cannot be
  // followed further.
  Result<std::optional<BytesView>> next();

  bool in_frame() const { return begin_ != end_; }  // a part of a frame is here

 private:
  Bytes buffer_;
  std::size_t begin_ = 0;  // of what next() has not returned
  std::size_t end_ = 0;    // of what was filled
  std::size_t used_ = 0;   // returned by next() and to be overwritten
};

}  // namespace camvault::ipc
