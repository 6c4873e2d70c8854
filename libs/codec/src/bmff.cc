#include "bmff.h"

namespace camvault::codec::bmff {

namespace {

tl::unexpected<Error> malformed(FourCc type, std::string_view what) {
  return fail(Errc::malformed, "MP4: box " + name(type) + " " + std::string(what));
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
  if (area_.size() - position_ < 8) return std::optional<Box>();
  ByteReader in(area_.subspan(position_));
  CAM_TRY(const std::uint64_t size32, in.u32());
  CAM_TRY(const auto type, in.u32());
  Box box{type, {}, position_, false};
  std::uint64_t size = size32;
  const std::size_t available = area_.size() - position_;
  if (size32 == 1) {
    if (in.remaining() < 8) return malformed(type, "is cut inside its header");
    CAM_TRY(size, in.u64());
  } else if (size32 == 0) {
    if (where_ == Where::box) return malformed(type, "without a size inside another box");
    size = available;
  }
  if (size < in.position()) return malformed(type, "is smaller than its header");
  if (size > available) {
    if (where_ == Where::box) return malformed(type, "is longer than the box around it");
    box.cut = true;
    size = available;
  }
  box.content = area_.subspan(position_ + in.position(), static_cast<std::size_t>(size) - in.position());
  position_ += static_cast<std::size_t>(size);
  return std::optional<Box>(box);
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
