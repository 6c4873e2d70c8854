// What the sandboxed reader sends: read back as it was written; what it must not send is refused.
#include "demux_protocol.h"

#include <gtest/gtest.h>

#include "foreign_reader.h"

namespace camvault::container {
namespace {

Track video() {
  Track track;
  track.kind = TrackKind::video;
  track.width = 1920;
  track.height = 1080;
  track.name = "h264";
  track.config = {1, 100, 0, 31, 0xff};
  track.rotation = {65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30};
  return track;
}

Bytes written(const Track& track) {
  ByteWriter out;
  write_track(out, track);
  return out.take();
}

Result<Track> read(BytesView bytes) {
  ByteReader in(bytes);
  CAM_TRY(auto track, read_track(in));
  CAM_TRY_STATUS(in.finish());
  return track;
}

TEST(DemuxProtocol, TracksComeBack) {
  for (const bool rotated : {true, false}) {
    auto track = video();
    if (!rotated) track.rotation.reset();
    const auto bytes = written(track);
    const auto again = read(bytes);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->rotation, track.rotation);
    EXPECT_EQ(written(*again), bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_FALSE(read(BytesView(bytes).first(size))) << size;
  }
}

TEST(DemuxProtocol, ImpossibleTracksAreRefused) {
  auto bytes = written(video());
  bytes[bytes.size() - 37] = 2;  // is it rotated?
  EXPECT_EQ(read(bytes).error().code, Errc::malformed);
  bytes = written(video());
  bytes[0] = 4;  // its kind
  EXPECT_EQ(read(bytes).error().code, Errc::malformed);
  auto track = video();
  track.width = 16'889;
  EXPECT_EQ(read(written(track)).error().code, Errc::malformed);
  track = video();
  track.time_base_den = 0;
  EXPECT_EQ(read(written(track)).error().code, Errc::malformed);
  track = video();
  track.name = std::string(65, 'n');
  EXPECT_EQ(read(written(track)).error().code, Errc::limit);
}

TEST(DemuxProtocol, RecordsComeBack) {
  Record record;
  record.kind = RecordKind::packet;
  record.packet.track = 3;
  record.packet.pts = -5;
  record.packet.keyframe = true;
  record.payload_size = kMaxPacketSize;
  auto bytes = write_record(record);
  ASSERT_EQ(bytes.size(), kRecordHeaderSize);
  const auto again = read_record(bytes);
  ASSERT_TRUE(again);
  EXPECT_EQ(write_record(*again), bytes);
  ++bytes.back();
  EXPECT_EQ(read_record(bytes).error().code, Errc::limit);
  bytes = write_record(record);
  bytes[3] = 5;
  EXPECT_EQ(read_record(bytes).error().code, Errc::malformed);
}

TEST(DemuxProtocol, UnitsThatLeaveTheirSampleAreRefused) {
  std::vector<BytesView> units;
  const Bytes sample{0, 0, 0, 2, 0x65, 1, 0, 0, 0, 1, 0x41};
  ASSERT_TRUE(split_sample(sample, 4, units));
  ASSERT_EQ(units.size(), 2u);
  EXPECT_EQ(units[1].data(), sample.data() + 10);
  EXPECT_FALSE(split_sample(BytesView(sample).first(10), 4, units));
  EXPECT_FALSE(split_sample(BytesView(sample).first(8), 4, units));
  const Bytes obu{0x32, 0x02, 1, 2};
  EXPECT_TRUE(split_sample(obu, kObus, units));
  EXPECT_FALSE(split_sample(BytesView(obu).first(3), kObus, units));
}

}  // namespace
}  // namespace camvault::container
