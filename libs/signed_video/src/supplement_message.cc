#include "supplement_message.h"

#include "camvault/base/byte_reader.h"
#include "camvault/base/byte_writer.h"
#include "camvault/codec/emulation.h"
#include "sei_writer.h"

namespace camvault::signed_video {

namespace {

constexpr std::size_t kPictureSize = 8 + 4;
constexpr std::size_t kParameterSetSize = 4 + 1 + 2 + 32;
constexpr std::size_t kUnitSize = 4 + 1 + 32;
constexpr std::size_t kSampleSize = 4 + 16;

constexpr std::uint8_t kPartial = 0x01;
constexpr std::uint8_t kLast = 0x02;

template <std::size_t N>
Status read_array(ByteReader& in, std::array<std::uint8_t, N>& out) {
  CAM_TRY(const auto bytes, in.take(N));
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return ok();
}

// u8 size, then that many bytes; a hash of SHA-2 or, where allowed, nothing.
Result<crypto::Digest> read_digest(ByteReader& in, bool may_be_empty) {
  CAM_TRY(const auto size, in.u8());
  if (size != 32 && size != 48 && size != 64 && (size != 0 || !may_be_empty))
    return fail(Errc::malformed, "size of a hash in a supplement");
  CAM_TRY(const auto bytes, in.take(size));
  crypto::Digest digest;
  std::copy(bytes.begin(), bytes.end(), digest.bytes.begin());
  digest.size = size;
  return digest;
}

// A count whose entries must be there: nothing is allocated for entries that are only claimed.
Result<std::uint32_t> read_count(ByteReader& in, std::size_t entry_size, std::size_t limit) {
  CAM_TRY(const auto count, in.u32());
  if (count > limit) return fail(Errc::limit, "too many entries in a record of a supplement");
  if (std::uint64_t{count} * entry_size > in.remaining())
    return fail(Errc::malformed, "a record of a supplement claims more entries than it holds");
  return count;
}

Result<GopSection> read_gop(ByteReader& in) {
  GopSection gop;
  CAM_TRY(gop.counter, in.u32());
  CAM_TRY(const auto flags, in.u8());
  if ((flags & ~(kPartial | kLast)) != 0) return fail(Errc::unsupported, "flags of a GOP in a supplement");
  gop.partial = (flags & kPartial) != 0;
  gop.last = (flags & kLast) != 0;
  CAM_TRY(gop.gop_hash, read_digest(in, false));
  CAM_TRY(gop.next, read_digest(in, true));
  CAM_TRY(const auto base, in.u64());
  gop.base = static_cast<std::int64_t>(base);
  CAM_TRY(const auto count, read_count(in, kPictureSize, kMaxSupplementPictures));
  gop.pictures.resize(count);
  for (auto& picture : gop.pictures) {
    CAM_TRY(picture.tag, in.u64());
    CAM_TRY(const auto offset, in.u32());
    picture.offset = static_cast<std::int32_t>(offset);
  }
  return gop;
}

Status read_parameter_sets(ByteReader& in, GopSection& gop) {
  CAM_TRY(const auto count, read_count(in, kParameterSetSize, kMaxSupplementParameterSets));
  gop.parameter_sets.resize(count);
  std::uint32_t last = 0;
  for (auto& set : gop.parameter_sets) {
    CAM_TRY(set.picture, in.u32());
    CAM_TRY(set.type, in.u8());
    CAM_TRY(set.id, in.u16());
    CAM_TRY_STATUS(read_array(in, set.hash));
    if (set.picture < last || set.picture >= gop.pictures.size())
      return fail(Errc::malformed, "parameter set of a picture that the GOP does not have");
    last = set.picture;
  }
  return ok();
}

Status read_units(ByteReader& in, GopSection& gop) {
  CAM_TRY(const auto count, read_count(in, kUnitSize, kMaxSupplementPictures));
  gop.units.resize(count);
  std::uint32_t last = 0;
  for (auto& unit : gop.units) {
    CAM_TRY(unit.picture, in.u32());
    CAM_TRY(unit.type, in.u8());
    CAM_TRY_STATUS(read_array(in, unit.hash));
    if (unit.picture < last || unit.picture >= gop.pictures.size())
      return fail(Errc::malformed, "unit of a picture that the GOP does not have");
    last = unit.picture;
  }
  return ok();
}

Result<TrackSection> read_track(ByteReader& in) {
  TrackSection track;
  CAM_TRY(track.track, in.u8());
  CAM_TRY(const auto kind, in.u8());
  if (kind != 1 && kind != 2) return fail(Errc::unsupported, "kind of a track in a supplement");
  track.kind = static_cast<SideKind>(kind);
  CAM_TRY(track.first, in.u64());
  CAM_TRY(const auto base, in.u64());
  track.base = static_cast<std::int64_t>(base);
  CAM_TRY_STATUS(read_array(in, track.run));
  CAM_TRY(const auto count, read_count(in, kSampleSize, kMaxSupplementSamples));
  if (track.first > UINT64_MAX - count) return fail(Errc::malformed, "sample number in a supplement");
  track.samples.resize(count);
  for (auto& sample : track.samples) {
    CAM_TRY(const auto offset, in.u32());
    sample.offset = static_cast<std::int32_t>(offset);
    CAM_TRY_STATUS(read_array(in, sample.tag));
  }
  return track;
}

Status read_session(ByteReader& in, Supplement& supplement) {
  CAM_TRY_STATUS(read_array(in, supplement.session));
  CAM_TRY(supplement.number, in.u32());
  CAM_TRY(const auto hash, in.u8());
  if (hash > static_cast<std::uint8_t>(crypto::HashAlg::sha512))
    return fail(Errc::unsupported, "hash algorithm of a supplement");
  supplement.hash = static_cast<crypto::HashAlg>(hash);
  return ok();
}

// `parts` remembers which parts of the last GOP were there.
struct GopParts {
  bool parameter_sets = false;
  bool units = false;
};

Status read_record(std::uint16_t type, BytesView value, Supplement& supplement, GopParts& parts) {
  ByteReader in(value);
  const auto once = [&](bool& there) -> Status {
    if (supplement.gops.empty() || there)
      return fail(Errc::malformed, "part of a GOP without its GOP in a supplement");
    there = true;
    return ok();
  };
  switch (static_cast<RecordType>(type)) {
    case RecordType::session:
      return fail(Errc::malformed, "two sessions in one supplement");
    case RecordType::gop: {
      CAM_TRY(auto gop, read_gop(in));
      supplement.gops.push_back(std::move(gop));
      parts = {};
      return in.finish();
    }
    case RecordType::parameter_sets:
      CAM_TRY_STATUS(once(parts.parameter_sets));
      CAM_TRY_STATUS(read_parameter_sets(in, supplement.gops.back()));
      return in.finish();
    case RecordType::units:
      CAM_TRY_STATUS(once(parts.units));
      CAM_TRY_STATUS(read_units(in, supplement.gops.back()));
      return in.finish();
    case RecordType::previous: {
      if (!supplement.previous.empty()) return fail(Errc::malformed, "two supplements before one");
      CAM_TRY(supplement.previous, read_digest(in, false));
      return in.finish();
    }
    case RecordType::track: {
      CAM_TRY(auto track, read_track(in));
      supplement.tracks.push_back(std::move(track));
      return in.finish();
    }
    default:
      supplement.records.push_back({type, to_bytes(value)});
      return ok();
  }
}

struct Header {
  std::uint16_t type;
  BytesView value;
};

Result<Header> read_header(ByteReader& in) {
  Header header{};
  CAM_TRY(header.type, in.u16());
  CAM_TRY(const auto size, in.u32());
  CAM_TRY(header.value, in.take(size));
  return header;
}

}  // namespace

bool is_supplement_sei(codec::Codec codec, BytesView unit) {
  if (codec == codec::Codec::av1 || codec::classify(codec, unit).kind != codec::UnitKind::sei) return false;
  const auto payload = locate_user_data(codec, unit);
  // No escape byte can stand inside the UUID: it has no zeros.
  return payload && unit.size() - payload->begin >= kSupplementUuid.size() &&
         equal(unit.subspan(payload->begin, kSupplementUuid.size()), kSupplementUuid);
}

Result<Supplement> read_supplement(codec::Codec codec, BytesView unit) {
  unit = codec::without_trailing_zeros(unit);
  if (unit.size() > kMaxSupplementSize) return fail(Errc::limit, "supplement longer than 4 MiB");
  const auto plain = codec::unescape(unit);
  CAM_TRY(const auto payload, locate_user_data(codec, plain));
  if (plain.size() < payload.begin || plain.size() - payload.begin != payload.size + 1 ||
      plain.back() != kSeiStopByte) {
    return fail(Errc::malformed, "supplement is cut short or not alone in its unit");
  }
  ByteReader in(BytesView(plain).subspan(payload.begin, payload.size));
  CAM_TRY_STATUS(in.skip(kSupplementUuid.size()));
  const auto body_begin = payload.begin + in.position();
  CAM_TRY(const auto version, in.u8());
  if (version != kSupplementVersion) return fail(Errc::unsupported, "supplement of a later version");

  Supplement supplement;
  CAM_TRY(const auto first, read_header(in));
  if (first.type != static_cast<std::uint16_t>(RecordType::session))
    return fail(Errc::malformed, "supplement does not begin with its session");
  ByteReader session(first.value);
  CAM_TRY_STATUS(read_session(session, supplement));
  CAM_TRY_STATUS(session.finish());
  GopParts parts;
  for (std::size_t count = 1;; ++count) {
    if (count == kMaxSupplementRecords) return fail(Errc::limit, "more than 1024 records in a supplement");
    const auto body_end = payload.begin + in.position();
    CAM_TRY(const auto record, read_header(in));
    if (record.type != static_cast<std::uint16_t>(RecordType::signature)) {
      CAM_TRY_STATUS(read_record(record.type, record.value, supplement, parts));
      continue;
    }
    if (record.value.empty()) return fail(Errc::malformed, "supplement with an empty signature");
    supplement.signature = to_bytes(record.value);
    supplement.document = supplement_document(BytesView(plain).subspan(body_begin, body_end - body_begin));
    CAM_TRY_STATUS(in.finish());
    return supplement;
  }
}

// Writing

namespace {

void write_digest(ByteWriter& out, const crypto::Digest& digest) {
  out.u8(digest.size);
  out.raw(digest.view());
}

void write_record(ByteWriter& out, std::uint16_t type, BytesView value) {
  out.u16(type);
  out.u32(static_cast<std::uint32_t>(value.size()));
  out.raw(value);
}

void write_record(ByteWriter& out, RecordType type, ByteWriter& value) {
  write_record(out, static_cast<std::uint16_t>(type), value.view());
}

void write_gop(ByteWriter& out, const GopSection& gop) {
  ByteWriter value;
  value.u32(gop.counter);
  value.u8(static_cast<std::uint8_t>((gop.partial ? kPartial : 0) | (gop.last ? kLast : 0)));
  write_digest(value, gop.gop_hash);
  write_digest(value, gop.next);
  value.u64(static_cast<std::uint64_t>(gop.base));
  value.u32(static_cast<std::uint32_t>(gop.pictures.size()));
  for (const auto& picture : gop.pictures) {
    value.u64(picture.tag);
    value.u32(static_cast<std::uint32_t>(picture.offset));
  }
  write_record(out, RecordType::gop, value);

  ByteWriter sets;
  sets.u32(static_cast<std::uint32_t>(gop.parameter_sets.size()));
  for (const auto& set : gop.parameter_sets) {
    sets.u32(set.picture);
    sets.u8(set.type);
    sets.u16(set.id);
    sets.raw(set.hash);
  }
  write_record(out, RecordType::parameter_sets, sets);

  ByteWriter units;
  units.u32(static_cast<std::uint32_t>(gop.units.size()));
  for (const auto& unit : gop.units) {
    units.u32(unit.picture);
    units.u8(unit.type);
    units.raw(unit.hash);
  }
  write_record(out, RecordType::units, units);
}

void write_track(ByteWriter& out, const TrackSection& track) {
  ByteWriter value;
  value.u8(track.track);
  value.u8(static_cast<std::uint8_t>(track.kind));
  value.u64(track.first);
  value.u64(static_cast<std::uint64_t>(track.base));
  value.raw(track.run);
  value.u32(static_cast<std::uint32_t>(track.samples.size()));
  for (const auto& sample : track.samples) {
    value.u32(static_cast<std::uint32_t>(sample.offset));
    value.raw(sample.tag);
  }
  write_record(out, RecordType::track, value);
}

}  // namespace

Result<Bytes> supplement_body(const Supplement& supplement) {
  ByteWriter out;
  out.u8(kSupplementVersion);
  ByteWriter session;
  session.raw(supplement.session);
  session.u32(supplement.number);
  session.u8(static_cast<std::uint8_t>(supplement.hash));
  write_record(out, RecordType::session, session);
  if (!supplement.previous.empty()) {
    ByteWriter previous;
    write_digest(previous, supplement.previous);
    write_record(out, RecordType::previous, previous);
  }
  for (const auto& gop : supplement.gops) write_gop(out, gop);
  for (const auto& track : supplement.tracks) write_track(out, track);
  for (const auto& record : supplement.records) write_record(out, record.type, record.value);
  constexpr std::size_t kRoom = 4096;  // for headers and the signature
  if (out.size() + kRoom > kMaxSupplementSize) return fail(Errc::limit, "supplement longer than 4 MiB");
  return out.take();
}

Bytes supplement_document(BytesView body) {
  Bytes document = to_bytes(as_bytes(kSupplementDomain));
  append(document, body);
  return document;
}

Result<Bytes> supplement_unit(codec::Codec codec, bool behind_slices, BytesView body, BytesView signature) {
  if (signature.empty()) return fail(Errc::internal, "a supplement needs a signature");
  ByteWriter payload;
  payload.raw(kSupplementUuid);
  payload.raw(body);
  write_record(payload, static_cast<std::uint16_t>(RecordType::signature), signature);
  auto unit = sei_head(codec, behind_slices, payload.size());
  append(unit, payload.view());
  unit.push_back(kSeiStopByte);
  return codec::escape(unit);
}

}  // namespace camvault::signed_video
