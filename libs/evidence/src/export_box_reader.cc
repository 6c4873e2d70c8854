#include <algorithm>

#include "camvault/base/byte_reader.h"
#include "camvault/evidence/export_box.h"
#include "export_format.h"

namespace camvault::evidence {

namespace {

constexpr std::size_t kMaxBoxes = 1'000'000;  // at file level: fragments of a day
constexpr std::size_t kMaxSeals = 16;
constexpr std::size_t kMaxMeta = 1 << 20;

struct Box {
  std::string_view type;
  std::size_t begin = 0;  // of the content, in what was searched
  BytesView content;
};

Result<Box> next_box(ByteReader& in, std::size_t base) {
  const auto at = in.position();
  CAM_TRY(const auto size32, in.u32());
  CAM_TRY(const auto type, in.take(4));
  std::uint64_t size = size32;
  if (size32 == 1) {
    CAM_TRY(size, in.u64());
  }
  const auto header = in.position() - at;
  if (size32 == 0) size = in.remaining() + header;  // to the end of the file
  if (size < header) return fail(Errc::malformed, "a box is shorter than its header");
  const auto begin = base + in.position();
  CAM_TRY(const auto content, in.take(size - header));
  return Box{as_text(type), begin, content};
}

Result<std::string> text(ByteReader& in) {
  std::string out;
  for (;;) {
    CAM_TRY(const auto byte, in.u8());
    if (byte == 0) return out;
    if (out.size() == kMaxExportText)
      return fail(Errc::limit, "a text of the export is longer than 1000 bytes");
    out.push_back(static_cast<char>(byte));
  }
}

Status read_suep(BytesView content, ExportInfo& info) {
  ByteReader in(content);
  CAM_TRY(const auto version, in.u8());
  if (version != 1) return fail(Errc::unsupported, "a SurveillanceExportBox of another version");
  CAM_TRY_STATUS(in.skip(3));
  CAM_TRY(info.unit_name, text(in));
  CAM_TRY(info.unit_url, text(in));
  CAM_TRY(info.unit_mac, text(in));
  CAM_TRY(const auto time, in.u64());
  if (time > std::uint64_t{1} << 38) return fail(Errc::malformed, "an export far in the future");
  info.time = from_unix_seconds(static_cast<std::int64_t>(time) - kFrom1904To1970);
  CAM_TRY(info.operator_name, text(in));
  CAM_TRY(const auto count, in.u32());
  if (count > kMaxExportTracks) return fail(Errc::limit, "an export of more than 64 tracks");
  for (std::uint32_t i = 0; i < count; ++i) {
    ExportTrack track;
    CAM_TRY(track.track, in.u16());
    CAM_TRY(track.name, text(in));
    CAM_TRY(track.url, text(in));
    CAM_TRY(track.mac, text(in));
    CAM_TRY(track.line, text(in));
    info.tracks.push_back(std::move(track));
  }
  return in.finish();
}

Status read_starts(BytesView content, ExportInfo& info) {
  ByteReader in(content);
  CAM_TRY(const auto count, in.u32());
  if (count > kMaxExportTracks) return fail(Errc::limit, "start times of more than 64 tracks");
  for (std::uint32_t i = 0; i < count; ++i) {
    CAM_TRY(const auto track, in.u32());
    CAM_TRY(const auto time, in.u64());
    if (time > std::uint64_t{1} << 62) return fail(Errc::malformed, "a start time far in the future");
    info.starts.push_back({track, Timestamp(Ticks(static_cast<std::int64_t>(time)) - kFrom1601To1970)});
  }
  return in.finish();
}

Status read_schi(const Box& schi, FoundExport& found) {
  FoundSeal seal;
  bool signature = false;
  bool certificate = false;
  ByteReader in(schi.content);
  while (!in.at_end()) {
    CAM_TRY(const auto inner, next_box(in, schi.begin));
    if (inner.type == "sibo") {
      if (std::exchange(signature, true)) return fail(Errc::malformed, "two signatures in one seal");
      seal.signature_offset = inner.begin;
      seal.signature = to_bytes(inner.content);
    } else if (inner.type == "cert") {
      if (std::exchange(certificate, true)) return fail(Errc::malformed, "two certificates in one seal");
      seal.certificate = to_bytes(inner.content);
    } else if (inner.type == "sigC") {
      seal.algorithm = to_bytes(inner.content);
    }
  }
  if (!signature || !certificate) return fail(Errc::malformed, "a seal without signature or certificate");
  if (found.seals.size() == kMaxSeals) return fail(Errc::limit, "more than 16 seals");
  found.seals.push_back(std::move(seal));
  return ok();
}

Status read_sinf(const Box& sinf, FoundExport& found) {
  bool ours = false;
  std::optional<Box> schi;
  ByteReader in(sinf.content);
  while (!in.at_end()) {
    CAM_TRY(const auto inner, next_box(in, sinf.begin));
    if (inner.type == "schm") {
      ByteReader scheme(inner.content);
      CAM_TRY_STATUS(scheme.skip(4));
      CAM_TRY(const auto type, scheme.u32());
      ours = type == kScheme;
    } else if (inner.type == "schi") {
      schi = inner;
    } else if (inner.type == "cstb") {
      CAM_TRY_STATUS(read_starts(inner.content, found.info));
    }
  }
  if (!ours) return ok();
  if (!schi) return fail(Errc::malformed, "a seal without its box");
  return read_schi(*schi, found);
}

Result<std::optional<FoundExport>> read_meta(const Box& meta) {
  if (meta.content.size() > kMaxMeta) return std::optional<FoundExport>();
  FoundExport found;
  bool any = false;
  ByteReader in(meta.content);
  CAM_TRY_STATUS(in.skip(4));
  while (!in.at_end()) {
    CAM_TRY(const auto inner, next_box(in, meta.begin));
    if (inner.type == "suep") {
      if (std::exchange(any, true)) return fail(Errc::malformed, "two SurveillanceExportBoxes");
      CAM_TRY_STATUS(read_suep(inner.content, found.info));
    } else if (inner.type == "cstb") {
      CAM_TRY_STATUS(read_starts(inner.content, found.info));
    } else if (inner.type == "ipro") {
      ByteReader items(inner.content);
      CAM_TRY_STATUS(items.skip(6));
      // 5.7.1: more of them than protection_count says.
      while (!items.at_end()) {
        CAM_TRY(const auto item, next_box(items, inner.begin));
        if (item.type == "sinf") CAM_TRY_STATUS(read_sinf(item, found));
      }
    }
  }
  if (!any) return std::optional<FoundExport>();
  return std::optional(std::move(found));
}

}  // namespace

Result<std::optional<FoundExport>> find_export(BytesView file) {
  ByteReader in(file);
  for (std::size_t count = 0; !in.at_end(); ++count) {
    if (count == kMaxBoxes) return fail(Errc::limit, "more than a million boxes");
    CAM_TRY(const auto found, next_box(in, 0));
    if (found.type != "meta") continue;
    CAM_TRY(auto read, read_meta(found));
    if (read) return read;
  }
  return std::optional<FoundExport>();
}

}  // namespace camvault::evidence
