// Small MP4 files made by hand, box by box, so that a test can break any field.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "camvault/base/byte_writer.h"
#include "camvault/codec/clip.h"

namespace camvault::codec::test {

inline Bytes join(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const auto& part : parts) append(all, part);
  return all;
}

inline Bytes box(std::string_view type, const Bytes& content) {
  ByteWriter out;
  out.u32(static_cast<std::uint32_t>(content.size() + 8));
  out.raw(as_bytes(type));
  out.raw(content);
  return out.take();
}

inline Bytes large_box(std::string_view type, const Bytes& content) {
  ByteWriter out;
  out.u32(1);
  out.raw(as_bytes(type));
  out.u64(content.size() + 16);
  out.raw(content);
  return out.take();
}

// A box whose content is 32-bit numbers; the first is version and flags of a full box.
inline Bytes words(std::string_view type, const std::vector<std::uint32_t>& values, const Bytes& tail = {}) {
  ByteWriter out;
  for (const auto value : values) out.u32(value);
  out.raw(tail);
  return box(type, out.take());
}

inline Bytes avcc(unsigned length_size) {
  return box("avcC", {1, 0x64, 0, 0x1f, static_cast<std::uint8_t>(0xfc | (length_size - 1)), 0xe0, 0});
}

inline Bytes hvcc(unsigned length_size) {
  Bytes content(23, 0);
  content[0] = 1;
  content[21] = static_cast<std::uint8_t>(length_size - 1);
  return box("hvcC", content);
}

inline Bytes visual_entry(std::string_view type, const Bytes& children) {
  ByteWriter out;
  out.fill(24, 0);
  out.u16(640);
  out.u16(360);
  out.fill(50, 0);
  out.raw(children);
  return box(type, out.take());
}

inline Bytes avc1(unsigned length_size = 4) {
  return visual_entry("avc1", avcc(length_size));
}

inline Bytes stsd(const std::vector<Bytes>& entries) {
  Bytes all;
  for (const auto& entry : entries) append(all, entry);
  return words("stsd", {0, static_cast<std::uint32_t>(entries.size())}, all);
}

inline Bytes track(std::uint32_t id, std::string_view handler, const Bytes& stbl,
                   std::uint32_t timescale = 1000) {
  const auto hdlr = words("hdlr", {0, 0}, join({to_bytes(as_bytes(handler)), Bytes(13, 0)}));
  return box("trak", join({words("tkhd", {3, 0, 0, id, 0, 0}),
                           box("mdia", join({words("mdhd", {0, 0, 0, timescale, 0, 0}), hdlr,
                                             box("minf", box("stbl", stbl))}))}));
}

inline Bytes ftyp() {
  return box("ftyp", to_bytes(as_bytes(std::string_view("isom\0\0\0\0isom", 12))));
}

// A unit with its length in front.
inline Bytes sized(const Bytes& unit, unsigned length_size = 4) {
  Bytes out;
  for (unsigned i = length_size; i-- > 0;) out.push_back(static_cast<std::uint8_t>(unit.size() >> (8 * i)));
  append(out, unit);
  return out;
}

// ftyp, mdat (media data at kDataAt), moov with one video track of these tables.
inline constexpr std::uint32_t kDataAt = 28;

inline Bytes movie(const Bytes& data, const std::vector<Bytes>& tables, const Bytes& more = {}) {
  Bytes stbl;
  for (const auto& table : tables) append(stbl, table);
  return join({ftyp(), box("mdat", data), box("moov", join({track(1, "vide", stbl), more}))});
}

struct ReadUnits {
  std::vector<std::string> units;   // hex
  std::vector<std::int64_t> times;  // 100 ns; -1: none
  std::string error;                // empty: the end was reached
};

inline ReadUnits read_all(UnitSource& source, BytesView file) {
  ReadUnits all;
  for (;;) {
    const auto run = source.read();
    if (!run) {
      all.error = run.error().what;
      return all;
    }
    if (run->empty()) return all;
    for (const auto& unit : *run) {
      // The law of the source: units are the bytes of the file, at the offset that is named.
      if (unit.bytes.data() != file.data() + unit.offset) all.error = "unit outside of the file";
      all.units.push_back(to_hex(unit.bytes));
      all.times.push_back(unit.container_time ? unit.container_time->time_since_epoch().count() : -1);
    }
  }
}

}  // namespace camvault::codec::test
