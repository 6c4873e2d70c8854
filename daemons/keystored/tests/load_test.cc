// Too many, too slow, too greedy: limits hold, errors are clear, the others are served. SP-4.2.11.
#include <atomic>
#include <thread>

#include "raw_client.h"

namespace camvault::keystored {
namespace {

using crypto::HashAlg;
using crypto::SignatureScheme;
using keystore::default_policy;
using keystore::KeyType;
using keystore::KeyUse;
using keystore::Purpose;
using keystore::ServiceError;
using std::chrono::milliseconds;
using std::chrono::seconds;

crypto::Digest digest() {
  crypto::Digest out;
  out.size = 32;
  return out;
}

class Load : public KeystoredTest {
 protected:
  // Limits with short times, for tests that wait for them.
  void restart_with(const std::string& limits) {
    keystore_.reset();
    daemon_.stop();
    daemon_.write_config("[limits]\n" + limits + TestDaemon::default_config());
    ASSERT_TRUE(daemon_.start()) << daemon_.log();
    keystore_ = daemon_.connect();
  }
  KeyUse make_key(KeyType type, const std::string& name) {
    const KeyUse use{key_name(name), Purpose::media_signing};
    EXPECT_TRUE(keystore_->generate(use.key, type, default_policy(type, Purpose::media_signing)));
    return use;
  }
  std::chrono::microseconds time_of_signature(const KeyUse& use) {
    const auto before = std::chrono::steady_clock::now();
    EXPECT_TRUE(keystore_->sign_digest(use, SignatureScheme::ecdsa, digest(), HashAlg::sha256));
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - before);
  }
};

TEST_F(Load, Of200ConnectionsOfOneUserTheAllowedAreServedAndTheOthersToldWhy) {
  keystore_.reset();  // its connection counts too
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<RawClient>(daemon_));
    ASSERT_TRUE(clients.back()->connected());
  }
  int served = 0;
  int turned_away = 0;
  for (auto& client : clients) {
    client->send_frame(ipc::encode_hello({}).value());
    const auto reply = client->hello_reply();
    if (!reply) continue;
    served += reply->version == 1 ? 1 : 0;
    turned_away += reply->error == ServiceError::busy ? 1 : 0;
  }
  // One place may still be held by the connection that was just given up.
  EXPECT_GE(served, 63);
  EXPECT_LE(served, 64);
  EXPECT_EQ(served + turned_away, 200);
  const auto late =
      ipc::connect_keystore(daemon_.socket(), {.timeout = seconds(5), .connect_timeout = milliseconds(0)});
  EXPECT_EQ(late.error().code, Errc::unavailable);
  EXPECT_EQ(late.error().what, "the keystore has too many requests at the moment");
  clients.clear();
  EXPECT_TRUE(ipc::connect_keystore(daemon_.socket()));
}

TEST_F(Load, TwoHundredConnectionsAtOnceAllSign) {
  restart_with("connections_per_uid = 256\n");
  const auto use = make_key(KeyType::ec_p256, "camera/media");
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(std::make_unique<RawClient>(daemon_));
  for (auto& client : clients) ASSERT_TRUE(client->send_frame(ipc::encode_hello({}).value()));
  for (auto& client : clients) {
    ASSERT_TRUE(client->send_request(
        {3, ipc::request::SignDigest{use, SignatureScheme::ecdsa, HashAlg::sha256, digest()}}));
  }
  for (auto& client : clients) {
    EXPECT_EQ(client->hello_reply()->version, 1u);
    const auto answer = client->receive();
    ASSERT_TRUE(answer);
    EXPECT_FALSE(ipc::decode_response(keystore::Operation::sign_digest, *answer)->error);
  }
}

TEST_F(Load, ASlowClientIsEndedAndHoldsNobodyUp) {
  restart_with("frame_ms = 400\n");
  const auto use = make_key(KeyType::ec_p256, "camera/media");
  RawClient silent(daemon_);   // no hello at all
  RawClient loris(daemon_);    // a frame, byte by byte
  RawClient patient(daemon_);  // idle between frames: not a fault
  ASSERT_TRUE(loris.greet());
  ASSERT_TRUE(patient.greet());
  Bytes frame;
  ASSERT_TRUE(ipc::append_frame(frame, ipc::encode_request({1, ipc::request::Random{100}}).value()));
  std::size_t sent = 0;
  bool cut = false;
  milliseconds elapsed{0};
  while (!cut && elapsed < seconds(5)) {
    if (sent + 1 < frame.size()) cut = !loris.send(BytesView(frame).subspan(sent++, 1));
    EXPECT_LT(time_of_signature(use), seconds(1));
    std::this_thread::sleep_for(milliseconds(100));
    elapsed += milliseconds(100);
    pollfd poll{.fd = loris.descriptor(), .events = POLLIN, .revents = 0};
    cut = cut || ::poll(&poll, 1, 0) == 1;
  }
  EXPECT_TRUE(cut);
  EXPECT_TRUE(silent.is_closed_within(seconds(5)));
  EXPECT_TRUE(patient.send_request({1, ipc::request::Random{8}}));
  EXPECT_TRUE(patient.receive());
  EXPECT_NE(daemon_.log().find("a frame took too long"), std::string::npos);
  EXPECT_NE(daemon_.log().find("did not say hello in time"), std::string::npos);
}

TEST_F(Load, IdleClientsEnd) {
  restart_with("idle_ms = 300\n");
  RawClient idle(daemon_);
  ASSERT_TRUE(idle.greet());
  EXPECT_TRUE(idle.is_closed_within(seconds(5)));
  EXPECT_TRUE(keystore_->random(8));  // our client connects anew
}

TEST_F(Load, AClientThatDoesNotReadIsEndedAndCostsLittle) {
  restart_with("write_ms = 500\n");
  const auto use = make_key(KeyType::ec_p256, "camera/media");
  RawClient deaf(daemon_);
  ASSERT_TRUE(deaf.greet());
  Bytes frame;
  ASSERT_TRUE(ipc::append_frame(frame, ipc::encode_request({1, ipc::request::Random{4096}}).value()));
  // Until neither side takes more: the service stops reading when 256 KiB of answers wait.
  std::size_t requests = 0;
  for (int quiet = 0; quiet < 20 && requests < 100000;) {
    const auto n = ::send(deaf.descriptor(), frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n == static_cast<ssize_t>(frame.size())) {
      ++requests;
      quiet = 0;
    } else {
      ++quiet;
      std::this_thread::sleep_for(milliseconds(5));
    }
  }
  EXPECT_LT(requests, 100000u);
  EXPECT_LT(time_of_signature(use), seconds(1));
  std::this_thread::sleep_for(milliseconds(1500));
  EXPECT_NE(daemon_.log().find("it does not take its answers"), std::string::npos);
  EXPECT_TRUE(deaf.is_closed_within(seconds(10)));
}

TEST_F(Load, LongOperationsOfOneClientDoNotHoldUpAnother) {
  const auto rsa = make_key(KeyType::rsa_4096, "camera/rsa");
  const auto ec = make_key(KeyType::ec_p256, "camera/ec");
  RawClient greedy(daemon_);
  ASSERT_TRUE(greedy.greet());
  constexpr std::uint32_t kMany = 60;
  for (std::uint32_t id = 0; id < kMany; ++id) {
    ASSERT_TRUE(greedy.send_request(
        {id, ipc::request::SignDigest{rsa, SignatureScheme::rsa_pss, HashAlg::sha256, digest()}}));
  }
  std::vector<std::chrono::microseconds> times;
  for (int i = 0; i < 50; ++i) times.push_back(time_of_signature(ec));
  std::sort(times.begin(), times.end());
  std::printf("P-256 beside 60 waiting RSA-4096 signatures: median %ld us, longest %ld us\n",
              static_cast<long>(times[25].count()), static_cast<long>(times.back().count()));
  EXPECT_LT(times[25], milliseconds(100));
  for (std::uint32_t i = 0; i < kMany; ++i) {
    const auto answer = greedy.receive(seconds(60));
    ASSERT_TRUE(answer);
    EXPECT_FALSE(ipc::decode_response(keystore::Operation::sign_digest, *answer)->error);
  }
}

TEST_F(Load, TooManyWaitingJobsOfOneUserAreRefusedNotStored) {
  restart_with("connections_per_uid = 64\n");
  const auto rsa = make_key(KeyType::rsa_4096, "camera/rsa");
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<RawClient>(daemon_));
    ASSERT_TRUE(clients.back()->greet());
    for (std::uint32_t id = 0; id < 64; ++id) {
      ASSERT_TRUE(clients.back()->send_request(
          {id, ipc::request::SignDigest{rsa, SignatureScheme::rsa_pss, HashAlg::sha256, digest()}}));
    }
  }
  int good = 0;
  int busy = 0;
  for (auto& client : clients) {
    for (int i = 0; i < 64; ++i) {
      const auto answer = client->receive(seconds(120));
      ASSERT_TRUE(answer);
      const auto error = ipc::decode_response(keystore::Operation::sign_digest, *answer)->error;
      good += error ? 0 : 1;
      busy += error == ServiceError::busy ? 1 : 0;
    }
  }
  EXPECT_EQ(good + busy, 5 * 64);
  EXPECT_GT(busy, 0);
  EXPECT_GE(good, 128);
}

}  // namespace
}  // namespace camvault::keystored
