// OCSP responses (RFC 6960) made by the `openssl ocsp` responder, judged at the time asked.
#include <gtest/gtest.h>

#include "camvault/base/file.h"
#include "camvault/test_support/program.h"
#include "camvault/test_support/temporary_folder.h"
#include "test_pki.h"

namespace camvault::crypto_openssl {
namespace {

using crypto::OcspResponse;
using crypto::PathVerdict;
using std::chrono::hours;
using test_support::run_program;
using test_support::TemporaryFolder;
using namespace test;

// The responder knows no clock but the machine's, so everything here is around now.
class OcspTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::printf("responses by %s", run_program({"openssl", "version"}).output.c_str());
  }

  OcspTest() {
    auto profile = ca_profile();
    profile.not_before = now_ - hours(24 * 30);
    profile.not_after = now_ + hours(24 * 365);
    root_.emplace(Entity::root("root", crypto::KeyAlg::ec_p256, profile));
    ca_.emplace(root_->issue("ca", profile));
    leaf_profile_ = profile;
    leaf_profile_.ca = false;
    leaf_profile_.key_usage = KeyUsage::digital_signature;
    leaf_.emplace(ca_->issue("camera", leaf_profile_));
    responder_profile_ = leaf_profile_;
    responder_profile_.extended_key_usages = {"1.3.6.1.5.5.7.3.9"};
  }

  std::string write_key(const Entity& entity, const std::string& name) {
    return entity.key->private_pem_for_tests().reveal(
        [&](BytesView pem) { return folder_.write(name, as_text(pem)); });
  }

  // `state`: "V", or "R" with the moment and the reason of the revocation. No entry: unknown.
  std::string entry(const Entity& of, const std::string& state) {
    std::string serial = of.cert.serial;
    std::transform(serial.begin(), serial.end(), serial.begin(),
                   [](char c) { return static_cast<char>(std::toupper(c)); });
    return state + "\t" + serial + "\tunknown\t/CN=x\n";
  }
  std::string revoked(const Entity& of, Timestamp since, const std::string& reason) {
    std::string digits;
    for (const char c : to_iso8601(from_unix_seconds(to_unix_seconds(since)))) {
      if (c >= '0' && c <= '9') digits += c;
    }
    return entry(of, "R\t361231235959Z\t" + digits.substr(2) + "Z," + reason);
  }
  std::string good(const Entity& of) { return entry(of, "V\t361231235959Z\t"); }

  Bytes respond(const Entity& subject, const Entity& issuer, const Entity& responder,
                const std::string& index, const std::vector<std::string>& more = {"-ndays", "7"}) {
    const auto ca_file = folder_.write("ca.pem", certificate_pem(issuer.cert));
    const auto cert_file = folder_.write("cert.pem", certificate_pem(subject.cert));
    const auto signer_file = folder_.write("signer.pem", certificate_pem(responder.cert));
    const auto key_file = write_key(responder, "signer.key");
    const auto index_file = folder_.write("index.txt", index);
    const auto request = (folder_ / "request.der").string();
    const auto answer = (folder_ / "answer.der").string();
    auto done = run_program({"openssl", "ocsp", "-issuer", ca_file, "-cert", cert_file, "-reqout", request});
    EXPECT_EQ(done.exit_code, 0) << done.output;
    std::vector<std::string> command{"openssl", "ocsp",     "-index",    index_file, "-CA",
                                     ca_file,   "-rsigner", signer_file, "-rkey",    key_file,
                                     "-reqin",  request,    "-respout",  answer};
    command.insert(command.end(), more.begin(), more.end());
    done = run_program(command);
    EXPECT_EQ(done.exit_code, 0) << done.output;
    return read_file(answer, 1 << 20).value();
  }

  crypto::PathResult judge(const std::vector<Bytes>& answers, Timestamp at) {
    std::vector<OcspResponse> responses;
    for (const auto& answer : answers) {
      auto response = engine_->ocsp_from_der(answer);
      EXPECT_TRUE(response) << response.error().what;
      if (response) responses.push_back(std::move(*response));
    }
    const std::vector<crypto::Certificate> anchors{root_->cert};
    const std::vector<crypto::Certificate> intermediates{ca_->cert};
    crypto::PathRequest request;
    request.leaf = &leaf_->cert;
    request.intermediates = &intermediates;
    request.anchors = &anchors;
    request.ocsp = &responses;
    request.at = at;
    return engine_->validate_path(request);
  }

  TemporaryFolder folder_;
  std::unique_ptr<crypto::Engine> engine_ = make_openssl_engine();
  Timestamp now_ = SystemClock().now();
  CertificateProfile leaf_profile_;
  CertificateProfile responder_profile_;
  std::optional<Entity> root_;
  std::optional<Entity> ca_;
  std::optional<Entity> leaf_;
};

TEST_F(OcspTest, GoodIsGoodUntilItsNextUpdate) {
  const auto responder = ca_->issue("responder", responder_profile_);
  const auto answer = respond(*leaf_, *ca_, responder, good(*leaf_));
  for (const auto at : {now_ - hours(24 * 20), now_, now_ + hours(24 * 6)}) {
    const auto result = judge({answer}, at);
    EXPECT_EQ(result.verdict, PathVerdict::trusted) << result.reason;
    EXPECT_TRUE(result.revocation_checked);
  }
  // Later it says nothing any more.
  EXPECT_FALSE(judge({answer}, now_ + hours(24 * 8)).revocation_checked);
  EXPECT_FALSE(judge({}, now_).revocation_checked);
}

TEST_F(OcspTest, TheIssuerItselfMayAnswer) {
  EXPECT_TRUE(judge({respond(*leaf_, *ca_, *ca_, good(*leaf_))}, now_).revocation_checked);
  // About the device CA the root answers.
  const auto about_ca = judge({respond(*ca_, *root_, *root_, revoked(*ca_, now_ - hours(1), "caCompromise"))},
                              now_ - hours(24));
  EXPECT_EQ(about_ca.verdict, PathVerdict::revoked);
}

TEST_F(OcspTest, RevokedIsJudgedAtRecordingTime) {
  const auto answer = respond(*leaf_, *ca_, *ca_, revoked(*leaf_, now_ - hours(48), "superseded"));
  EXPECT_EQ(judge({answer}, now_).verdict, PathVerdict::revoked);
  EXPECT_EQ(judge({answer}, now_ - hours(47)).verdict, PathVerdict::revoked);
  const auto before = judge({answer}, now_ - hours(49));
  EXPECT_EQ(before.verdict, PathVerdict::trusted) << before.reason;
  EXPECT_TRUE(before.revocation_checked);
}

TEST_F(OcspTest, ACompromisedKeyIsRevokedAtAnyTime) {
  const auto answer = respond(*leaf_, *ca_, *ca_, revoked(*leaf_, now_ - hours(48), "keyCompromise"));
  const auto result = judge({answer}, now_ - hours(24 * 20));
  EXPECT_EQ(result.verdict, PathVerdict::revoked);
  EXPECT_NE(result.reason.find("compromised"), std::string::npos) << result.reason;
}

TEST_F(OcspTest, UnknownAndAnotherCertificateAreNoAnswer) {
  EXPECT_FALSE(judge({respond(*leaf_, *ca_, *ca_, "")}, now_).revocation_checked);
  const auto other = ca_->issue("other camera", leaf_profile_);
  EXPECT_FALSE(judge({respond(other, *ca_, *ca_, good(other))}, now_).revocation_checked);
  EXPECT_EQ(
      judge({respond(other, *ca_, *ca_, revoked(other, now_ - hours(1), "keyCompromise"))}, now_).verdict,
      PathVerdict::trusted);
}

// Who may speak for the issuer: nobody but it and those it named for this.
TEST_F(OcspTest, OthersMayNotAnswer) {
  const auto other_root = Entity::root("other root");
  const auto without_usage = ca_->issue("no usage", leaf_profile_);
  const auto of_another = other_root.issue("of another CA", responder_profile_);
  const auto of_the_root = root_->issue("of the root, not of this CA", responder_profile_);
  auto old_profile = responder_profile_;
  old_profile.not_after = now_ - hours(1);
  const auto expired = ca_->issue("expired", old_profile);
  auto no_signatures = responder_profile_;
  no_signatures.key_usage = KeyUsage::key_encipherment;
  const auto wrong_usage = ca_->issue("not for signatures", no_signatures);
  const Entity* const others[] = {&without_usage, &of_another, &of_the_root, &expired,
                                  &wrong_usage,   &*leaf_,     &other_root};
  for (const auto* responder : others) {
    SCOPED_TRACE(responder->cert.common_name);
    EXPECT_FALSE(judge({respond(*leaf_, *ca_, *responder, good(*leaf_))}, now_).revocation_checked);
    const auto result =
        judge({respond(*leaf_, *ca_, *responder, revoked(*leaf_, now_ - hours(1), "keyCompromise"))}, now_);
    EXPECT_EQ(result.verdict, PathVerdict::trusted) << result.reason;
  }
}

TEST_F(OcspTest, WeakHashesAreNotBelieved) {
  const auto responder = ca_->issue("responder", responder_profile_);
  const auto sha1 = respond(*leaf_, *ca_, responder, good(*leaf_), {"-ndays", "7", "-rmd", "sha1"});
  EXPECT_FALSE(judge({sha1}, now_).revocation_checked);
  const auto sha384 = respond(*leaf_, *ca_, responder, good(*leaf_), {"-ndays", "7", "-rmd", "sha384"});
  EXPECT_TRUE(judge({sha384}, now_).revocation_checked);
}

TEST_F(OcspTest, AnyChangedByteIsNoAnswer) {
  const auto answer = respond(*leaf_, *ca_, *ca_, revoked(*leaf_, now_ - hours(1), "keyCompromise"));
  ASSERT_EQ(judge({answer}, now_).verdict, PathVerdict::revoked);
  int read = 0;
  for (std::size_t i = 0; i < answer.size(); ++i) {
    auto changed = answer;
    changed[i] ^= 0x01;
    const auto response = engine_->ocsp_from_der(changed);
    if (!response) continue;
    ++read;
    const auto result = judge({changed}, now_);
    // The certificates that came with it are not signed and not needed here; everything else is.
    EXPECT_TRUE(result.verdict == PathVerdict::trusted || result.verdict == PathVerdict::revoked);
    EXPECT_FALSE(result.reason.empty());
  }
  EXPECT_GT(read, 50);
}

TEST_F(OcspTest, RefusesWhatIsNoResponse) {
  const auto answer = respond(*leaf_, *ca_, *ca_, good(*leaf_));
  EXPECT_EQ(engine_->ocsp_from_der({}).error().code, Errc::malformed);
  EXPECT_EQ(engine_->ocsp_from_der(BytesView(answer).first(answer.size() - 1)).error().code, Errc::malformed);
  auto longer = answer;
  longer.push_back(0);
  EXPECT_EQ(engine_->ocsp_from_der(longer).error().code, Errc::malformed);
  const Bytes try_later{0x30, 0x03, 0x0a, 0x01, 0x03};
  const auto refused = engine_->ocsp_from_der(try_later);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_NE(refused.error().what.find("trylater"), std::string::npos);
  EXPECT_EQ(engine_->ocsp_from_der(Bytes((1 << 20) + 1, 0)).error().code, Errc::limit);
}

TEST_F(OcspTest, AResponderThatWasRevokedIsNotBelieved) {
  const auto responder = ca_->issue("responder", responder_profile_);
  const auto answer = respond(*leaf_, *ca_, responder, good(*leaf_));
  RevocationContent content;
  content.this_update = now_ - hours(1);
  content.next_update = now_ + hours(24);
  content.revoked = {{responder.cert.serial, now_ - hours(24), RevocationReason::key_compromise}};
  const auto list = issue_revocation_list(*ca_->key, ca_->cert, content).value();
  const auto response = engine_->ocsp_from_der(answer).value();
  const std::vector<OcspResponse> responses{response};
  const std::vector<crypto::RevocationList> lists{list};
  const std::vector<crypto::Certificate> anchors{ca_->cert};
  crypto::PathRequest request;
  request.leaf = &leaf_->cert;
  request.anchors = &anchors;
  request.ocsp = &responses;
  request.at = now_;
  EXPECT_TRUE(engine_->validate_path(request).revocation_checked);
  request.crls = &lists;
  request.at =
      now_ + hours(48);  // past the list's end: the response alone could answer, but its signer is revoked
  EXPECT_FALSE(engine_->validate_path(request).revocation_checked);
}

}  // namespace
}  // namespace camvault::crypto_openssl
