// ONVIF Export File Format 26.06, 5.3, 5.4, 5.6: what is written is read back; hostile boxes are refused.
#include "camvault/evidence/export_box.h"

#include <gtest/gtest.h>

namespace camvault::evidence {
namespace {

ExportInfo info() {
  ExportInfo out;
  out.unit_name = "camvault";
  out.time = from_unix_seconds(1'780'000'000);
  out.operator_name = "Examiner";
  out.tracks = {{1, "Camera 7", "rtsp://192.0.2.7/", "08-00-27-00-0C-15", ""}};
  out.starts = {{1, from_unix_seconds(1'779'999'000) + Ticks(1)}};
  return out;
}

void expect_same(const ExportInfo& a, const ExportInfo& b) {
  EXPECT_EQ(a.unit_name, b.unit_name);
  EXPECT_EQ(a.time, b.time);
  EXPECT_EQ(a.operator_name, b.operator_name);
  ASSERT_EQ(a.tracks.size(), b.tracks.size());
  EXPECT_EQ(a.tracks[0].mac, b.tracks[0].mac);
  ASSERT_EQ(a.starts.size(), b.starts.size());
  EXPECT_EQ(a.starts[0].time, b.starts[0].time);
}

TEST(ExportBox, IsReadBack) {
  Bytes file{0, 0, 0, 8, 'f', 't', 'y', 'p'};
  append(file, make_meta_box(info())->bytes);
  const auto found = find_export(file).value();
  ASSERT_TRUE(found);
  expect_same(found->info, info());
  EXPECT_TRUE(found->seals.empty());
}

TEST(ExportBox, ASealNamesItsPlace) {
  SealDraft seal{71, Bytes(300, 0xce), Bytes{0x30, 0}};
  Bytes file{0, 0, 0, 8, 'f', 't', 'y', 'p'};
  auto meta = make_meta_box(info(), seal).value();
  for (std::size_t i = 0; i < 71; ++i) {
    ASSERT_EQ(meta.bytes[meta.signature_offset + i], 0);
    meta.bytes[meta.signature_offset + i] = 0x5a;
  }
  append(file, meta.bytes);
  const auto found = find_export(file).value();
  ASSERT_TRUE(found);
  expect_same(found->info, info());
  ASSERT_EQ(found->seals.size(), 1u);
  EXPECT_EQ(found->seals[0].signature, Bytes(71, 0x5a));
  EXPECT_EQ(found->seals[0].signature_offset, 8 + meta.signature_offset);
  EXPECT_EQ(found->seals[0].certificate, seal.certificate);
  EXPECT_EQ(found->seals[0].algorithm, seal.algorithm);
}

TEST(ExportBox, CutAndChangedBoxesNeverCrash) {
  auto whole = make_meta_box(info(), SealDraft{8, Bytes(20, 1), Bytes{0x30, 0}})->bytes;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_FALSE(find_export(BytesView(whole).first(i)).value_or(std::nullopt)) << i;
    auto changed = whole;
    for (const std::uint8_t value : std::initializer_list<std::uint8_t>{0x00, 0x01, 0x7f, 0xff}) {
      changed[i] = value;
      (void)find_export(changed).has_value();
    }
  }
  EXPECT_FALSE(find_export(Bytes{0, 0, 0, 8, 'f', 't', 'y', 'p'}).value());
}

TEST(ExportBox, TextsThatWouldEndEarlyAreRefused) {
  auto bad = info();
  bad.operator_name = std::string("a\0b", 3);
  EXPECT_EQ(make_meta_box(bad).error().code, Errc::usage);
  bad.operator_name = std::string(kMaxExportText + 1, 'a');
  EXPECT_EQ(make_meta_box(bad).error().code, Errc::usage);
}

}  // namespace
}  // namespace camvault::evidence
