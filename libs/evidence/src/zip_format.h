// What the writer and the reader of ZIP files have in common.
#pragma once

#include <array>
#include <filesystem>
#include <fstream>

#include "camvault/base/bytes.h"

namespace camvault::evidence::zip {

// APPNOTE 6.3, 4.3.7, 4.3.12, 4.3.16.
inline constexpr std::uint32_t kLocal = 0x04034b50;
inline constexpr std::uint32_t kCentral = 0x02014b50;
inline constexpr std::uint32_t kEnd = 0x06054b50;
inline constexpr std::size_t kLocalSize = 30;
inline constexpr std::size_t kCentralSize = 46;
inline constexpr std::size_t kEndSize = 22;
inline constexpr std::size_t kPiece = 1 << 20;

// ISO 3309, reflected.
class Crc32 {
 public:
  void update(BytesView bytes) {
    static const auto table = [] {
      std::array<std::uint32_t, 256> t{};
      for (std::uint32_t i = 0; i < 256; ++i) {
        auto c = i;
        for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xedb88320U ^ (c >> 1) : c >> 1;
        t[i] = c;
      }
      return t;
    }();
    for (const auto byte : bytes) value_ = table[(value_ ^ byte) & 0xff] ^ (value_ >> 8);
  }
  std::uint32_t value() const { return ~value_; }

 private:
  std::uint32_t value_ = ~0U;
};

class Stream {
 public:
  explicit Stream(const std::filesystem::path& path) : out_(path, std::ios::binary | std::ios::trunc) {}
  void write(BytesView bytes) {
    out_.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    position_ += bytes.size();
  }
  std::uint64_t position() const { return position_; }
  Status close(const std::string& what) {
    out_.close();
    return out_ ? ok() : fail(Errc::io, what + " cannot be written");
  }

 private:
  std::ofstream out_;
  std::uint64_t position_ = 0;
};

}  // namespace camvault::evidence::zip
