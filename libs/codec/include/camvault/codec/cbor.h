// Deterministic CBOR (RFC 8949, 4.2.1): one encoding for each value, so what is accepted re-encodes to
// itself. Values: integers, byte strings, UTF-8 text, arrays, maps with integer or text keys, true, false,
// null. Refused: indefinite lengths, longer forms than needed, unsorted or repeated keys, floats, tags, depth
// beyond kCborMaxDepth, bytes after the value.
//
//   CborWriter out;                                  CAM_TRY(auto whole, CborReader::open(bytes));
//   out.begin_map();                                 CAM_TRY(auto map, whole.map());
//   out.text(1, "sign");                             CAM_TRY(const auto operation, map.text(1));
//   out.bytes(2, digest);                            if (map.at_key(2)) { CAM_TRY(digest, map.bytes()); ... }
//   out.end();
//   CAM_TRY(const auto bytes, out.take());           CAM_TRY_STATUS(map.finish());   // unknown keys are
//   refused
//
// Keys are stored in the order of their encodings: 0, 1, .. 23, 24, .., -1, -2, .., then text by length, then
// by bytes. Readers meet them in that order; writers may set them in any.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "camvault/base/bytes.h"

namespace camvault::codec {

inline constexpr std::size_t kCborMaxDepth = 16;  // arrays and maps inside each other; our formats use 4

enum class CborType : std::uint8_t {
  unsigned_integer,
  negative_integer,
  bytes,
  text,
  array,
  map,
  boolean,
  null,
  end
};

// Walks over values from front to back. A refused read does not move. Views point into the input, which must
// outlive the reader. Errors are Errc::malformed.
class CborReader {
 public:
  // Checks the whole input (exactly one value, all rules above) in O(size), before the first value is seen.
  static Result<CborReader> open(BytesView input);

  std::size_t items() const { return items_; }  // still to come here; a map counts keys and values
  bool at_end() const { return items_ == 0; }
  CborType type() const;  // of the next item; CborType::end at the end

  Result<std::uint64_t> unsigned_integer();
  Result<std::int64_t> integer();  // either sign; what does not fit in 64 bits is refused
  Result<bool> boolean();
  Status null();
  Result<BytesView> bytes();
  Result<std::string_view> text();
  Result<CborReader> array();  // a reader of the elements
  Result<CborReader> map();    // a reader of key, value, key, value, ..

  // If the next item is this key, steps over it.
  bool at_key(std::int64_t key);
  bool at_key(std::string_view key);
  // The same, but the key must be there.
  Status key(std::int64_t key);
  Status key(std::string_view key);
  // A key that must be there, and its value.
  Result<std::uint64_t> unsigned_integer(std::int64_t under);
  Result<bool> boolean(std::int64_t under);
  Result<BytesView> bytes(std::int64_t under);
  Result<std::string_view> text(std::int64_t under);

  // The next item, encoded as it came: for signed values, which are never encoded again.
  Result<BytesView> raw_item();
  // Nothing is left over.
  Status finish() const;

 private:
  CborReader(BytesView input, std::size_t items) : rest_(input), items_(items) {}
  Result<CborReader> container(CborType type, std::size_t items_each);

  BytesView rest_;
  std::size_t items_ = 0;
};

// Mistakes of the caller (a missing value, a repeated key, an end() too many, text that is not UTF-8) are
// kept and make take() fail with Errc::internal: only one place to check.
class CborWriter {
 public:
  void unsigned_integer(std::uint64_t value);
  void integer(std::int64_t value);
  void boolean(bool value);
  void null();
  void bytes(BytesView value);
  void text(std::string_view value);
  void begin_array();
  void begin_map();
  void key(std::int64_t key) { integer(key); }
  void key(std::string_view key) { text(key); }
  // A key and its value.
  template <class Key>
  void unsigned_integer(Key under, std::uint64_t value) {
    key(under);
    unsigned_integer(value);
  }
  template <class Key>
  void boolean(Key under, bool value) {
    key(under);
    boolean(value);
  }
  template <class Key>
  void bytes(Key under, BytesView value) {
    key(under);
    bytes(value);
  }
  template <class Key>
  void text(Key under, std::string_view value) {
    key(under);
    text(value);
  }
  void end();  // of the innermost array or map; sorts the entries of a map
  // A value that is encoded already. It is checked.
  void raw_item(BytesView encoded);

  Result<Bytes> take();

 private:
  struct Open {
    bool is_map = false;
    std::size_t begin = 0;           // of the first item in out_
    std::vector<std::size_t> items;  // where each item begins
  };
  void begin(bool is_map);
  void begin_item();
  void head(std::uint8_t major, std::uint64_t argument);

  Bytes out_;
  std::vector<Open> open_;
  std::size_t top_items_ = 0;
  bool broken_ = false;
};

}  // namespace camvault::codec
