// What is asked, and what is not followed.
#include "camvault/authority_client/http.h"

#include <gtest/gtest.h>

#include "camvault/test_support/tsa.h"

namespace camvault::authority_client {
namespace {

using test_support::Tsa;

TEST(Urls, OnlyPlainOnesAreAsked) {
  for (const auto* good : {"http://tsa.example/", "https://tsa.example:8443/a/b?c=d", "http://192.0.2.7",
                           "https://[2001:db8::1]/tsa"}) {
    const auto status = check_url(good);
    EXPECT_TRUE(status) << good << ": " << status.error().what;
  }
  for (const auto* bad : {"", "tsa.example", "ftp://tsa.example/", "file:///etc/passwd", "http://",
                          "http://user:word@tsa.example/", "http://user@tsa.example/",
                          "http://tsa.example/#part", "http://tsa.example/a b", "http://tsa.example/\r\nX: y",
                          "http://tsa.example:99999/", "HTTP://tsa.example/"}) {
    const auto status = check_url(bad);
    EXPECT_FALSE(status) << bad;
    if (status) continue;
    EXPECT_EQ(status.error().code, Errc::usage) << bad;
  }
  EXPECT_FALSE(check_url("http://tsa.example/" + std::string(3000, 'a')));
}

class HttpTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<test_support::TemporaryFolder>();
    tsa_ = std::make_unique<Tsa>(folder_->path());
  }
  static void TearDownTestSuite() {
    tsa_.reset();
    folder_.reset();
  }
  Result<Bytes> post(Server server) {
    Question question;
    question.content_type = "application/timestamp-query";
    question.expected_type = "application/timestamp-reply";
    question.body = body_;
    return ask(server, question);
  }

  static std::unique_ptr<test_support::TemporaryFolder> folder_;
  static std::unique_ptr<Tsa> tsa_;
  // A query over 32 zero bytes with nonce 1.
  Bytes body_ =
      from_hex("303a0201013031300d060960864801650304020105000420" + std::string(64, '0') + "0201010101ff")
          .value();
};
std::unique_ptr<test_support::TemporaryFolder> HttpTest::folder_;
std::unique_ptr<Tsa> HttpTest::tsa_;

TEST_F(HttpTest, HttpsNeedsAnAuthorityThatIsTrusted) {
  const auto plain = post({tsa_->url("/good"), {}});
  ASSERT_TRUE(plain) << plain.error().what;
  Server secure{tsa_->tls_url("/good"), tsa_->file("web-ca.pem")};
  const auto good = post(secure);
  ASSERT_TRUE(good) << good.error().what;
  secure.ca_file = tsa_->file("root.pem");  // another authority
  EXPECT_EQ(post(secure).error().code, Errc::unavailable);
  secure.ca_file.clear();  // the system's: none of them issued this
  EXPECT_EQ(post(secure).error().code, Errc::unavailable);
  secure = {tsa_->tls_url("/good"), tsa_->file("web-ca.pem")};
  secure.url.replace(secure.url.find("127.0.0.1"), 9, "localhost");  // another name than the certificate's
  EXPECT_EQ(post(secure).error().code, Errc::unavailable);
  secure.ca_file = tsa_->file("ts.cnf");  // no certificate in it
  EXPECT_EQ(post(secure).error().code, Errc::malformed);
  // TLS towards a server that speaks none
  secure = {"https://127.0.0.1:" + std::to_string(tsa_->port()) + "/good", tsa_->file("web-ca.pem")};
  secure.timeout = std::chrono::seconds(2);
  EXPECT_EQ(post(secure).error().code, Errc::unavailable);
}

TEST_F(HttpTest, HostileAnswersCostLittle) {
  for (const auto* path : {"/big", "/garbage", "/html", "/error", "/redirect", "/close", "/no-such-path"}) {
    SCOPED_TRACE(path);
    const auto begin = std::chrono::steady_clock::now();
    const auto answer = post({tsa_->url(path), {}});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::unavailable);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(8));
  }
}

TEST_F(HttpTest, SlowAnswersEndAtTheTimeout) {
  for (const auto* path : {"/slow", "/drip"}) {
    SCOPED_TRACE(path);
    const auto begin = std::chrono::steady_clock::now();
    const auto answer = post({tsa_->url(path), {}, std::chrono::seconds(2)});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::unavailable);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(6));
  }
}

TEST_F(HttpTest, NobodyThere) {
  test_support::TemporaryFolder folder;
  std::string url;
  {
    const Tsa gone(folder.path());
    url = gone.url("/good");
  }
  EXPECT_EQ(post({url, {}}).error().code, Errc::unavailable);
}

}  // namespace
}  // namespace camvault::authority_client
