// The interval, the queue, and an authority that goes away and comes back.
#include "camvault/authority_client/time_stamper.h"

#include <gtest/gtest.h>

#include <mutex>
#include <thread>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/test_support/tsa.h"

namespace camvault::authority_client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test_support::Tsa;

const Timestamp kBegin = from_iso8601("2026-11-21T10:00:00Z").value();

class TimeStamperTest : public testing::Test {
 protected:
  std::unique_ptr<TimeStamper> make(const std::string& url, bool wait_for_room = false) {
    TimeStamperOptions options;
    options.authority.server.url = url;
    options.authority.server.timeout = seconds(5);
    options.interval = seconds(60);
    options.first_pause = milliseconds(50);
    options.longest_pause = milliseconds(400);
    if (wait_for_room) options.room_patience = seconds(20);
    return TimeStamper::create(*engine_, options,
                               [this](const Stamped& stamped) {
                                 const std::lock_guard lock(mutex_);
                                 got_.push_back(stamped);
                               })
        .value();
  }
  std::vector<Stamped> got() {
    const std::lock_guard lock(mutex_);
    return got_;
  }
  crypto::Digest digest_of(const std::string& signature) {
    return engine_->digest(crypto::HashAlg::sha256, as_bytes(signature));
  }

  test_support::TemporaryFolder folder_;
  std::unique_ptr<crypto::Engine> engine_ = crypto_openssl::make_openssl_engine();
  std::mutex mutex_;
  std::vector<Stamped> got_;
};

TEST_F(TimeStamperTest, OneStampAnInterval) {
  const Tsa tsa(folder_.path());
  const auto stamper = make(tsa.url("/good"), true);
  for (int second = 0; second < 180; ++second)
    stamper->offer(as_bytes("signature " + std::to_string(second)), kBegin + seconds(second));
  ASSERT_TRUE(stamper->drain(seconds(30)));
  stamper->stop();
  const auto stamped = got();
  ASSERT_EQ(stamped.size(), 3u);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(stamped[static_cast<std::size_t>(i)].digest, digest_of("signature " + std::to_string(i * 60)));
  const auto counters = stamper->counters();
  EXPECT_EQ(counters.offered, 3u);
  EXPECT_EQ(counters.stamped, 3u);
  EXPECT_EQ(counters.failed + counters.dropped + counters.waiting, 0u);
  EXPECT_EQ(counters.last_error, "");
}

TEST_F(TimeStamperTest, TheCameraGoesOnWhileTheAuthorityIsAway) {
  auto tsa = std::make_unique<Tsa>(folder_.path());
  const int port = tsa->port();
  const auto stamper = make(tsa->url("/good"));
  tsa.reset();
  for (int minute = 0; minute < 20; ++minute) {
    const auto begin = std::chrono::steady_clock::now();
    stamper->offer(as_bytes("signature " + std::to_string(minute)), kBegin + seconds(60 * minute));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(500));
    EXPECT_LE(stamper->counters().waiting, TimeStamper::kMaxWaiting + 1);
  }
  EXPECT_FALSE(stamper->drain(milliseconds(300)));
  const auto away = stamper->counters();
  EXPECT_EQ(away.offered, 20u);
  EXPECT_EQ(away.stamped, 0u);
  EXPECT_GT(away.failed, 0u);
  EXPECT_LT(away.failed, 40u) << "no back-off";
  EXPECT_GE(away.dropped, 20u - TimeStamper::kMaxWaiting - 1);
  EXPECT_NE(away.last_error, "");
  // Back again: what waits is stamped, the newest too, which speaks for all before it.
  tsa = std::make_unique<Tsa>(folder_.path(), port);
  ASSERT_TRUE(stamper->drain(seconds(30))) << stamper->counters().last_error;
  stamper->stop();
  const auto stamped = got();
  ASSERT_FALSE(stamped.empty());
  EXPECT_EQ(stamped.back().digest, digest_of("signature 19"));
  const auto back = stamper->counters();
  EXPECT_EQ(back.stamped + back.dropped, 20u);
  EXPECT_EQ(back.last_error, "");
}

TEST_F(TimeStamperTest, DishonestAnswersAreCountedAndNotHandedOn) {
  const Tsa tsa(folder_.path());
  const auto stamper = make(tsa.url("/nonce"));
  stamper->offer(as_bytes("signature"), kBegin);
  for (int i = 0; i < 200 && stamper->counters().rejected == 0; ++i)
    std::this_thread::sleep_for(milliseconds(50));
  stamper->stop();
  EXPECT_TRUE(got().empty());
  EXPECT_GT(stamper->counters().rejected, 0u);
  EXPECT_NE(stamper->counters().last_error.find("nonce"), std::string::npos);
}

TEST_F(TimeStamperTest, StoppingDoesNotWaitForTheWholePause) {
  const auto stamper = make("http://127.0.0.1:1/");  // nobody listens on port 1
  stamper->offer(as_bytes("signature"), kBegin);
  std::this_thread::sleep_for(milliseconds(200));
  const auto begin = std::chrono::steady_clock::now();
  stamper->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(6));
  stamper->offer(as_bytes("late"), kBegin + seconds(3600));  // harmless
}

TEST_F(TimeStamperTest, OptionsThatMakeNoSense) {
  const auto errc = [&](const std::string& url, const std::string& policy, Ticks interval) {
    TimeStamperOptions options;
    options.authority.server.url = url;
    options.authority.policy = policy;
    options.interval = interval;
    const auto stamper = TimeStamper::create(*engine_, options, [](const Stamped&) {});
    return stamper ? Errc::internal : stamper.error().code;
  };
  EXPECT_EQ(errc("no url", "", seconds(60)), Errc::usage);
  EXPECT_EQ(errc("http://tsa.example/", "not an oid", seconds(60)), Errc::usage);
  EXPECT_EQ(errc("http://tsa.example/", "", seconds(-1)), Errc::usage);
  EXPECT_EQ(errc("http://tsa.example/", "1.2.3", seconds(0)), Errc::internal);  // fine
}

}  // namespace
}  // namespace camvault::authority_client
