// AX-2.1-1, AX-4.1-1: camvaultsign in every situation that a pipeline brings it into.
#include <gmock/gmock.h>

#include <thread>

#include "cancellable_key.h"
#include "element_fixture.h"
#include "library_leaks.h"

namespace camvault::gst_elements::test {
namespace {

using signed_video::Provenance;
using signed_video::Verdict;

class SignElementTest : public ElementTest {
 protected:
  void start_signer(const std::string& options = "", const char* caps = kH264) {
    const auto& camera = video::camera_one();
    static_cast<crypto_openssl::LocalKey&>(*camera.key).private_pem_for_tests().reveal([&](BytesView pem) {
      key_ = folder_.write("key.pem", as_text(pem));
    });
    const auto chain = folder_.write("chain.pem", camera.chain_pem);
    start("camvaultsign key-file=" + key_ + " chain=" + chain +
              " start-time=" + to_iso8601(video::recording_begins()) + " " + options,
          caps);
  }

  void push(const std::string& scene, codec::Codec codec = codec::Codec::h264) {
    for (const char letter : scene) {
      ASSERT_EQ(gst_harness_push(harness_, buffer_of(with_start_codes({video::slice(codec, letter, number_)}),
                                                     number_, letter == 'I')),
                GST_FLOW_OK);
      ++number_;
    }
  }

  // What came out so far, as a verifier sees it.
  signed_video::Report verify_output(codec::Codec codec = codec::Codec::h264) {
    signed_video::Verifier verifier(codec, video::engine(), video::trusting(video::camera_one()));
    for (const auto& buffer : pulled()) {
      out_.push_back(units_in(buffer.get()));
      for (const auto& unit : out_.back()) {
        codec::Unit view;
        view.bytes = unit;
        view.container_time = Timestamp(Ticks(GST_BUFFER_PTS(buffer.get()) / 100));
        verifier.add(std::span(&view, 1));
      }
    }
    return verifier.finish();
  }

  test_support::TemporaryFolder folder_;
  std::string key_;
  std::uint32_t number_ = 0;
  std::vector<std::vector<Bytes>> out_;
};

TEST_F(SignElementTest, PicturesAreSignedAndNotChanged) {
  start_signer();
  push("IPPPIPPPIPPP");
  gst_harness_push_event(harness_, gst_event_new_eos());
  const auto report = verify_output();
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  EXPECT_EQ(report.provenance, Provenance::trusted);
  EXPECT_EQ(report.pictures_authentic, 12u);
  EXPECT_EQ(report.first_time, video::recording_begins());
  ASSERT_EQ(out_.size(), 12u);  // the last signature stands in the last picture's buffer
  for (std::uint32_t i = 0; i < out_.size(); ++i) {
    const auto letter = i % 4 == 0 ? 'I' : 'P';
    EXPECT_THAT(out_[i], testing::Contains(video::slice(codec::Codec::h264, letter, i)));
  }
  EXPECT_EQ(stat("pictures"), 12u);
  EXPECT_EQ(stat("signatures-failed"), 0u);
  // By default more than the pictures is signed.
  EXPECT_EQ(stat("supplements"), 3u);
  EXPECT_EQ(report.supplement.times_compared, 12u);
}

TEST_F(SignElementTest, WithoutSupplementPicturesAloneAreSigned) {
  start_signer("supplement=false");
  push("IPPPIPPP");
  gst_harness_push_event(harness_, gst_event_new_eos());
  const auto report = verify_output();
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  EXPECT_EQ(stat("supplements"), 0u);
  EXPECT_EQ(report.supplement.times_compared, 0u);
}

TEST_F(SignElementTest, TimesAndFlagsStay) {
  start_signer();
  push("IPPPI");
  gst_harness_push_event(harness_, gst_event_new_eos());
  const auto buffers = pulled();
  ASSERT_EQ(buffers.size(), 5u);
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    EXPECT_EQ(GST_BUFFER_PTS(buffers[i].get()), i * kPicture);
    EXPECT_EQ(GST_BUFFER_DURATION(buffers[i].get()), kPicture);
    EXPECT_EQ(GST_BUFFER_FLAG_IS_SET(buffers[i].get(), GST_BUFFER_FLAG_DELTA_UNIT), i % 4 != 0);
  }
}

TEST_F(SignElementTest, HoldingThePictureIsLatencyThatIsTold) {
  start_signer();
  push("IPP");
  EXPECT_EQ(pulled().size(), 2u);
  EXPECT_EQ(latency(), kPicture);
}

TEST_F(SignElementTest, WithoutHoldingTheLastSignatureComesByItself) {
  start_signer("hold-last-picture=false");
  push("IPP");
  EXPECT_EQ(latency(), 0u);
  EXPECT_EQ(gst_harness_buffers_in_queue(harness_), 3u);
  gst_harness_push_event(harness_, gst_event_new_eos());
  const auto report = verify_output();
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  EXPECT_EQ(out_.size(), 4u);
}

// A sink that waits for its first picture (preroll) would wait for ever if it came after the error.
TEST_F(SignElementTest, WhatCameBeforeARefusedPictureIsSignedAndPassedOnFirst) {
  start_signer();
  push("IPP");
  Bytes signature_sei = {0x06, 5, 16};  // the UUID of Media Signing, and nothing behind it
  append(signature_sei, Bytes{0x00, 0x5b, 0xc9, 0x3f, 0x2d, 0x71, 0x5e, 0x95, 0xad, 0xa4, 0x79, 0x6f, 0x90,
                              0x87, 0x7a, 0x6f, 0x80});
  const auto picture = video::slice(codec::Codec::h264, 'P', 3);
  EXPECT_EQ(gst_harness_push(harness_, buffer_of(with_start_codes({signature_sei, picture}), 3, false)),
            GST_FLOW_ERROR);
  EXPECT_EQ(gst_harness_buffers_in_queue(harness_), 3u);
  gst_harness_push_event(harness_, gst_event_new_eos());
  messages("");
  EXPECT_THAT(errors_, testing::ElementsAre(testing::HasSubstr("signed already")));
  const auto report = verify_output();
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  EXPECT_EQ(report.pictures_authentic, 3u);
  EXPECT_EQ(out_.size(), 3u);
}

TEST_F(SignElementTest, EventsStayInOrderWithPictures) {
  start_signer();
  push("IP");
  gst_harness_push_event(harness_, gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM,
                                                        gst_structure_new_empty("behind-picture-1")));
  const auto names = [&] {
    std::vector<std::string> found;
    while (const auto event = gst_support::EventPtr(gst_harness_try_pull_event(harness_))) {
      if (GST_EVENT_TYPE(event.get()) == GST_EVENT_CUSTOM_DOWNSTREAM)
        found.emplace_back(gst_structure_get_name(gst_event_get_structure(event.get())));
    }
    return found;
  };
  EXPECT_TRUE(names().empty());
  push("P");
  EXPECT_THAT(names(), testing::ElementsAre("behind-picture-1"));
}

TEST_F(SignElementTest, AFlushBeginsARecordingOfItsOwn) {
  start_signer();
  push("IPPPIPP");
  pulled();
  ASSERT_TRUE(gst_harness_push_event(harness_, gst_event_new_flush_start()));
  ASSERT_TRUE(gst_harness_push_event(harness_, gst_event_new_flush_stop(1)));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  ASSERT_TRUE(gst_harness_push_event(harness_, gst_event_new_segment(&segment)));
  push("IPPPIPPP");
  gst_harness_push_event(harness_, gst_event_new_eos());
  const auto report = verify_output();
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  EXPECT_EQ(report.pictures_authentic, 8u);
  EXPECT_FALSE(video::has_note(report, signed_video::NoteKind::joined));
}

TEST_F(SignElementTest, CapsOfTheSameCodecChangeNothing) {
  start_signer();
  push("IPPP");
  gst_harness_set_src_caps_str(harness_,
                               "video/x-h264,stream-format=byte-stream,alignment=au,framerate=50/1");
  push("IPPP");
  gst_harness_push_event(harness_, gst_event_new_eos());
  const auto report = verify_output();
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  EXPECT_EQ(report.pictures_authentic, 8u);
  EXPECT_EQ(report.gops.size(), 2u);
  EXPECT_TRUE(report.gops[1].linked);
}

TEST_F(SignElementTest, AnotherCodecIsAnotherRecording) {
  start_signer();
  push("IPPP");
  gst_harness_set_src_caps_str(harness_, kH265);
  const auto first = verify_output();
  EXPECT_EQ(first.verdict, Verdict::authentic) << first.verdict_reason;
  EXPECT_EQ(first.pictures_authentic, 4u);
  push("IPPP", codec::Codec::h265);
  gst_harness_push_event(harness_, gst_event_new_eos());
  const auto second = verify_output(codec::Codec::h265);
  EXPECT_EQ(second.verdict, Verdict::authentic) << second.verdict_reason;
  EXPECT_EQ(second.pictures_authentic, 4u);
}

TEST_F(SignElementTest, CapsWithoutCodecDataAreRefused) {
  start_signer();
  gst_harness_set_src_caps_str(harness_, "video/x-h264,stream-format=avc,alignment=au");
  messages("");
  EXPECT_THAT(errors_, testing::Contains(testing::HasSubstr("codec_data")));
}

TEST_F(SignElementTest, ABufferWithALengthPastItsEndIsAnError) {
  start_signer("", "video/x-h264,stream-format=avc,alignment=au,codec_data=(buffer)014d0028ff");
  EXPECT_EQ(gst_harness_push(harness_, buffer_of(Bytes{0, 0, 1, 0, 0x65, 0x88}, 0, true)), GST_FLOW_ERROR);
  messages("");
  EXPECT_EQ(errors_.size(), 1u);
}

TEST_F(SignElementTest, EndWithoutPictures) {
  start_signer();
  EXPECT_TRUE(gst_harness_push_event(harness_, gst_event_new_eos()));
  EXPECT_TRUE(pulled().empty());
}

TEST_F(SignElementTest, StoppingAndStartingAgain) {
  start_signer();
  for (int round = 0; round < 3; ++round) {
    push("IPPPIPP");
    gst_element_set_state(element(), GST_STATE_NULL);
    pulled();
    gst_element_set_state(element(), GST_STATE_PLAYING);
    gst_harness_set_src_caps_str(harness_, kH264);
  }
  push("IPPP");
  gst_harness_push_event(harness_, gst_event_new_eos());
  const auto report = verify_output();
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
}

TEST_F(SignElementTest, TheCertificateComesWhenAskedFor) {
  start_signer("certificates=start hold-last-picture=false");
  push("IPPPIPPP");
  const auto without = pulled();
  const auto size_of = [](const BufferPtr& buffer) { return gst_buffer_get_size(buffer.get()); };
  EXPECT_LT(size_of(without.back()), 1000u);
  g_signal_emit_by_name(element(), "request-certificate");
  push("PP");
  std::size_t largest = 0;
  for (const auto& buffer : pulled()) largest = std::max(largest, size_of(buffer));
  EXPECT_GT(largest, 1000u);
}

TEST(CancellableKey, WaitingEndsWhenCancelled) {
  const auto slow = std::shared_ptr<crypto::SigningKey>(
      crypto_openssl::LocalKey::generate(crypto::KeyAlg::ec_p256, {std::chrono::seconds(2), 1}).value());
  CancellableKey key(slow);
  const auto begin = std::chrono::steady_clock::now();
  std::jthread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    key.cancel();
  });
  const auto digest = video::engine().digest(crypto::HashAlg::sha256, as_bytes("x"));
  const auto signature = key.sign(crypto::SignatureScheme::ecdsa, crypto::HashAlg::sha256, digest);
  ASSERT_FALSE(signature);
  EXPECT_EQ(signature.error().code, Errc::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
  EXPECT_FALSE(key.sign(crypto::SignatureScheme::ecdsa, crypto::HashAlg::sha256, digest));
  key.resume();
  EXPECT_TRUE(key.sign(crypto::SignatureScheme::ecdsa, crypto::HashAlg::sha256, digest));
}

}  // namespace
}  // namespace camvault::gst_elements::test
