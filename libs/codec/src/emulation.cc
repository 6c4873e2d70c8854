#include "camvault/codec/emulation.h"

#include <algorithm>
#include <cstring>

namespace camvault::codec {

namespace {

// Calls dropped(offset in the unescaped bytes) for each 0x03 that goes.
template <class Dropped>
Bytes unescape_with(BytesView escaped, Dropped dropped) {
  Bytes out;
  out.reserve(escaped.size());
  unsigned zeros = 0;
  for (const auto byte : escaped) {
    if (zeros >= 2 && byte == 3) {
      dropped(out.size());
      zeros = 0;
      continue;
    }
    zeros = byte == 0 ? zeros + 1 : 0;
    out.push_back(byte);
  }
  return out;
}

}  // namespace

Bytes unescape(BytesView escaped) {
  return unescape_with(escaped, [](std::size_t) {});
}

Bytes escape(BytesView payload, EscapeOptions options) {
  Bytes out;
  out.reserve(payload.size() + payload.size() / 64 + 1);
  unsigned zeros = std::min(options.zeros_before, 2u);
  for (std::size_t i = 0; i < payload.size(); ++i) {
    if (zeros == 0) {
      // Most bytes are no zeros: they are copied in runs.
      const auto* run = payload.data() + i;
      const auto* zero = static_cast<const std::uint8_t*>(std::memchr(run, 0, payload.size() - i));
      const auto length = zero == nullptr ? payload.size() - i : static_cast<std::size_t>(zero - run);
      out.insert(out.end(), run, run + length);
      i += length;
      if (i == payload.size()) break;
    }
    const auto byte = payload[i];
    if (zeros >= 2 && byte <= 3) {
      out.push_back(3);
      zeros = 0;
    }
    zeros = byte == 0 ? zeros + 1 : 0;
    out.push_back(byte);
  }
  // A unit never ends with 0x00 (7.4.1): cabac_zero_words get a last 0x03.
  if (options.ends_unit && zeros >= 2) out.push_back(3);
  return out;
}

Unescaped::Unescaped(BytesView escaped) : escaped_size_(escaped.size()) {
  bytes_ = unescape_with(escaped, [this](std::size_t at) { dropped_.push_back(at); });
}

std::size_t Unescaped::escaped_offset(std::size_t offset) const {
  if (offset >= bytes_.size()) return escaped_size_;
  const auto before = std::upper_bound(dropped_.begin(), dropped_.end(), offset) - dropped_.begin();
  return offset + static_cast<std::size_t>(before);
}

}  // namespace camvault::codec
