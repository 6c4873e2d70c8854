// One question to a real authority (`openssl ts`), and to dishonest ones.
#include "camvault/authority_client/time_stamp_client.h"

#include <gtest/gtest.h>

#include "camvault/base/file.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/test_support/tsa.h"

namespace camvault::authority_client {
namespace {

using test_support::Tsa;

class TimeStampClientTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<test_support::TemporaryFolder>();
    tsa_ = std::make_unique<Tsa>(folder_->path());
    std::printf("authority: `openssl ts` (%s) behind Python's HTTP server\n",
                test_support::run_program({"openssl", "version"}).output.c_str());
  }
  static void TearDownTestSuite() {
    tsa_.reset();
    folder_.reset();
  }
  TimeStampAuthority authority(const std::string& path) {
    TimeStampAuthority out;
    out.server.url = tsa_->url(path);
    out.anchors =
        engine_->certificates_from_pem(as_text(read_file(tsa_->file("root.pem"), 1 << 16).value())).value();
    return out;
  }
  Result<TimeStampToken> fetch(const std::string& path) {
    return fetch_time_stamp(*engine_, authority(path), digest_);
  }

  static std::unique_ptr<test_support::TemporaryFolder> folder_;
  static std::unique_ptr<Tsa> tsa_;
  std::unique_ptr<crypto::Engine> engine_ = crypto_openssl::make_openssl_engine();
  crypto::Digest digest_ = engine_->digest(crypto::HashAlg::sha256, as_bytes("a signature"));
};
std::unique_ptr<test_support::TemporaryFolder> TimeStampClientTest::folder_;
std::unique_ptr<Tsa> TimeStampClientTest::tsa_;

TEST_F(TimeStampClientTest, AnHonestAuthority) {
  const auto token = fetch("/good");
  ASSERT_TRUE(token) << token.error().what;
  EXPECT_EQ(token->says.verdict, crypto::TimeStampVerdict::trusted);
  EXPECT_EQ(token->says.authority, "Test TSA");
  // Anybody can judge the token later, without the nonce.
  crypto::TimeStampCheck check;
  check.token = token->der;
  check.imprint = digest_;
  const auto anchors = authority("/good").anchors;
  check.anchors = &anchors;
  EXPECT_EQ(engine_->check_time_stamp(check).verdict, crypto::TimeStampVerdict::trusted);
}

TEST_F(TimeStampClientTest, WithoutAnchorsWhoeverAnswersIsTaken) {
  auto anybody = authority("/foreign");
  anybody.anchors.clear();
  const auto token = fetch_time_stamp(*engine_, anybody, digest_);
  ASSERT_TRUE(token) << token.error().what;
  EXPECT_EQ(token->says.verdict, crypto::TimeStampVerdict::untrusted);
  anybody.server.url = tsa_->url("/no-eku");  // but not whatever is answered
  EXPECT_EQ(fetch_time_stamp(*engine_, anybody, digest_).error().code, Errc::invalid);
}

TEST_F(TimeStampClientTest, DishonestAuthoritiesAreRefusedByName) {
  const std::pair<const char*, const char*> refused[] = {{"/nonce", "nonce"},
                                                         {"/imprint", "something else"},
                                                         {"/foreign", "trusted"},
                                                         {"/expired", "expired"},
                                                         {"/no-eku", "may not make time stamps"},
                                                         {"/no-cert", "without the certificate"}};
  for (const auto& [path, words] : refused) {
    SCOPED_TRACE(path);
    const auto token = fetch(path);
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().code, Errc::invalid);
    EXPECT_NE(token.error().what.find(words), std::string::npos) << token.error().what;
  }
  EXPECT_EQ(fetch("/reject").error().code, Errc::denied);
  auto other_policy = authority("/good");
  other_policy.policy = "1.3.6.1.4.1.32473.7.99";
  EXPECT_EQ(fetch_time_stamp(*engine_, other_policy, digest_).error().code, Errc::denied);
}

TEST_F(TimeStampClientTest, AnswersThatAreNone) {
  for (const auto* path : {"/big", "/garbage", "/html", "/error", "/redirect", "/close"}) {
    SCOPED_TRACE(path);
    EXPECT_EQ(fetch(path).error().code, Errc::unavailable);
  }
}

}  // namespace
}  // namespace camvault::authority_client
