// The question over HTTP to `openssl ocsp -port`, a responder of its own.
#include "camvault/authority_client/ocsp_client.h"

#include <gtest/gtest.h>

#include "camvault/crypto_openssl/engine.h"
#include "responder.h"

namespace camvault::authority_client {
namespace {

using test::Responder;

class OcspClientTest : public testing::Test {
 protected:
  crypto::Certificate read(const std::string& name) {
    return engine_->certificates_from_pem(folder_.read(name)).value().front();
  }

  test_support::TemporaryFolder folder_;
  std::unique_ptr<crypto::Engine> engine_ = crypto_openssl::make_openssl_engine();
};

TEST_F(OcspClientTest, TheResponderThatTheCertificateNames) {
  const Responder responder(folder_);
  const auto leaf = read("leaf.pem");
  const auto ca = read("ca.pem");
  EXPECT_EQ(responder_of(leaf), responder.url());
  EXPECT_EQ(responder_of(ca), "");
  const auto response = fetch_ocsp(*engine_, {responder_of(leaf), {}}, leaf, ca);
  ASSERT_TRUE(response) << response.error().what;
  const std::vector<crypto::Certificate> anchors{ca};
  const std::vector<crypto::OcspResponse> responses{*response};
  crypto::PathRequest request;
  request.leaf = &leaf;
  request.anchors = &anchors;
  request.ocsp = &responses;
  request.at = SystemClock().now();
  const auto result = engine_->validate_path(request);
  EXPECT_EQ(result.verdict, crypto::PathVerdict::revoked) << result.reason;  // as its index says
  EXPECT_EQ(fetch_ocsp(*engine_, {responder.url(), {}}, ca, leaf).error().code, Errc::usage);
}

TEST_F(OcspClientTest, NobodyThere) {
  std::string url;
  {
    const Responder responder(folder_);
    url = responder.url();
  }
  EXPECT_EQ(
      fetch_ocsp(*engine_, {url, {}, std::chrono::seconds(2)}, read("leaf.pem"), read("ca.pem")).error().code,
      Errc::unavailable);
}

}  // namespace
}  // namespace camvault::authority_client
