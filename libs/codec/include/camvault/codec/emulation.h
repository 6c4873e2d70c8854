// Emulation prevention (ITU-T H.264 7.4.1, ITU-T H.265 7.4.2.1): a writer puts 0x03 after each 00 00 that is
// followed by a byte below 4, so that no start code appears inside a unit. The rules are the same in both
// codecs.
#pragma once

#include <vector>

#include "camvault/base/bytes.h"

namespace camvault::codec {

// Drops the 0x03 of each 00 00 03. Never fails: bytes without emulation prevention come back as they are,
// unless they hold 00 00 03 as data.
Bytes unescape(BytesView escaped);

struct EscapeOptions {
  unsigned zeros_before = 0;  // how many 0x00 stand directly before the payload in its unit
  bool ends_unit = true;      // the payload is the end of its unit: 00 00 at the end gets its 0x03 too
};

// unescape(escape(x)) == x for every x.
Bytes escape(BytesView payload, EscapeOptions options = {});

// Unescaped bytes that remember where each of them was.
class Unescaped {
 public:
  explicit Unescaped(BytesView escaped);

  BytesView bytes() const { return bytes_; }
  bool had_escapes() const { return !dropped_.empty(); }

  // Where byte `offset` of bytes() stands in the escaped input. bytes().size() gives the end of the input;
  // anything larger, too. Takes O(log dropped).
  std::size_t escaped_offset(std::size_t offset) const;

 private:
  Bytes bytes_;
  std::vector<std::size_t> dropped_;  // ascending: a 0x03 was dropped directly before this offset of bytes_
  std::size_t escaped_size_ = 0;
};

}  // namespace camvault::codec
