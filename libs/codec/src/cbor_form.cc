#include "cbor_form.h"

#include <algorithm>
#include <array>

#include "camvault/base/byte_reader.h"
#include "camvault/codec/cbor.h"

namespace camvault::codec::cbor {

namespace {

// The bytes of an item that lie outside of its head and are not items themselves.
std::size_t content_size(const Head& head) {
  return head.major == kBytes || head.major == kText ? static_cast<std::size_t>(head.argument) : 0;
}

// How many items follow as children. Bounded by the input: check() has refused larger counts.
std::uint64_t child_count(const Head& head) {
  if (head.major == kArray) return head.argument;
  return head.major == kMap ? head.argument * 2 : 0;
}

}  // namespace

Result<Head> read_head(BytesView input) {
  ByteReader in(input);
  CAM_TRY(const auto initial, in.u8());
  Head head;
  head.major = static_cast<std::uint8_t>(initial >> 5);
  const auto info = static_cast<std::uint8_t>(initial & 0x1f);
  if (head.major == kSimple) {
    if (info < kFalse || info > kNull)
      return fail(Errc::malformed, "CBOR: a float or an unknown simple value");
    head.argument = info;
  } else if (head.major == 6) {
    return fail(Errc::malformed, "CBOR: tags are not used here");
  } else if (info < 24) {
    head.argument = info;
  } else if (info > 27) {
    return fail(Errc::malformed, "CBOR: indefinite length or reserved form");
  } else {
    // 4.2.1: the shortest form only.
    std::uint64_t least = 24;
    if (info == 24) {
      CAM_TRY(head.argument, in.u8());
    } else if (info == 25) {
      CAM_TRY(head.argument, in.u16());
      least = 0x100;
    } else if (info == 26) {
      CAM_TRY(head.argument, in.u32());
      least = 0x1'0000;
    } else {
      CAM_TRY(head.argument, in.u64());
      least = 0x1'0000'0000;
    }
    if (head.argument < least) return fail(Errc::malformed, "CBOR: a number in a longer form than it needs");
  }
  head.size = in.position();
  // Every byte, and every child, takes at least one byte of the input.
  const std::uint64_t needed =
      head.major == kBytes || head.major == kText || head.major == kArray ? head.argument : 0;
  if (needed > in.remaining() || (head.major == kMap && head.argument > in.remaining() / 2)) {
    return fail(Errc::malformed, "CBOR: a length beyond the end");
  }
  return head;
}

Status check(BytesView input) {
  struct Level {
    std::uint64_t left = 0;
    bool is_map = false;
    BytesView last_key;
  };
  std::array<Level, kCborMaxDepth + 1> levels;
  levels[0].left = 1;
  std::size_t depth = 0;
  std::size_t at = 0;
  for (;;) {
    while (levels[depth].left == 0) {
      if (depth == 0) {
        if (at != input.size()) return fail(Errc::malformed, "CBOR: bytes after the value");
        return ok();
      }
      --depth;
    }
    auto& level = levels[depth];
    const bool is_key = level.is_map && level.left % 2 == 0;
    --level.left;
    CAM_TRY(const auto head, read_head(input.subspan(at)));
    const auto size = head.size + content_size(head);
    const auto item = input.subspan(at, size);
    if (head.major == kText && !is_utf8(item.subspan(head.size))) {
      return fail(Errc::malformed, "CBOR: text that is not UTF-8");
    }
    if (is_key) {
      if (head.major != kUnsigned && head.major != kNegative && head.major != kText) {
        return fail(Errc::malformed, "CBOR: a key that is neither integer nor text");
      }
      if (!level.last_key.empty() &&
          !std::lexicographical_compare(level.last_key.begin(), level.last_key.end(), item.begin(),
                                        item.end())) {
        return fail(Errc::malformed, "CBOR: keys out of order or repeated");
      }
      level.last_key = item;
    }
    at += size;
    if (head.major == kArray || head.major == kMap) {
      if (depth == kCborMaxDepth) return fail(Errc::malformed, "CBOR: nested too deep");
      levels[++depth] = Level{child_count(head), head.major == kMap, {}};
    }
  }
}

std::size_t item_size(BytesView input) {
  std::uint64_t left = 1;
  std::size_t at = 0;
  while (left > 0) {
    const auto head = read_head(input.subspan(at));
    if (!head) return input.size();  // cannot be: the input was checked
    at += head->size + content_size(*head);
    left += child_count(*head);
    --left;
  }
  return at;
}

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(BytesView text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto lead = text[at];
    if (lead < 0x80) {
      ++at;
      continue;
    }
    std::size_t more = 0;
    std::uint32_t least = 0;
    std::uint32_t value = 0;
    if (lead >= 0xc2 && lead <= 0xdf) {
      more = 1, least = 0x80, value = lead & 0x1fu;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      more = 2, least = 0x800, value = lead & 0x0fu;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      more = 3, least = 0x1'0000, value = lead & 0x07u;
    } else {
      return false;
    }
    if (text.size() - at <= more) return false;
    for (std::size_t i = 1; i <= more; ++i) {
      if ((text[at + i] & 0xc0) != 0x80) return false;
      value = value << 6 | (text[at + i] & 0x3fu);
    }
    if (value < least || value > 0x10'ffff || (value >= 0xd800 && value <= 0xdfff)) return false;
    at += more + 1;
  }
  return true;
}

}  // namespace camvault::codec::cbor
