// IP-2.4-3, AX-2.1-5: a new issuing CA takes the place of the old one; revocation lists and OCSP tell the
// world.
#include <gtest/gtest.h>

#include "camvault/crypto_openssl/ocsp.h"
#include "camvault/crypto_openssl/ocsp_answer.h"
#include "camvault/identity/delivery.h"
#include "camvault/test_support/program.h"
#include "factory_fixture.h"

namespace camvault::identity {
namespace {

using crypto::PathVerdict;
using namespace test;
using test_support::run_program;

struct Drill : Site {
  Drill() : Site(KeyAlg::ec_p256, settings(), fast_folder()) {}
  PathVerdict judge(const std::string& chain_pem, Timestamp at, bool proven = false) const {
    const auto chain = engine->certificates_from_pem(chain_pem).value();
    const std::vector<crypto::Certificate> anchors{factory->root()};
    std::vector<crypto::RevocationList> lists;
    for (const auto* file : {"root-ca.crl.pem", "device-ca.crl.pem", "device-ca-2.crl.pem"}) {
      const auto list = read_file(path() / file, 1 << 20);
      if (list) lists.push_back(engine->crl_from_pem_or_der(*list).value());
    }
    crypto::PathRequest request;
    request.leaf = &chain.front();
    request.intermediates = &chain;
    request.anchors = &anchors;
    request.crls = &lists;
    request.at = at;
    request.at_is_proven = proven;
    return engine->validate_path(request).verdict;
  }
  std::unique_ptr<LocalKey> second_key = LocalKey::generate(KeyAlg::ec_p256).value();
};

TEST(Rollover, AHundredCamerasMoveAndOldRecordingsStay) {
  for (const bool stolen : {false, true}) {
    Drill on;
    constexpr int kCameras = 100;
    std::map<std::string, DeviceCertificates> before;
    for (int i = 0; i < kCameras; ++i) {
      const auto serial = "CAM-" + std::to_string(i);
      before.emplace(serial, on.provision(Camera::make(), serial).value());
    }
    const auto recorded = on.clock.time + std::chrono::hours(1);
    on.clock.time += std::chrono::days(30);
    ASSERT_TRUE(on.factory->revoke(*on.ca_key, "CAM-0", RevocationCause::key_compromise));
    EXPECT_EQ(on.factory->next_authority_name("device-ca"), "device-ca-2");
    EXPECT_EQ(on.factory->add_authority(*on.root_key, *on.ca_key, "device-ca").error().code, Errc::exists);
    ASSERT_EQ(on.factory->add_authority(*on.root_key, *on.second_key, "device-ca").value(), "device-ca-2");
    EXPECT_EQ(on.factory->device_ca().common_name, "Device CA 2");
    // From now on the old key issues nothing.
    EXPECT_EQ(on.provision(Camera::make(), "NEW-1").error().code, Errc::usage);
    EXPECT_EQ(on.factory->reissue(*on.ca_key, "CAM-1").error().code, Errc::usage);
    int moved = 0;
    std::map<std::string, DeviceCertificates> after;
    for (const auto& serial : on.factory->serials()) {
      if (moved == kCameras / 2) on.reopen();  // as after a stop
      const auto made = on.factory->reissue(*on.second_key, serial);
      if (!made) {
        EXPECT_EQ(serial, "CAM-0") << made.error().what;
        continue;
      }
      ++moved;
      after.emplace(serial, *made);
      EXPECT_EQ(made->identity.key->spki_der(), before.at(serial).identity.key->spki_der());
      EXPECT_EQ(on.factory->reissue(*on.second_key, serial).error().code, Errc::exists);
      EXPECT_EQ(on.factory->issued(serial)->identity.der, made->identity.der);
    }
    EXPECT_EQ(moved, kCameras - 1);
    ASSERT_TRUE(on.factory->revoke_authority(
        "device-ca", stolen ? RevocationCause::key_compromise : RevocationCause::superseded));
    ASSERT_TRUE(on.factory->publish_root_list(*on.root_key, std::chrono::days(365)));
    const auto now = on.clock.time + std::chrono::hours(1);
    for (const auto& [serial, certificates] : after) {
      EXPECT_EQ(on.judge(certificates.media_signing_chain_pem, now), PathVerdict::trusted) << serial;
      const auto& old = before.at(serial).media_signing_chain_pem;
      EXPECT_EQ(on.judge(old, now), PathVerdict::revoked) << serial;
      // A recording of before: as it was, where nobody stole the key; and else if a time stamp authority saw
      // it.
      EXPECT_EQ(on.judge(old, recorded), stolen ? PathVerdict::revoked : PathVerdict::trusted) << serial;
      EXPECT_EQ(on.judge(old, recorded, true), PathVerdict::trusted) << serial;
    }
    EXPECT_NE(on.judge(before.at("CAM-0").media_signing_chain_pem, recorded), PathVerdict::trusted);
    // New cameras come from the new CA; a camera revoked later is so in both lists.
    ASSERT_TRUE(on.factory->provision(*on.second_key, Camera::make().request("NEW-1")));
    ASSERT_TRUE(on.factory->revoke(*on.second_key, "CAM-1", RevocationCause::cessation_of_operation));
    EXPECT_EQ(on.judge(after.at("CAM-1").identity_chain_pem, now + std::chrono::hours(1)),
              PathVerdict::revoked);
    on.reopen();
    EXPECT_EQ(on.factory->authorities(), (std::vector<std::string>{"device-ca", "device-ca-2"}));
    EXPECT_EQ(on.factory->serials().size(), static_cast<std::size_t>(kCameras) + 1);
  }
}

TEST(Ocsp, OpensslAgrees) {
  Drill on;
  on.clock.time = SystemClock().now();  // the program has no other
  // A fresh CA: certificates of the fixture begin when its clock stood still.
  const auto certs = on.provision(Camera::make(), "S1").value();
  const auto other = on.provision(Camera::make(), "S2").value();
  const auto responder = LocalKey::generate(KeyAlg::ec_p256).value();
  ASSERT_TRUE(on.factory->certify_responder(*on.ca_key, responder->spki_der()));
  EXPECT_EQ(on.factory->certify_responder(*responder, responder->spki_der()).error().code, Errc::usage);
  ASSERT_TRUE(on.factory->revoke(*on.ca_key, "S2", RevocationCause::superseded));
  const auto ca = (on.path() / "device-ca.pem").string();
  const auto root = (on.path() / "root-ca.pem").string();
  const auto ask = [&](const crypto::Certificate& certificate, const std::vector<std::string>& more) {
    const auto leaf = on.folder.write("leaf.pem", crypto_openssl::certificate_pem(certificate));
    const auto request = (on.folder / "request.der").string();
    std::vector<std::string> make{"openssl", "ocsp"};
    make.insert(make.end(), more.begin(), more.end());
    for (const auto& each :
         {std::string("-issuer"), ca, std::string("-cert"), leaf, std::string("-reqout"), request})
      make.push_back(each);
    EXPECT_EQ(run_program(make).exit_code, 0);
    const auto query = read_file(request, 1 << 16).value();
    const auto answer = on.factory->answer_ocsp(*responder, "device-ca", query, std::chrono::hours(1));
    const auto file = on.folder.write("answer.der", std::string(as_text(answer)));
    // With -no_nonce the program makes no new nonce, and compares the request's with the answer's.
    std::vector<std::string> look{"openssl", "ocsp", "-no_nonce"};
    look.insert(look.end(), more.begin(), more.end());
    for (const auto& each :
         {std::string("-respin"), file, std::string("-reqin"), request, std::string("-issuer"), ca,
          std::string("-cert"), leaf, std::string("-CAfile"), root, std::string("-verify_other"), ca})
      look.push_back(each);
    return run_program(look).output;
  };
  for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"-no_nonce"}, {"-sha256"}}) {
    auto said = ask(certs.identity, more);
    EXPECT_NE(said.find("Response verify OK"), std::string::npos) << said;
    EXPECT_NE(said.find("leaf.pem: good"), std::string::npos) << said;
    said = ask(other.media_signing, more);
    EXPECT_NE(said.find("leaf.pem: revoked"), std::string::npos) << said;
    EXPECT_NE(said.find("superseded"), std::string::npos) << said;
  }
  // Made beforehand, and as our own verifier sees them.
  const auto made =
      on.factory->make_ocsp_answers(*responder, "device-ca", "S2", std::chrono::hours(24)).value();
  ASSERT_EQ(made.size(), 2u);
  EXPECT_EQ(made[0].number, other.identity.serial);
  const std::vector<crypto::OcspResponse> answers{on.engine->ocsp_from_der(made[0].response).value()};
  const std::vector<crypto::Certificate> chain{on.factory->device_ca()};
  const std::vector<crypto::Certificate> anchors{on.factory->root()};
  crypto::PathRequest path;
  path.leaf = &other.identity;
  path.intermediates = &chain;
  path.anchors = &anchors;
  path.ocsp = &answers;
  path.at = on.clock.time + std::chrono::seconds(1);
  EXPECT_EQ(on.engine->validate_path(path).verdict, PathVerdict::revoked);
  // What is no question, or about somebody else's certificates.
  EXPECT_EQ(on.factory->answer_ocsp(*responder, "device-ca", as_bytes("x"), std::chrono::hours(1)),
            crypto_openssl::ocsp_refusal(crypto_openssl::OcspRefusal::malformed_request));
  const auto foreign =
      crypto_openssl::encode_ocsp_request(on.factory->device_ca(), on.factory->root()).value();
  EXPECT_EQ(on.factory->answer_ocsp(*responder, "device-ca", foreign, std::chrono::hours(1)),
            crypto_openssl::ocsp_refusal(crypto_openssl::OcspRefusal::unauthorized));
  EXPECT_EQ(on.factory->answer_ocsp(*responder, "nobody", foreign, std::chrono::hours(1)),
            crypto_openssl::ocsp_refusal(crypto_openssl::OcspRefusal::unauthorized));
}

// NC-4-1, by a distributor.
TEST(Delivery, ASignedList) {
  Drill on;
  const auto log_key = LocalKey::generate(KeyAlg::ec_p256).value();
  ASSERT_TRUE(on.factory->certify_log_signer(*on.root_key, log_key->spki_der()));
  for (const auto* serial : {"S1", "S2", "S3"}) ASSERT_TRUE(on.provision(Camera::make(), serial));
  const auto list = on.factory->deliver(*log_key, "North Distribution", {"S1", "S2"}).value();
  const std::vector<crypto::Certificate> anchors{on.factory->root()};
  const auto read = check_delivery_list(*on.engine, list.text, list.signature, anchors).value();
  EXPECT_EQ(read.to, "North Distribution");
  ASSERT_EQ(read.cameras.size(), 2u);
  EXPECT_EQ(read.cameras[1].second, on.factory->issued("S2")->identity.sha256);
  on.reopen();
  EXPECT_EQ(on.factory->deliver(*log_key, "South", {"S3", "S2"}).error().code, Errc::exists);
  EXPECT_EQ(on.factory->deliver(*log_key, "South", {"S3", "S3"}).error().code, Errc::exists);
  EXPECT_EQ(on.factory->deliver(*log_key, "South", {"S4"}).error().code, Errc::not_found);
  EXPECT_TRUE(on.factory->deliver(*log_key, "South", {"S3"}));
  auto changed = list.text;
  changed[changed.find("S1") + 1] = '9';
  EXPECT_EQ(check_delivery_list(*on.engine, changed, list.signature, anchors).error().code, Errc::invalid);
  const Drill other;
  EXPECT_EQ(check_delivery_list(*on.engine, list.text, list.signature, {other.factory->root()}).error().code,
            Errc::invalid);
}

}  // namespace
}  // namespace camvault::identity
