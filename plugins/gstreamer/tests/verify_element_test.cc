// AX-4.1-2, AX-4.1-4, IP-4.2-1: camvaultverify in every situation that a pipeline brings it into.
#include <gmock/gmock.h>

#include "element_fixture.h"
#include "library_leaks.h"

namespace camvault::gst_elements::test {
namespace {

using testing::ElementsAre;

class VerifyElementTest : public ElementTest {
 protected:
  void start_verifier(const std::string& options = "", const char* caps = kH264) {
    const auto root = folder_.write("root.pem", crypto_openssl::certificate_pem(video::camera_one().root));
    start("camvaultverify trust=" + root + " " + options, caps);
  }

  // One buffer a picture; SEIs stand in front of theirs, those at the end behind the last one.
  struct Picture {
    std::vector<Bytes> units;
    bool keyframe = false;
  };
  static std::vector<Picture> pictures_of(const video::Take& take) {
    std::vector<Picture> out;
    std::vector<Bytes> waiting;
    for (std::size_t i = 0; i < take.units.size(); ++i) {
      waiting.push_back(take.units[i]);
      if (take.letters[i] == 'S') continue;
      out.push_back({std::exchange(waiting, {}), take.letters[i] == 'I'});
    }
    for (auto& unit : waiting) out.back().units.push_back(std::move(unit));
    return out;
  }
  static std::vector<Picture> scene(const std::string& letters, std::uint32_t salt = 0,
                                    codec::Codec codec = codec::Codec::h264) {
    return pictures_of(
        video::record(letters, video::camera_one(), video::options_for(video::camera_one(), codec), salt));
  }

  GstFlowReturn push(const Picture& picture, GstBufferFlags flags = static_cast<GstBufferFlags>(0)) {
    GstBuffer* buffer = buffer_of(with_start_codes(picture.units), number_++, picture.keyframe);
    GST_BUFFER_FLAG_SET(buffer, static_cast<guint>(flags));
    return gst_harness_push(harness_, buffer);
  }
  void push_all(const std::vector<Picture>& pictures) {
    for (const auto& picture : pictures) ASSERT_EQ(push(picture), GST_FLOW_OK);
  }
  void end() { gst_harness_push_event(harness_, gst_event_new_eos()); }

  test_support::TemporaryFolder folder_;
  std::uint32_t number_ = 0;
};

TEST_F(VerifyElementTest, AuthenticVideoPassesAsItIs) {
  start_verifier();
  const auto pictures = scene("IPPPIPPPIPPP");
  push_all(pictures);
  end();
  const auto out = pulled();
  ASSERT_EQ(out.size(), 12u);
  for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(units_in(out[i].get()), pictures[i].units);
  const auto reports = messages("camvault-report");
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(text(reports[0], "verdict"), "authentic");
  EXPECT_EQ(text(reports[0], "provenance"), "trusted");
  EXPECT_EQ(text(reports[0], "reason"), "end-of-stream");
  EXPECT_EQ(number(reports[0], "authentic"), 12u);
  gchar* report = nullptr;
  g_object_get(element(), "report", &report, nullptr);
  const gst_support::TextPtr json(report);
  ASSERT_NE(report, nullptr);
  EXPECT_EQ(text(reports[0], "json"), report);
  EXPECT_EQ(stat("authentic"), 12u);
}

TEST_F(VerifyElementTest, EveryGroupIsToldWhileTheVideoRuns) {
  start_verifier();
  std::vector<std::string> by_signal;
  const auto on_gop = +[](GstElement*, GstStructure* gop, gpointer seen) {
    static_cast<std::vector<std::string>*>(seen)->emplace_back(gst_structure_get_string(gop, "verdict"));
  };
  g_signal_connect(element(), "gop", G_CALLBACK(on_gop), &by_signal);
  auto pictures = scene("IPPPIPPPIPPPIPPP");
  pictures[6].units.back()[12] ^= 1;
  for (std::size_t i = 0; i < 14; ++i) push(pictures[i]);
  const auto gops = messages("camvault-gop");
  ASSERT_GE(gops.size(), 2u);  // a group is told when the next one is settled
  EXPECT_EQ(text(gops[0], "verdict"), "authentic");
  EXPECT_EQ(text(gops[1], "verdict"), "altered");
  EXPECT_EQ(by_signal.size(), gops.size());
  EXPECT_EQ(stat("altered"), 1u);
  for (std::size_t i = 14; i < pictures.size(); ++i) push(pictures[i]);
  end();
  EXPECT_THAT(by_signal, ElementsAre("authentic", "altered", "authentic", "authentic"));
}

TEST_F(VerifyElementTest, MessagesCanBeTurnedOff) {
  start_verifier("messages=false");
  push_all(scene("IPPPIPPP"));
  end();
  EXPECT_TRUE(messages("camvault-gop").empty());
  EXPECT_TRUE(messages("camvault-report").empty());
}

TEST_F(VerifyElementTest, LossThatIsToldIsNoTampering) {
  // SEI and IDR picture of the second group are gone: without the flag the first group would be robbed of its
  // signature.
  for (const bool told : {false, true}) {
    start_verifier();
    const auto pictures = scene("IPPPIPPPIPPPIPPP");
    bool lost = false;
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      if (i == 8 || i == 9) {
        lost = true;
        continue;
      }
      push(pictures[i],
           std::exchange(lost, false) && told ? GST_BUFFER_FLAG_DISCONT : static_cast<GstBufferFlags>(0));
    }
    end();
    const auto reports = messages("camvault-report");
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(stat("gaps"), told ? 1u : 0u);
    EXPECT_EQ(text(reports[0], "verdict"), told ? "authentic_with_missing_frames" : "not_authentic")
        << text(reports[0], "verdict-reason");
    if (told) {
      EXPECT_EQ(number(reports[0], "altered"), 0u);
    }
    TearDown();
    harness_ = nullptr;
    bus_ = nullptr;
  }
}

TEST_F(VerifyElementTest, DamagedBuffersAreMissingNotAltered) {
  start_verifier();
  auto pictures = scene("IPPPIPPPIPPP");
  pictures[6].units.back()[12] ^= 1;
  for (std::size_t i = 0; i < pictures.size(); ++i)
    push(pictures[i], i == 6 ? GST_BUFFER_FLAG_CORRUPTED : static_cast<GstBufferFlags>(0));
  end();
  const auto reports = messages("camvault-report");
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(text(reports[0], "verdict"), "authentic_with_missing_frames");
  EXPECT_EQ(number(reports[0], "missing"), 1u);
  EXPECT_EQ(stat("damaged"), 1u);
  EXPECT_EQ(pulled().size(), 12u);  // shown all the same: nothing was asked to be dropped
}

TEST_F(VerifyElementTest, AGapEventIsALoss) {
  start_verifier();
  const auto pictures = scene("IPPPIPPPIPPP");
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (i == 5) gst_harness_push_event(harness_, gst_event_new_gap(i * kPicture, kPicture));
    if (i != 5) push(pictures[i]);
  }
  end();
  EXPECT_EQ(stat("gaps"), 1u);
  EXPECT_EQ(number(messages("camvault-report").at(0), "missing"), 1u);
}

TEST_F(VerifyElementTest, AFlushEndsOneReportAndBeginsAnother) {
  start_verifier();
  const auto pictures = scene("IPPPIPPPIPPPIPPP");
  for (std::size_t i = 0; i < 10; ++i) push(pictures[i]);
  gst_harness_push_event(harness_, gst_event_new_flush_start());
  gst_harness_push_event(harness_, gst_event_new_flush_stop(1));
  auto reports = messages("camvault-report");
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(text(reports[0], "reason"), "flushed");
  EXPECT_EQ(text(reports[0], "verdict"), "authentic");
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(harness_, gst_event_new_segment(&segment));
  // Seeking back is no repetition.
  for (std::size_t i = 4; i < pictures.size(); ++i)
    push(pictures[i], i == 4 ? GST_BUFFER_FLAG_DISCONT : static_cast<GstBufferFlags>(0));
  end();
  reports = messages("camvault-report");
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(text(reports[0], "verdict"), "authentic") << text(reports[0], "verdict-reason");
  EXPECT_EQ(number(reports[0], "authentic"), 12u);
}

TEST_F(VerifyElementTest, StoppingMakesAReport) {
  start_verifier();
  push_all(scene("IPPPIPPP"));
  gst_element_set_state(element(), GST_STATE_NULL);
  const auto reports = messages("camvault-report");
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(text(reports[0], "reason"), "stopped");
  gst_element_set_state(element(), GST_STATE_PLAYING);
  gst_harness_set_src_caps_str(harness_, kH264);
  push_all(scene("IPPPIPPP"));
  end();
  EXPECT_EQ(messages("camvault-report").size(), 1u);
}

TEST_F(VerifyElementTest, AnotherCodecIsAnotherReport) {
  start_verifier();
  push_all(scene("IPPPIPPP"));
  gst_harness_set_src_caps_str(harness_, kH265);
  auto reports = messages("camvault-report");
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(text(reports[0], "reason"), "format-changed");
  push_all(scene("IPPPIPPP", 0, codec::Codec::h265));
  end();
  reports = messages("camvault-report");
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(text(reports[0], "verdict"), "authentic");
}

TEST_F(VerifyElementTest, DroppingLetsOnlyAuthenticPicturesPass) {
  start_verifier("drop-unauthentic=true");
  auto pictures = scene("IPPPIPPPIPPPIPPP");
  pictures[5].units.back()[12] ^= 1;
  push_all(pictures);
  end();
  std::vector<GstClockTime> times;
  std::set<GstClockTime> discontinuous;
  for (const auto& buffer : pulled()) {
    times.push_back(GST_BUFFER_PTS(buffer.get()) / kPicture);
    if (GST_BUFFER_FLAG_IS_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT)) discontinuous.insert(times.back());
  }
  EXPECT_THAT(times, ElementsAre(0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15));
  EXPECT_THAT(discontinuous, ElementsAre(8));
  EXPECT_EQ(stat("dropped"), 3u);
}

TEST_F(VerifyElementTest, DroppingWaitsAndTellsHowLong) {
  start_verifier("drop-unauthentic=true max-delay=700000000");
  EXPECT_EQ(latency(), 700 * GST_MSECOND);
  const auto pictures = scene("IPPPIPPPIPPP");
  for (std::size_t i = 0; i < 4; ++i) push(pictures[i]);
  EXPECT_EQ(gst_harness_buffers_in_queue(harness_), 0u);
  gst_harness_push_event(harness_, gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM,
                                                        gst_structure_new_empty("behind-picture-3")));
  for (std::size_t i = 4; i < 7; ++i) push(pictures[i]);
  EXPECT_EQ(gst_harness_buffers_in_queue(harness_), 4u);
  for (std::size_t i = 7; i < pictures.size(); ++i) push(pictures[i]);
  end();
  EXPECT_EQ(pulled().size(), 12u);
}

TEST_F(VerifyElementTest, DroppingKeepsUnknownSignersOut) {
  start_verifier("drop-unauthentic=true expect-serial=CAM-0002");
  push_all(scene("IPPPIPPP"));
  end();
  EXPECT_TRUE(pulled().empty());
}

TEST_F(VerifyElementTest, AFlushForgetsWhatWaits) {
  start_verifier("drop-unauthentic=true");
  const auto pictures = scene("IPPPIPPP");
  for (std::size_t i = 0; i < 3; ++i) push(pictures[i]);
  gst_harness_push_event(harness_, gst_event_new_flush_start());
  gst_harness_push_event(harness_, gst_event_new_flush_stop(1));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(harness_, gst_event_new_segment(&segment));
  push_all(pictures);
  end();
  EXPECT_EQ(pulled().size(), 8u);
}

TEST_F(VerifyElementTest, HostileBuffersAreErrorsNotCrashes) {
  start_verifier("", "video/x-h264,stream-format=avc,alignment=au,codec_data=(buffer)014d0028ff");
  EXPECT_EQ(gst_harness_push(harness_, buffer_of(Bytes{0xff, 0xff, 0xff, 0xff, 0x65}, 0, true)),
            GST_FLOW_ERROR);
  messages("");
  EXPECT_EQ(errors_.size(), 1u);
}

TEST_F(VerifyElementTest, EmptyAndPicturelessBuffersPass) {
  start_verifier("drop-unauthentic=true");
  EXPECT_EQ(gst_harness_push(harness_, buffer_of(Bytes{}, 0, true)), GST_FLOW_OK);
  EXPECT_EQ(gst_harness_push(harness_,
                             buffer_of(with_start_codes({Bytes{0x67, 1, 2, 3}, Bytes{0x68, 1, 2}}), 0, true)),
            GST_FLOW_OK);
  EXPECT_EQ(pulled().size(), 2u);
}

}  // namespace
}  // namespace camvault::gst_elements::test
