#include "camvault/evidence/export_box.h"

#include "camvault/base/byte_writer.h"
#include "export_format.h"

namespace camvault::evidence {

namespace {

Bytes box(std::string_view type, BytesView content) {
  ByteWriter out;
  out.u32(static_cast<std::uint32_t>(content.size() + kBoxHeader));
  out.raw(as_bytes(type));
  out.raw(content);
  return out.take();
}

Status check(const std::string& text) {
  if (text.size() > kMaxExportText || text.find('\0') != std::string::npos)
    return fail(Errc::usage, "a text of the export is longer than 1000 bytes or holds a zero byte");
  return ok();
}

void string(ByteWriter& out, const std::string& text) {
  out.raw(as_bytes(text));
  out.u8(0);
}

Bytes handler() {
  ByteWriter out;
  out.u32(0);  // version and flags
  out.u32(0);
  out.raw(as_bytes("null"));  // ISO/IEC 14496-12 8.11.1: the meta box serves as a container
  out.fill(12, 0);
  out.u8(0);
  return box("hdlr", out.view());
}

Bytes start_times(const ExportInfo& info) {
  ByteWriter out;
  out.u32(static_cast<std::uint32_t>(info.starts.size()));
  for (const auto& start : info.starts) {
    out.u32(start.track);
    out.u64(static_cast<std::uint64_t>((start.time.time_since_epoch() + kFrom1601To1970).count()));
  }
  return box("cstb", out.view());
}

}  // namespace

Result<MetaBox> make_meta_box(const ExportInfo& info, const std::optional<SealDraft>& seal) {
  for (const auto& text : {info.unit_name, info.unit_url, info.unit_mac, info.operator_name})
    CAM_TRY_STATUS(check(text));
  if (info.tracks.size() > kMaxExportTracks || info.starts.size() > kMaxExportTracks)
    return fail(Errc::usage, "an export of more than 64 tracks");
  ByteWriter content;
  content.u32(0);  // FullBox
  content.raw(handler());
  ByteWriter suep;
  suep.u8(1);
  suep.u24(0);
  string(suep, info.unit_name);
  string(suep, info.unit_url);
  string(suep, info.unit_mac);
  suep.u64(static_cast<std::uint64_t>(to_unix_seconds(info.time) + kFrom1904To1970));
  string(suep, info.operator_name);
  suep.u32(static_cast<std::uint32_t>(info.tracks.size()));
  for (const auto& track : info.tracks) {
    for (const auto& text : {track.name, track.url, track.mac, track.line}) CAM_TRY_STATUS(check(text));
    suep.u16(track.track);
    string(suep, track.name);
    string(suep, track.url);
    string(suep, track.mac);
    string(suep, track.line);
  }
  content.raw(box("suep", suep.view()));
  MetaBox out;
  if (!seal) {
    if (!info.starts.empty()) content.raw(start_times(info));
    out.bytes = box("meta", content.view());
    return out;
  }
  ByteWriter scheme;
  scheme.u32(0);
  scheme.u32(kScheme);
  scheme.u32(kSchemeVersion);
  // The signature stands last but for what comes behind it in schi: its place is counted from the end.
  const auto behind = concat({box("cert", seal->certificate), box("sigC", seal->algorithm)});
  const auto schi = box("schi", concat({box("sibo", Bytes(seal->signature_size)), behind}));
  Bytes sinf_content = box("schm", scheme.view());
  if (!info.starts.empty()) append(sinf_content, start_times(info));
  append(sinf_content, schi);
  ByteWriter ipro;
  ipro.u32(0);
  ipro.u16(1);
  ipro.raw(box("sinf", sinf_content));
  content.raw(box("ipro", ipro.view()));
  out.bytes = box("meta", content.view());
  out.signature_offset = out.bytes.size() - behind.size() - seal->signature_size;
  return out;
}

Bytes concat(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const auto& part : parts) append(out, part);
  return out;
}

}  // namespace camvault::evidence
