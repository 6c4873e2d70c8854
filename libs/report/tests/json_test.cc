// AX-4.1-2: the report a program reads.
#include "camvault/report/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sample.h"

namespace camvault::report {
namespace {
nlohmann::json parsed(const Subject& subject, const signed_video::Report& report) {
  return nlohmann::json::parse(to_json(subject, report));
}
}  // namespace

TEST(Json, AuthenticClip) {
  const auto j = parsed(sample_subject(), sample_authentic());
  EXPECT_EQ(j["schema"], "camvault-verification-report");
  EXPECT_EQ(j["version"], 1);
  EXPECT_EQ(j["verdict"], "authentic");
  EXPECT_EQ(j["provenance"], "trusted");
  EXPECT_EQ(j["provenance_reason"], "the chain leads to CN=Example Device Root CA");
  EXPECT_EQ(j["signer"]["serial"], "CV-000042");
  EXPECT_EQ(j["signer"]["vendor"]["firmware"], "1.2.3");
  EXPECT_EQ(j["first_time"], "2026-11-21T12:00:00Z");
  EXPECT_EQ(j["last_time"], "2026-11-21T12:00:20Z");
  ASSERT_EQ(j["gops"].size(), 20u);
  EXPECT_EQ(j["gops"][3]["index"], 3);
  EXPECT_EQ(j["gops"][3]["verdict"], "authentic");
  EXPECT_EQ(j["gops"][3]["signature"], "valid");
  EXPECT_EQ(j["gops"][3]["time"], "2026-11-21T12:00:03Z");
  EXPECT_EQ(j["frames"]["count"], 600);
  EXPECT_TRUE(j["frames"]["not_authentic"].empty());
  EXPECT_EQ(j["file"]["name"], "recording.mp4");
}

TEST(Json, EveryFrameThatIsNotAuthenticIsNamed) {
  const auto j = parsed(sample_subject(), sample_forged());
  const auto& list = j["frames"]["not_authentic"];
  ASSERT_EQ(list.size(), 1u + 30u + 3u + 4u);
  EXPECT_EQ(list[0]["index"], 137);
  EXPECT_EQ(list[0]["kind"], "altered");
  EXPECT_EQ(list[0]["time"], "2026-11-21T12:00:04Z");  // the signed time of its GOP
  EXPECT_DOUBLE_EQ(list[0]["clip_seconds"], 4.566);
  EXPECT_EQ(list[1]["index"], 210);
  EXPECT_EQ(list[30]["index"], 239);
  EXPECT_EQ(list[30]["kind"], "missing");
  EXPECT_TRUE(list[1]["offset"].is_null());
  EXPECT_EQ(j["frames"]["not_covered_runs"].size(), 1u);
  EXPECT_EQ(j["frames"]["not_covered_runs"][0]["first"], 570);
  EXPECT_EQ(j["frames"]["truncated"], false);
}

TEST(Json, NotSignedClipHasNoSignerAndNoTimes) {
  signed_video::Report r;
  const auto j = parsed(sample_subject(), r);
  EXPECT_EQ(j["verdict"], "not_signed");
  EXPECT_TRUE(j["signer"].is_null());
  EXPECT_TRUE(j["first_time"].is_null());
  EXPECT_EQ(j["provenance"], "unknown");
}

TEST(Json, ListOfFramesStopsAtItsLimit) {
  auto r = sample_forged();
  r.findings = {
      {signed_video::UnitStatus::missing, 0, 4'294'967'295u, 0, 0, 1, std::nullopt, false, 0, "all gone"}};
  const auto j = parsed(sample_subject(), r);
  EXPECT_EQ(j["frames"]["not_authentic"].size(), kMaxJsonFrames);
  EXPECT_EQ(j["frames"]["truncated"], true);
}

TEST(Json, HostileTextStaysAStringAndIsAscii) {
  const auto text = to_json(sample_hostile_subject(), sample_hostile());
  for (const char c : text) ASSERT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7F)) << static_cast<int>(c);
  const auto j = nlohmann::json::parse(text);
  EXPECT_EQ(j["verdict"], "not_authentic");
  EXPECT_NE(j["signer"]["subject"].get<std::string>().find("<script>"), std::string::npos);
}

}  // namespace camvault::report
