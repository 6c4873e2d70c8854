#include "bmff.h"

#include <algorithm>

namespace camvault::codec::bmff {

namespace {

tl::unexpected<Error> malformed(FourCc type, std::string_view what) {
  return fail(Errc::malformed, "MP4: box " + name(type) + " " + std::string(what));
}

// 4.2.2: size, type, and the size again in 64 bits where it does not fit.
constexpr std::uint64_t kLongestHeader = 16;

struct Header {
  FourCc type = 0;
  std::size_t header_size = 8;
  std::uint64_t size = 0;  // of the box with its header; never more than what is there
  bool cut = false;
};

// From the first bytes of a box, with `available` bytes to the end of the area. Empty when no box fits.
Result<std::optional<Header>> read_header(BytesView bytes, std::uint64_t available, BoxReader::Where where) {
  if (available < 8) return std::optional<Header>();
  ByteReader in(bytes);
  Header header;
  CAM_TRY(header.size, in.u32());
  CAM_TRY(header.type, in.u32());
  if (header.size == 1) {
    if (in.remaining() < 8) return malformed(header.type, "is cut inside its header");
    CAM_TRY(header.size, in.u64());
  } else if (header.size == 0) {
    if (where == BoxReader::Where::box) return malformed(header.type, "without a size inside another box");
    header.size = available;
  }
  header.header_size = in.position();
  if (header.size < header.header_size) return malformed(header.type, "is smaller than its header");
  if (header.size > available) {
    if (where == BoxReader::Where::box) return malformed(header.type, "is longer than the box around it");
    header.cut = true;
    header.size = available;
  }
  return std::optional<Header>(header);
}

}  // namespace

std::string name(FourCc type) {
  std::string text;
  for (const int shift : {24, 16, 8, 0}) {
    const auto byte = static_cast<std::uint8_t>(type >> shift);
    text.push_back(byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '?');
  }
  return text;
}

Result<std::optional<Box>> BoxReader::next() {
  const auto rest = area_.subspan(position_);
  CAM_TRY(const auto header, read_header(rest, rest.size(), where_));
  if (!header) return std::optional<Box>();
  // Not larger than the area, which lies in memory.
  const auto size = static_cast<std::size_t>(header->size);
  Box box{header->type, rest.subspan(header->header_size, size - header->header_size), position_,
          header->cut};
  position_ += size;
  return std::optional<Box>(box);
}

Result<std::optional<TopBox>> TopBoxReader::next() {
  const auto available = clip_.size() - position_;
  CAM_TRY(const auto bytes, clip_.read(position_, std::min(available, kLongestHeader), header_));
  CAM_TRY(const auto header, read_header(bytes, available, BoxReader::Where::file));
  if (!header) return std::optional<TopBox>();
  const TopBox box{header->type, position_, position_ + header->header_size,
                   header->size - header->header_size, header->cut};
  position_ += header->size;
  return std::optional<TopBox>(box);
}

Result<std::optional<BytesView>> find(BytesView area, FourCc type) {
  std::optional<BytesView> found;
  BoxReader boxes(area, BoxReader::Where::box);
  for (;;) {
    CAM_TRY(const auto box, boxes.next());
    if (!box) return found;
    if (box->type != type) continue;
    if (found) return malformed(type, "is there twice");
    found = box->content;
  }
}

Result<BytesView> require(BytesView area, FourCc type) {
  CAM_TRY(const auto found, find(area, type));
  if (!found) return malformed(type, "is missing");
  return *found;
}

Result<FullBoxHeader> full_box(ByteReader& in) {
  FullBoxHeader header;
  CAM_TRY(header.version, in.u8());
  CAM_TRY(header.flags, in.u24());
  return header;
}

Result<Table> Table::make(ByteReader& in, std::uint32_t count, std::size_t columns) {
  const std::uint64_t needed = std::uint64_t{count} * columns * 4;
  if (needed > in.remaining())
    return fail(Errc::malformed, "MP4: a table claims more rows than its box holds");
  Table table;
  table.rows_ = count;
  table.columns_ = columns;
  CAM_TRY(table.bytes_, in.take(static_cast<std::size_t>(needed)));
  return table;
}

std::uint32_t Table::at(std::size_t row, std::size_t column) const {
  const std::size_t at = (row * columns_ + column) * 4;
  if (row >= rows_ || column >= columns_) return 0;
  return std::uint32_t{bytes_[at]} << 24 | std::uint32_t{bytes_[at + 1]} << 16 |
         std::uint32_t{bytes_[at + 2]} << 8 | bytes_[at + 3];
}

std::uint64_t Table::wide(std::size_t row) const {
  return std::uint64_t{at(row, 0)} << 32 | at(row, 1);
}

}  // namespace camvault::codec::bmff
