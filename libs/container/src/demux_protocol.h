// What the sandboxed demuxer sends to us: records with a header of fixed size. We believe none of it: sizes
// are checked, enumerations are checked, text is shown only if it is ours.
#pragma once

#include <array>

#include "track.h"

namespace camvault::container {

enum class RecordKind : std::uint32_t { tracks = 1, packet = 2, end = 3, failure = 4 };

constexpr std::size_t kRecordHeaderSize = 48;
constexpr std::size_t kMaxPacketSize = std::size_t{128} << 20;  // one uncompressed-size 8K picture fits
constexpr std::uint32_t kFlagKeyframe = 1;
constexpr std::uint32_t kFlagCorrupt = 2;
constexpr std::uint32_t kFlagNewConfig = 4;

// Why the demuxer stopped.
enum class DemuxFailure : std::uint32_t {
  not_recognised = 1,
  no_tracks = 2,
  too_many_tracks = 3,
  packet_too_large = 4,
  damaged = 5
};

struct Record {
  RecordKind kind = RecordKind::end;
  Packet packet;  // without data; packet.track is the failure's number for failures
  std::uint32_t payload_size = 0;
};

inline Bytes write_record(const Record& record) {
  ByteWriter out;
  out.u32(static_cast<std::uint32_t>(record.kind));
  out.u32(record.packet.track);
  out.u64(static_cast<std::uint64_t>(record.packet.pts));
  out.u64(static_cast<std::uint64_t>(record.packet.dts));
  out.u64(static_cast<std::uint64_t>(record.packet.duration));
  out.u64(record.packet.offset);
  out.u32((record.packet.keyframe ? kFlagKeyframe : 0) | (record.packet.corrupt ? kFlagCorrupt : 0) |
          (record.packet.new_config ? kFlagNewConfig : 0));
  out.u32(record.payload_size);
  return out.take();
}

inline Result<Record> read_record(BytesView header) {
  ByteReader in(header);
  Record record;
  CAM_TRY(const auto kind, in.u32());
  if (kind < 1 || kind > 4) return fail(Errc::malformed, "record of the sandboxed reader");
  record.kind = static_cast<RecordKind>(kind);
  CAM_TRY(record.packet.track, in.u32());
  CAM_TRY(const auto pts, in.u64());
  CAM_TRY(const auto dts, in.u64());
  CAM_TRY(const auto duration, in.u64());
  CAM_TRY(record.packet.offset, in.u64());
  CAM_TRY(const auto flags, in.u32());
  CAM_TRY(record.payload_size, in.u32());
  if (record.payload_size > kMaxPacketSize) return fail(Errc::limit, "packet larger than 128 MB");
  record.packet.pts = static_cast<std::int64_t>(pts);
  record.packet.dts = static_cast<std::int64_t>(dts);
  record.packet.duration = static_cast<std::int64_t>(duration);
  record.packet.keyframe = (flags & kFlagKeyframe) != 0;
  record.packet.corrupt = (flags & kFlagCorrupt) != 0;
  record.packet.new_config = (flags & kFlagNewConfig) != 0;
  return record;
}

}  // namespace camvault::container
