// The messages of EST and both halves of it, with nothing between. RFC 7030, RFC 8951
#include "camvault/enrolment/est.h"

#include <gtest/gtest.h>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/local_key.h"
#include "camvault/enrolment/est_client.h"
#include "camvault/enrolment/est_server.h"
#include "camvault/enrolment/local_identity.h"
#include "camvault/test_support/program.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::enrolment {
namespace {

using crypto_openssl::LocalKey;

crypto_openssl::SubjectName named(std::string serial, std::string common_name = {}) {
  crypto_openssl::SubjectName name;
  name.device_serial = std::move(serial);
  name.common_name = std::move(common_name);
  return name;
}

TEST(Attributes, TheExampleOfTheRfcIsRead) {
  // RFC 7030 4.5.2: challengePassword, ecPublicKey with secp384r1, extensionRequest with two OIDs,
  // ecdsa-with-SHA384.
  const auto der = decode_body(as_bytes("MEEGCSqGSIb3DQEJBzASBgcqhkjOPQIBMQcGBSuBBAAiMBYGCSqGSIb3DQEJDjEJBgcr"
                                        "\nBgEBAQEWBggqhkjOPQQDAw=="))
                       .value();
  const auto read = read_csr_attributes(der);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_TRUE(read->challenge_password);
  EXPECT_EQ(read->others.size(), 3u);
}

TEST(Attributes, ReadBackAndNeighboursAreRefused) {
  CsrAttributes wanted;
  wanted.challenge_password = true;
  for (int i = 0; i < 30; ++i)
    wanted.others.push_back({0x06, 0x03, 0x2a, 0x03, static_cast<std::uint8_t>(i)});
  const auto der = encode_csr_attributes(wanted);
  const auto back = read_csr_attributes(der);
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_TRUE(back->challenge_password);
  EXPECT_EQ(back->others, wanted.others);
  for (std::size_t size = 0; size < der.size(); ++size)
    EXPECT_FALSE(read_csr_attributes(BytesView(der).first(size)));
  auto longer = der;
  longer.push_back(0);
  EXPECT_FALSE(read_csr_attributes(longer));
  EXPECT_TRUE(read_csr_attributes(from_hex("3000").value()));
  for (const char* bad : {"", "3080", "308100", "30820001", "3100", "300206", "30020600", "30030603",
                          "30043002060 0", "3006300406022a03", "3002a000"})
    EXPECT_FALSE(read_csr_attributes(from_hex(bad).value_or(Bytes{}))) << bad;
  wanted.others.assign(65, {0x06, 0x01, 0x2a});
  EXPECT_EQ(read_csr_attributes(encode_csr_attributes(wanted)).error().code, Errc::limit);
}

TEST(Bodies, AreBase64WithLines) {
  const Bytes data(200, 0x5a);
  EXPECT_EQ(decode_body(as_bytes(encode_body(data))).value(), data);
  EXPECT_FALSE(decode_body(as_bytes("MII!")));
  EXPECT_EQ(decode_body(Bytes(kMaxEstBody + 1, 'A')).error().code, Errc::limit);
}

TEST(Paths, AreTheRfcs) {
  EXPECT_EQ(operation_of("/.well-known/est/simpleenroll"), EstOperation::simpleenroll);
  EXPECT_EQ(operation_of("/.well-known/est/cameras/cacerts"), EstOperation::cacerts);
  for (const auto* bad :
       {"/.well-known/est", "/.well-known/est/", "/.well-known/est//cacerts", "/.well-known/est/a/b/cacerts",
        "/est/cacerts", "/.well-known/estcacerts", "/.well-known/est/fullcmc"})
    EXPECT_FALSE(operation_of(bad)) << bad;
  EXPECT_EQ(label_of("/.well-known/est/media-signing/simpleenroll"), kMediaLabel);
  for (const auto* none :
       {"/.well-known/est/simpleenroll", "/.well-known/est/media-signing", "/x/media-signing/cacerts"})
    EXPECT_EQ(label_of(none), "") << none;
}

// A CA in memory that gives everybody a certificate.
class TestRegistrar final : public Registrar {
 public:
  TestRegistrar() : key(LocalKey::generate(crypto::KeyAlg::ec_p256).value()) {
    crypto_openssl::CertificateProfile profile;
    profile.ca = true;
    profile.key_usage = crypto_openssl::KeyUsage::key_cert_sign | crypto_openssl::KeyUsage::crl_sign;
    profile.not_before = now - std::chrono::hours(1);
    profile.not_after = now + std::chrono::hours(1000);
    ca = crypto_openssl::issue_self_signed(*key, named({}, "Owner CA"), profile, Bytes{1}).value();
  }
  std::vector<crypto::Certificate> ca_certificates() override { return {ca}; }
  CsrAttributes csr_attributes() override { return attributes; }
  Result<std::vector<crypto::Certificate>> enrol(const crypto_openssl::CertificateRequest& request,
                                                 const EstPeer& peer, bool) override {
    if (refusal) return tl::unexpected(*refusal);
    crypto_openssl::CertificateProfile profile;
    profile.not_before = now;
    profile.not_after = now + std::chrono::hours(10);
    CAM_TRY(auto certificate,
            crypto_openssl::issue_certificate(*key, ca, named(peer.path.front().device_serial), request.spki,
                                              profile, Bytes{2}));
    return std::vector{certificate};
  }

  Timestamp now = SystemClock().now();
  std::unique_ptr<LocalKey> key;
  crypto::Certificate ca;
  CsrAttributes attributes;
  std::optional<Error> refusal;
};

// Server and client back to back.
class Direct final : public EstTransport {
 public:
  Direct(Registrar& registrar, EstPeer peer) : registrar_(registrar), peer_(std::move(peer)) {}
  Result<http::Response> exchange(const http::Request& request) override {
    ++exchanges;
    auto answer = answer_est(registrar_, request, peer_);
    why = answer.why;
    return answer.response;
  }
  Result<Bytes> channel_binding() override { return binding; }
  bool always_binds() const override { return always; }

  Bytes binding{1, 2, 3};
  bool always = false;
  int exchanges = 0;
  std::string why;

 private:
  Registrar& registrar_;
  EstPeer peer_;
};

class Est : public testing::Test {
 protected:
  Est() {
    auto device = registrar.ca;  // who asks; any judged path will do here
    device.device_serial = "CAM-1";
    peer.path = {device};
    peer.channel_binding = Bytes{1, 2, 3};
  }
  EstClient::MakeRequest make_request() {
    return [this](const std::string& challenge) {
      sent_challenge = challenge;
      return crypto_openssl::make_certificate_request(*device_key, named("CAM-1"),
                                                      crypto_openssl::RsaPadding::pkcs1v15, challenge);
    };
  }
  http::Response post(const std::string& path, const std::string& body,
                      const std::string& type = "application/pkcs10") {
    http::Request request;
    request.method = "POST";
    request.target = path;
    request.headers.add("Content-Type", type);
    request.body = to_bytes(as_bytes(body));
    return answer_est(registrar, request, peer).response;
  }

  TestRegistrar registrar;
  EstPeer peer;
  std::unique_ptr<LocalKey> device_key = LocalKey::generate(crypto::KeyAlg::ec_p256).value();
  std::string sent_challenge;
};

TEST_F(Est, ACertificateForTheKeyThatAsks) {
  Direct transport(registrar, peer);
  EstClient client(transport, "cameras");
  EXPECT_EQ(client.ca_certificates().value().front().der, registrar.ca.der);
  const auto certificates = client.enrol(make_request(), false);
  ASSERT_TRUE(certificates) << certificates.error().what << transport.why;
  EXPECT_EQ(certificates->front().key->spki_der(), device_key->spki_der());
  EXPECT_EQ(sent_challenge, "");
}

// RFC 7030 3.5
TEST_F(Est, RequestsAreBoundToTheirConnection) {
  Direct transport(registrar, peer);
  transport.always = true;
  EstClient client(transport);
  EXPECT_TRUE(client.enrol(make_request(), false));
  EXPECT_EQ(sent_challenge, "AQID");
  transport.always = false;
  registrar.attributes.challenge_password = true;
  EXPECT_TRUE(client.enrol(make_request(), true));
  EXPECT_EQ(sent_challenge, "AQID");
  transport.binding = {1, 2, 4};  // somebody carries the request over to his own connection
  EXPECT_EQ(client.enrol(make_request(), false).error().code, Errc::denied);
  EXPECT_EQ(transport.why, "the request is bound to another connection");
  const auto unbound = make_request()("").value();
  EXPECT_EQ(post("/.well-known/est/simpleenroll", encode_body(unbound)).status, 400);
}

TEST_F(Est, WhatIsRefused) {
  const auto good = encode_body(make_request()("").value());
  EXPECT_EQ(post("/.well-known/est/simpleenroll", good).status, 200);
  EXPECT_EQ(post("/.well-known/est/serverkeygen", good).status, 501);
  EXPECT_EQ(post("/.well-known/est/cacerts", good).status, 405);
  EXPECT_EQ(post("/.well-known/est/simpleenroll", good, "text/plain").status, 415);
  EXPECT_EQ(post("/.well-known/est/simpleenroll", "not base64!").status, 400);
  EXPECT_EQ(post("/.well-known/est/simpleenroll", encode_body(Bytes{0x30, 0x00})).status, 400);
  auto forged = make_request()("").value();
  forged[forged.size() - 3] = static_cast<std::uint8_t>(forged[forged.size() - 3] ^ 1);
  EXPECT_EQ(post("/.well-known/est/simpleenroll", encode_body(forged)).status, 400);
  EXPECT_EQ(post("/elsewhere", good).status, 404);
  // Another label is passed over; this one asks for something that this registrar does not give.
  EXPECT_EQ(post("/.well-known/est/north/simpleenroll", good).status, 200);
  EXPECT_EQ(post("/.well-known/est/media-signing/simpleenroll", good).status, 403);
  registrar.refusal = Error{Errc::denied, "not on the list"};
  EXPECT_EQ(post("/.well-known/est/simpleenroll", good).status, 403);
  registrar.refusal = Error{Errc::unavailable, "the database is away"};
  const auto later = post("/.well-known/est/simpleenroll", good);
  EXPECT_EQ(later.status, 503);
  EXPECT_EQ(later.headers.get("Retry-After"), "2");
  peer.path.clear();
  EXPECT_EQ(post("/.well-known/est/simpleenroll", good).status, 401);
}

// A server that lies.
class Lying final : public EstTransport {
 public:
  http::Response answer;
  Result<http::Response> exchange(const http::Request&) override { return answer; }
  Result<Bytes> channel_binding() override { return fail(Errc::unsupported, "none"); }
  bool always_binds() const override { return false; }
};

TEST_F(Est, ClientsTakeNoNonsense) {
  Lying server;
  EstClient client(server);
  const auto answer = [&](int status, const char* type, const std::string& body) {
    server.answer = {};
    server.answer.status = status;
    server.answer.headers.add("Content-Type", type);
    server.answer.headers.add("Retry-After", "120");
    server.answer.body = to_bytes(as_bytes(body));
    return client.ca_certificates();
  };
  EXPECT_EQ(answer(200, "text/html", "<html>").error().code, Errc::malformed);
  EXPECT_EQ(answer(200, "application/pkcs7-mime", "MII=").error().code, Errc::malformed);
  EXPECT_EQ(answer(200, "application/pkcs7-mime", "").error().code, Errc::malformed);
  EXPECT_EQ(
      answer(200, "application/pkcs7-mime", encode_body(crypto_openssl::encode_certs_only({}))).error().code,
      Errc::malformed);
  EXPECT_EQ(answer(202, "text/plain", "").error().code, Errc::unavailable);
  EXPECT_EQ(client.retry_after(), std::chrono::seconds(120));
  EXPECT_EQ(answer(503, "text/plain", "").error().code, Errc::unavailable);
  EXPECT_EQ(answer(403, "text/plain", "").error().code, Errc::denied);
  EXPECT_EQ(answer(301, "text/plain", "").error().code, Errc::denied);
  const auto many = crypto_openssl::encode_certs_only(std::vector<crypto::Certificate>(33, registrar.ca));
  EXPECT_EQ(answer(200, "application/pkcs7-mime", encode_body(many)).error().code, Errc::limit);
}

TEST_F(Est, OpensslReadsOurMessages) {
  const test_support::TemporaryFolder folder;
  folder.write("p7", std::string(as_text(crypto_openssl::encode_certs_only({registrar.ca, registrar.ca}))));
  const auto certs = test_support::run_program(
      {"openssl", "pkcs7", "-inform", "DER", "-in", (folder / "p7").string(), "-print_certs"});
  EXPECT_EQ(certs.exit_code, 0) << certs.output;
  EXPECT_NE(certs.output.find("Owner CA"), std::string::npos);
  folder.write("csr", std::string(as_text(make_request()("AQID+/=").value())));
  const auto csr = test_support::run_program(
      {"openssl", "req", "-inform", "DER", "-in", (folder / "csr").string(), "-noout", "-text", "-verify"});
  EXPECT_EQ(csr.exit_code, 0) << csr.output;
  EXPECT_NE(csr.output.find("AQID+/="), std::string::npos) << csr.output;
}

TEST(State, IsReplacedInOneStepAndRefusedWhenDamaged) {
  const test_support::TemporaryFolder folder;
  EXPECT_FALSE(read_local_identity(folder.path()).value().active);
  LocalIdentity identity;
  identity.keys_made = 7;
  identity.active = KeyedChain{"camera/ldevid-7", "PEM"};
  identity.pending_key = "camera/ldevid-8";
  ASSERT_TRUE(write_local_identity(folder.path(), identity));
  const auto back = read_local_identity(folder.path()).value();
  EXPECT_EQ(back.active->key, "camera/ldevid-7");
  EXPECT_EQ(back.pending_key, "camera/ldevid-8");
  EXPECT_FALSE(back.previous);
  for (const char* bad :
       {"", "[]", "{\"version\":1,\"keys_made\":\"x\"}", "{\"version\":1,\"server\":[1]}"}) {
    folder.write(kStateFile, bad);
    EXPECT_EQ(read_local_identity(folder.path()).error().code, Errc::malformed) << bad;
  }
  folder.write(kStateFile, "{\"version\":2}");
  EXPECT_EQ(read_local_identity(folder.path()).error().code, Errc::unsupported);
}

}  // namespace
}  // namespace camvault::enrolment
