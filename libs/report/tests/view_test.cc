// What the browser page shows beside the JSON report.
#include "camvault/report/view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sample.h"

namespace camvault::report {
namespace {

nlohmann::json parsed(const signed_video::Report& report) {
  return nlohmann::json::parse(to_view_json(sample_subject(), report));
}

TEST(View, AuthenticClip) {
  const auto v = parsed(sample_authentic());
  EXPECT_EQ(v["mood"], "good");
  EXPECT_EQ(v["title"], "Authentic");
  EXPECT_EQ(v["origin"]["mood"], "good");
  EXPECT_TRUE(v["runs"].empty());
  EXPECT_EQ(v["runs_more"], 0);
  EXPECT_EQ(v["gops"].size(), 20u);
  EXPECT_EQ(v["statuses"].size(), 6u);
  EXPECT_EQ(v["facts"][0]["lines"][0], "recording.mp4");
  EXPECT_NE(v["method"].dump().find("published by ONVIF as Media Signing"), std::string::npos);
  EXPECT_FALSE(v["limits"].empty());
}

TEST(View, TheMethodIsNamedAsItsPublisherDoes) {
  auto report = sample_authentic();
  report.format = "Axis Signed Video (legacy)";
  const auto method = parsed(report)["method"].dump();
  EXPECT_NE(method.find("published by Axis as Signed Video"), std::string::npos);
  EXPECT_EQ(method.find("ONVIF"), std::string::npos);
}

TEST(View, RunsOfWhatIsWrong) {
  const auto report = sample_forged();
  const auto v = parsed(report);
  EXPECT_EQ(v["mood"], "bad");
  ASSERT_EQ(v["runs"].size(), report.findings.size());
  EXPECT_EQ(v["runs"][0]["status"], "altered");
  EXPECT_EQ(v["runs"][0]["first"], 137);
  EXPECT_DOUBLE_EQ(v["runs"][0]["seconds"], 4.566);
  EXPECT_EQ(v["runs"][1]["status"], "missing");
}

TEST(View, NotSignedHasNoOrigin) {
  const auto v = parsed(signed_video::Report{});
  EXPECT_TRUE(v["origin"].is_null());
  EXPECT_TRUE(v["signer"].empty());
}

// AX-4.1-5: what a hostile clip says stays text, and lists stay short.
TEST(View, ForeignTextIsHarmlessAndListsAreCut) {
  auto report = sample_forged();
  report.signer->vendor_manufacturer = "\x1b[31mEvil\xe2\x80\xae Co";
  report.findings.resize(kMaxViewRuns + 5, report.findings[0]);
  report.gops.resize(kMaxViewGops + 5, report.gops[0]);
  const auto text = to_view_json(sample_subject(), report);
  EXPECT_TRUE(
      std::all_of(text.begin(), text.end(), [](char c) { return c == '\n' || (c >= 0x20 && c < 0x7f); }));
  EXPECT_EQ(text.find("\\u001b"), std::string::npos);
  EXPECT_EQ(text.find("\\u202e"), std::string::npos);
  const auto v = nlohmann::json::parse(text);
  EXPECT_EQ(v["runs"].size(), kMaxViewRuns);
  EXPECT_EQ(v["runs_more"], 5);
  EXPECT_EQ(v["gops"].size(), kMaxViewGops);
}

}  // namespace
}  // namespace camvault::report
