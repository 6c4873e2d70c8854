// Boxes of the ISO base media file format (ISO/IEC 14496-12, 4.2), read in place.
#pragma once

#include <optional>
#include <string>

#include "camvault/base/byte_reader.h"
#include "camvault/base/bytes.h"
#include "clip_bytes.h"

namespace camvault::codec::bmff {

using FourCc = std::uint32_t;

constexpr FourCc fourcc(const char (&text)[5]) {
  FourCc value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(text[i]);
  return value;
}

// "avc1"; bytes that are not printable ASCII appear as '?'.
std::string name(FourCc type);

struct Box {
  FourCc type = 0;
  BytesView content;         // without the header
  std::uint64_t offset = 0;  // of the header, from the beginning of the area
  bool cut = false;          // at the top of a file: it claims more than the file has
};

// The boxes of one area, one after the other. Where: `file` allows size 0 (to the end, 4.2.2) and a last box
// that is cut; inside another box both are Errc::malformed. Up to 7 bytes that cannot be a box may follow the
// last one.
class BoxReader {
 public:
  enum class Where { file, box };
  BoxReader() = default;
  BoxReader(BytesView area, Where where) : area_(area), where_(where) {}

  Result<std::optional<Box>> next();

 private:
  BytesView area_;
  Where where_ = Where::box;
  std::size_t position_ = 0;
};

// The boxes at the top of a file. Their contents stay where they are until somebody asks.
struct TopBox {
  FourCc type = 0;
  std::uint64_t offset = 0;  // of the header
  std::uint64_t content_offset = 0;
  std::uint64_t content_size = 0;  // of what is there
  bool cut = false;                // it claims more than the file has
};

// As BoxReader with `file`. Reads 16 bytes a box.
class TopBoxReader {
 public:
  explicit TopBoxReader(ClipBytes clip) : clip_(clip) {}
  Result<std::optional<TopBox>> next();
  // `keep` as ClipBytes::read().
  Result<BytesView> content(const TopBox& box, Bytes& keep) const {
    return clip_.read(box.content_offset, box.content_size, keep);
  }

 private:
  ClipBytes clip_;
  std::uint64_t position_ = 0;
  Bytes header_;
};

// The content of the only box of this type in `area`; empty optional if there is none, Errc::malformed if
// there are two: readers disagree about which one counts.
Result<std::optional<BytesView>> find(BytesView area, FourCc type);
// The same, and it must be there.
Result<BytesView> require(BytesView area, FourCc type);

struct FullBoxHeader {
  std::uint8_t version = 0;
  std::uint32_t flags = 0;
};
Result<FullBoxHeader> full_box(ByteReader& in);

// Rows of big-endian 32-bit columns that stay where they are: a count costs no memory. Rows that are not
// there read as 0; make() has checked that `count` rows are.
class Table {
 public:
  Table() = default;
  static Result<Table> make(ByteReader& in, std::uint32_t count, std::size_t columns);

  std::size_t rows() const { return rows_; }
  std::uint32_t at(std::size_t row, std::size_t column) const;
  std::uint64_t wide(std::size_t row) const;  // the first two columns as one 64-bit number

 private:
  BytesView bytes_;
  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
};

}  // namespace camvault::codec::bmff
