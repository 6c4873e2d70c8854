#include "camvault/codec/parameter_set.h"

#include <algorithm>
#include <array>
#include <optional>

namespace camvault::codec {

namespace {

// The number stands at the front; H.265 profiles of eight sub-layers push it back by 8 * 96 bits.
constexpr std::size_t kFront = 160;

class Bits {
 public:
  explicit Bits(BytesView escaped) {
    int zeros = 0;
    for (const auto byte : escaped) {
      if (size_ == bytes_.size()) break;
      if (zeros >= 2 && byte == 3) {
        zeros = 0;
        continue;
      }
      zeros = byte == 0 ? zeros + 1 : 0;
      bytes_[size_++] = byte;
    }
  }

  std::optional<std::uint32_t> take(unsigned count) {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < count; ++i) {
      if (position_ >= size_ * 8) return std::nullopt;
      const auto bit = unsigned{bytes_[position_ / 8]} >> (7 - position_ % 8) & 1U;
      value = value << 1 | bit;
      ++position_;
    }
    return value;
  }

  bool skip(std::size_t count) {
    position_ += count;
    return position_ <= size_ * 8;
  }

  // ue(v) of numbers below 2^16 (ITU-T H.264 9.1).
  std::optional<std::uint32_t> golomb() {
    unsigned zeros = 0;
    for (;;) {
      const auto bit = take(1);
      if (!bit || zeros > 16) return std::nullopt;
      if (*bit == 1) break;
      ++zeros;
    }
    const auto rest = take(zeros);
    if (!rest) return std::nullopt;
    return (1u << zeros) - 1 + *rest;
  }

 private:
  std::array<std::uint8_t, kFront> bytes_{};
  std::size_t size_ = 0;
  std::size_t position_ = 0;
};

std::optional<std::uint32_t> read_h264(std::uint8_t type, Bits& in) {
  if (!in.skip(8)) return std::nullopt;
  // 7.3.2.1.1: profile_idc, constraint flags, level_idc stand before the number.
  if ((type == 7 || type == 15) && !in.skip(24)) return std::nullopt;
  return in.golomb();
}

// ITU-T H.265 7.3.2.2.1 and 7.3.3: profile_tier_level() stands before the number.
std::optional<std::uint32_t> read_h265_sps(Bits& in) {
  if (!in.take(4)) return std::nullopt;
  const auto sub_layers = in.take(3);
  constexpr std::size_t kGeneralProfile = 88;
  constexpr std::size_t kLevel = 8;
  if (!sub_layers || !in.skip(1 + kGeneralProfile + kLevel)) return std::nullopt;
  std::size_t more = 0;
  if (*sub_layers > 0) {
    for (unsigned i = 0; i < 8; ++i) {
      const auto flags = in.take(2);
      if (!flags) return std::nullopt;
      if (i >= *sub_layers) continue;
      more += (*flags & 2) != 0 ? kGeneralProfile : 0;
      more += (*flags & 1) != 0 ? kLevel : 0;
    }
  }
  if (!in.skip(more)) return std::nullopt;
  return in.golomb();
}

std::optional<std::uint32_t> read_h265(std::uint8_t type, Bits& in) {
  if (!in.skip(16)) return std::nullopt;
  if (type == 32) return in.take(4);
  return type == 33 ? read_h265_sps(in) : in.golomb();
}

}  // namespace

ParameterSetId identify_parameter_set(Codec codec, BytesView unit) {
  const auto type = classify(codec, unit).type;
  Bits in(unit);
  const auto id = codec == Codec::h264 ? read_h264(type, in) : read_h265(type, in);
  return {type, static_cast<std::uint16_t>(
                    std::min<std::uint32_t>(id.value_or(kUnknownParameterSet), kUnknownParameterSet))};
}

}  // namespace camvault::codec
