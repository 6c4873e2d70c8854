// Malformed, oversized, truncated and strange input; each time the service goes on for the others. SP-4.2.11.
#include <random>

#include "raw_client.h"

namespace camvault::keystored {
namespace {

using keystore::Operation;
using keystore::ServiceError;

class HostileFrames : public KeystoredTest {
 protected:
  void TearDown() override {
    EXPECT_TRUE(daemon_.is_running()) << daemon_.log();
    EXPECT_TRUE(keystore_->random(8));
    KeystoredTest::TearDown();
  }
};

TEST_F(HostileFrames, HelloMustComeFirstAndFit) {
  for (const auto& payload : {ipc::encode_request({1, ipc::request::Status{}}).value(), Bytes(100, 0xff),
                              Bytes(1, 0xa0), ipc::encode_hello({.min = 0, .max = 1}).value()}) {
    RawClient raw(daemon_);
    ASSERT_TRUE(raw.send_frame(payload));
    EXPECT_EQ(raw.hello_reply()->error, ServiceError::malformed);
    EXPECT_TRUE(raw.is_closed_within(std::chrono::seconds(5)));
  }
}

TEST_F(HostileFrames, AVersionWeDoNotHaveIsRefusedByName) {
  for (const auto& hello : {ipc::Hello{.min = 2, .max = 9}, ipc::Hello{.min = ~0u, .max = ~0u}}) {
    RawClient raw(daemon_);
    ASSERT_TRUE(raw.send_frame(ipc::encode_hello(hello).value()));
    EXPECT_EQ(raw.hello_reply()->error, ServiceError::unsupported_version);
    EXPECT_TRUE(raw.is_closed_within(std::chrono::seconds(5)));
  }
  RawClient newer(daemon_);  // one that can do ours and more
  ASSERT_TRUE(newer.send_frame(ipc::encode_hello({.min = 1, .max = 9}).value()));
  EXPECT_EQ(newer.hello_reply()->version, 1u);
}

TEST_F(HostileFrames, OversizedAndEmptyFramesEndTheConnectionWithAnError) {
  const std::pair<Bytes, ServiceError> headers[] = {{{0, 1, 0, 1}, ServiceError::limit},
                                                    {{0x7f, 0xff, 0xff, 0xff}, ServiceError::limit},
                                                    {{0xff, 0xff, 0xff, 0xff}, ServiceError::limit},
                                                    {{0, 0, 0, 0}, ServiceError::malformed}};
  for (const auto& [header, error] : headers) {
    RawClient raw(daemon_);
    ASSERT_TRUE(raw.greet());
    ASSERT_TRUE(raw.send(header));  // the answer comes before any of the announced bytes
    EXPECT_EQ(raw.error_of(Operation::status), error);
    EXPECT_TRUE(raw.is_closed_within(std::chrono::seconds(5)));
  }
}

TEST_F(HostileFrames, TheLargestFrameIsReadAndJudged) {
  RawClient raw(daemon_);
  ASSERT_TRUE(raw.greet());
  ASSERT_TRUE(raw.send_frame(Bytes(ipc::kMaxFrame, 0x41)));
  EXPECT_EQ(raw.error_of(Operation::status), ServiceError::malformed);
  EXPECT_TRUE(raw.is_closed_within(std::chrono::seconds(5)));
}

TEST_F(HostileFrames, UnknownFieldsAndOperationsAreRefused) {
  const auto status_with = [](std::int64_t extra, std::uint64_t operation) {
    codec::CborWriter out;
    out.begin_map();
    out.key(0);
    out.unsigned_integer(5);
    out.key(1);
    out.unsigned_integer(operation);
    if (extra != 0) {
      out.key(extra);
      out.unsigned_integer(0);
    }
    out.end();
    return out.take().value();
  };
  RawClient good(daemon_);
  ASSERT_TRUE(good.greet());
  ASSERT_TRUE(good.send_frame(status_with(0, 1)));
  EXPECT_TRUE(ipc::decode_response(Operation::status, good.receive().value()));
  for (const auto& payload : {status_with(12, 1), status_with(-1, 1), status_with(2, 1), status_with(0, 0),
                              status_with(0, 14), status_with(0, ~std::uint64_t{0})}) {
    RawClient raw(daemon_);
    ASSERT_TRUE(raw.greet());
    ASSERT_TRUE(raw.send_frame(payload));
    EXPECT_EQ(raw.error_of(Operation::status), ServiceError::malformed);
    EXPECT_TRUE(raw.is_closed_within(std::chrono::seconds(5)));
  }
}

TEST_F(HostileFrames, TruncatedFramesAndSuddenEndsHurtNobody) {
  Bytes stream;
  ASSERT_TRUE(ipc::append_frame(stream, ipc::encode_hello({}).value()));
  ASSERT_TRUE(ipc::append_frame(stream, ipc::encode_request({1, ipc::request::Random{100}}).value()));
  for (std::size_t size = 0; size < stream.size(); ++size) {
    RawClient raw(daemon_);
    ASSERT_TRUE(raw.connected());
    ASSERT_TRUE(size == 0 || raw.send(BytesView(stream).first(size)));
  }
}

TEST_F(HostileFrames, RandomBytesAndMutatedRequests) {
  std::mt19937 random(20240611);
  const auto request =
      ipc::encode_request({9, ipc::request::Generate{key_name("camera/x"), keystore::KeyType::ec_p256,
                                                     keystore::default_policy(keystore::KeyType::ec_p256,
                                                                              keystore::Purpose::tls)}})
          .value();
  for (int i = 0; i < 400; ++i) {
    RawClient raw(daemon_);
    ASSERT_TRUE(raw.connected());
    if (i % 2 == 0) {
      Bytes noise(random() % 300 + 1);
      for (auto& byte : noise) byte = static_cast<std::uint8_t>(random());
      if (i % 4 == 0) raw.greet();
      raw.send(noise);
    } else {
      auto mutated = request;
      for (int n = 0; n < 3; ++n) mutated[random() % mutated.size()] = static_cast<std::uint8_t>(random());
      ASSERT_TRUE(raw.greet());
      ASSERT_TRUE(raw.send_frame(mutated));
      EXPECT_TRUE(raw.receive());  // always an answer
    }
  }
}

TEST_F(HostileFrames, PipelinedRequestsAreAllAnsweredWithTheirIds) {
  RawClient raw(daemon_);
  ASSERT_TRUE(raw.greet());
  Bytes stream;
  for (std::uint32_t id = 100; id < 150; ++id) {
    ASSERT_TRUE(ipc::append_frame(stream, ipc::encode_request({id, ipc::request::Random{16}}).value()));
  }
  ASSERT_TRUE(raw.send(stream));
  for (std::uint32_t id = 100; id < 150; ++id) EXPECT_EQ(ipc::response_id(raw.receive().value()).value(), id);
}

}  // namespace
}  // namespace camvault::keystored
