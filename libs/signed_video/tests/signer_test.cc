// The signer never holds a picture up, whatever the key does; what it writes stays valid.
#include <gtest/gtest.h>

#include <thread>

#include "scene.h"

namespace camvault::signed_video::test {
namespace {

using namespace std::chrono_literals;

// Answers when the test says so.
class HeldKey final : public crypto::SigningKey {
 public:
  explicit HeldKey(std::shared_ptr<crypto::SigningKey> key) : key_(std::move(key)) {}
  crypto::KeyAlg alg() const override { return key_->alg(); }
  Bytes spki_der() const override { return key_->spki_der(); }
  Result<Bytes> sign_message(BytesView) override { return fail(Errc::unsupported, "not in this test"); }
  void sign_async(crypto::SignatureScheme scheme, crypto::HashAlg hash, const crypto::Digest& digest,
                  Done done) override {
    held_.push_back([this, scheme, hash, digest, done = std::move(done)](bool refuse) {
      if (refuse) {
        done(fail(Errc::unavailable, "the key is away"));
      } else {
        key_->sign_async(scheme, hash, digest, done);
      }
    });
  }
  void release(std::size_t count, bool refuse = false) {
    for (; count > 0 && !held_.empty(); --count) {
      auto answer = std::move(held_.front());
      held_.erase(held_.begin());
      answer(refuse);
    }
  }
  std::size_t held() const { return held_.size(); }

 private:
  std::shared_ptr<crypto::SigningKey> key_;
  std::vector<std::function<void(bool)>> held_;
};

struct LiveTake : Take {
  void add(Signer& signer, char letter, std::uint32_t number) {
    const auto unit = slice(codec, letter, number);
    const std::vector<BytesView> views{unit};
    const auto seis = signer.add(views, recording_begins() + number * kFrame).value();
    for (const auto& sei : seis) insert(units.size(), sei, 'S');
    insert(units.size(), unit, letter);
  }
  void end(Signer& signer, std::chrono::milliseconds patience = 1s) {
    const auto seis = signer.finish(patience).value();
    for (const auto& sei : seis) insert(units.size(), sei, 'S');
  }
};

SignerOptions live_options() {
  auto options = options_for(camera_one());
  options.wait_for_key = false;
  return options;
}

TEST(Signer, ASilentKeyHoldsNoPictureUpAndTheNextSignatureCoversAll) {
  auto key = std::make_shared<HeldKey>(camera_one().key);
  auto signer = Signer::create(engine(), key, live_options()).value();
  LiveTake take;
  std::uint32_t number = 0;
  for (int gop = 0; gop < 30; ++gop) {
    for (const char letter : {'I', 'P', 'P'}) take.add(signer, letter, number++);
  }
  EXPECT_EQ(take.find('S'), SIZE_MAX);  // nothing could be signed
  EXPECT_EQ(key->held(), Signer::kMaxWaiting);
  key->release(100);
  for (int gop = 0; gop < 3; ++gop) {
    for (const char letter : {'I', 'P', 'P'}) {
      take.add(signer, letter, number++);
      key->release(100);
    }
  }
  take.end(signer);
  key->release(100);
  EXPECT_GT(signer.counters().seis_unsigned, 0u);
  const auto report = verify(take);
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  // The last GOP's signature was asked for at the end and given too late.
  EXPECT_GE(report.pictures_authentic, 30u * 3);
}

TEST(Signer, ARefusingKeyLeavesUnsignedSeis) {
  auto key = std::make_shared<HeldKey>(camera_one().key);
  auto signer = Signer::create(engine(), key, live_options()).value();
  LiveTake take;
  std::uint32_t number = 0;
  for (int gop = 0; gop < 10; ++gop) {
    for (const char letter : {'I', 'P', 'P'}) {
      take.add(signer, letter, number++);
      key->release(1, gop >= 2 && gop < 6);
    }
  }
  EXPECT_GT(signer.counters().signatures_failed, 0u);
  EXPECT_EQ(verify(take).verdict, Verdict::authentic);
}

// The one that was to name it never answers: the next key is not waited for in vain.
TEST(Signer, AKeyThatIsGoneIsFollowed) {
  const auto next = maker().camera("CAM-0001");
  auto key = std::make_shared<HeldKey>(camera_one().key);
  auto options = live_options();
  options.supplement = true;
  auto signer = Signer::create(engine(), key, options).value();
  LiveTake take;
  std::uint32_t number = 0;
  for (int gop = 0; gop < 10; ++gop) {
    if (gop == 2) {
      ASSERT_TRUE(signer.change_key(next.key, next.chain_pem));
    }
    for (const char letter : {'I', 'P', 'P'}) {
      take.add(signer, letter, number++);
      key->release(10, gop >= 2);
    }
  }
  take.end(signer);
  EXPECT_GE(signer.counters().signatures_failed, 3u);
  EXPECT_EQ(signer.counters().keys_changed, 1u);
  const auto report = verify(take);
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  EXPECT_TRUE(has_note(report, NoteKind::key_changed));
  EXPECT_EQ(report.signers.back().vouched, SignerPeriod::Vouched::same_issuer);
}

TEST(Signer, SlowKeyOnItsOwnThread) {
  crypto_openssl::LocalKeyOptions slow;
  slow.delay = 20ms;
  slow.workers = 1;
  const auto camera = maker().camera("CAM-0003", crypto::KeyAlg::ec_p256, slow);
  auto options = options_for(camera);
  options.wait_for_key = false;
  auto signer = Signer::create(engine(), camera.key, options).value();
  LiveTake take;
  for (std::uint32_t number = 0; number < 60; ++number) {
    take.add(signer, number % 6 == 0 ? 'I' : 'P', number);
    std::this_thread::sleep_for(2ms);
  }
  take.end(signer);
  const auto report = verify(take);
  EXPECT_EQ(report.verdict, Verdict::authentic) << report.verdict_reason;
  EXPECT_EQ(report.pictures_authentic, 60u);
}

TEST(Signer, CertificateSeiOnRequest) {
  auto options = options_for(camera_one());
  options.chain_in_every_sei = false;
  auto signer = Signer::create(engine(), camera_one().key, options).value();
  LiveTake take;
  for (std::uint32_t number = 0; number < 12; ++number) {
    if (number == 6) signer.request_certificate_sei();
    take.add(signer, number % 4 == 0 ? 'I' : 'P', number);
  }
  take.end(signer);
  take.erase(0, take.picture(4));  // without the beginning, the second one serves
  EXPECT_EQ(verify(take).verdict, Verdict::authentic);
}

TEST(Signer, TimesThatRunBackwardsAreLifted) {
  auto signer = Signer::create(engine(), camera_one().key, options_for(camera_one())).value();
  Take take;
  for (int i = 0; i < 12; ++i) {
    const auto unit = slice(take.codec, i % 4 == 0 ? 'I' : 'P', static_cast<std::uint32_t>(i));
    const std::vector<BytesView> views{unit};
    for (const auto& sei : must(signer.add(views, recording_begins() - i * kFrame)))
      take.insert(take.units.size(), sei, 'S');
    take.insert(take.units.size(), unit, i % 4 == 0 ? 'I' : 'P');
  }
  for (const auto& sei : must(signer.finish())) take.insert(take.units.size(), sei, 'S');
  const auto report = verify(take);
  EXPECT_EQ(report.verdict, Verdict::authentic);
  EXPECT_EQ(report.first_time, recording_begins());
}

TEST(Signer, PartsStayWithinTheReferenceLimit) {
  auto options = options_for(camera_one());
  options.max_partial_time = std::chrono::hours(10);
  std::string scene = "I";
  scene.append(1500, 'P');
  const auto take = record(scene, camera_one(), options);
  std::size_t seis = 0;
  for (const char letter : take.letters) seis += letter == 'S' ? 1u : 0u;
  EXPECT_EQ(seis, 1u + 3u);  // certificate, 600, 600, 301
  EXPECT_EQ(verify(take).verdict, Verdict::authentic);
}

TEST(Signer, RefusesWhatCannotWork) {
  auto options = options_for(camera_two());  // a chain of another key
  EXPECT_FALSE(Signer::create(engine(), camera_one().key, options));
  options = options_for(camera_one());
  options.chain_pem.clear();
  EXPECT_FALSE(Signer::create(engine(), camera_one().key, options));
  options = options_for(camera_one());
  options.signing_interval = 0;
  EXPECT_FALSE(Signer::create(engine(), camera_one().key, options));
  options = options_for(camera_one());
  options.vendor.firmware.assign(256, 'x');
  EXPECT_FALSE(Signer::create(engine(), camera_one().key, options));
  EXPECT_FALSE(Signer::create(engine(), nullptr, options_for(camera_one())));
}

TEST(Signer, APictureWithMoreSlicesThanAnSeiCanCountIsRefused) {
  const auto add = [](std::size_t slices) {
    auto signer = Signer::create(engine(), camera_one().key, options_for(camera_one()));
    EXPECT_TRUE(signer);
    const auto first = slice(codec::Codec::h264, 'I', 0);
    const auto other = slice(codec::Codec::h264, 'i', 1);
    std::vector<BytesView> unit(slices, other);
    unit[0] = first;
    const auto seis = signer->add(unit, recording_begins());
    return seis ? Errc{} : seis.error().code;
  };
  EXPECT_NE(add(65'534), Errc::limit);
  EXPECT_EQ(add(65'535), Errc::limit);
}

}  // namespace
}  // namespace camvault::signed_video::test
