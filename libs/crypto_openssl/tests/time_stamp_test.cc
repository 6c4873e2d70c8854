// RFC 3161 against `openssl ts`: tokens that are good, and the refused neighbour of everything that makes one
// good.
#include <gtest/gtest.h>

#include "time_stamp_peer.h"

namespace camvault::crypto_openssl {
namespace {

using crypto::HashAlg;
using crypto::TimeStampCheck;
using crypto::TimeStampResult;
using crypto::TimeStampVerdict;
using std::chrono::hours;
using std::chrono::minutes;
using namespace test;

class TimeStampTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::printf("tokens by %s", test_support::run_program({"openssl", "version"}).output.c_str());
  }

  Bytes token(const Entity& signer, const std::string& policy = {}) {
    const auto query = encode_time_stamp_query(HashAlg::sha256, imprint_, nonce_, policy).value();
    const auto found = time_stamp_token_of(peer_.answer(query, signer));
    EXPECT_TRUE(found) << found.error().what;
    return found.value_or(Bytes());
  }
  TimeStampCheck check_of(BytesView token) {
    TimeStampCheck check;
    check.token = token;
    check.imprint = imprint_;
    check.anchors = &anchors_;
    return check;
  }
  TimeStampResult judge(BytesView token) { return engine_->check_time_stamp(check_of(token)); }
  TimeStampPeer::Claims claims() {
    return {imprint_, pki_.now, {}, 1, "1.2.840.113549.1.9.16.1.4", {"-cades", "-md", "sha256"}};
  }
  void expect(TimeStampVerdict verdict, const std::string& words, const TimeStampResult& result) {
    EXPECT_EQ(result.verdict, verdict) << to_string(result.verdict) << ": " << result.reason;
    EXPECT_NE(result.reason.find(words), std::string::npos) << result.reason;
  }

  test_support::TemporaryFolder folder_;
  TimeStampPki pki_;
  TimeStampPeer peer_{folder_};
  std::unique_ptr<crypto::Engine> engine_ = make_openssl_engine();
  std::vector<crypto::Certificate> anchors_{pki_.root.cert};
  crypto::Digest imprint_ = engine_->digest(HashAlg::sha256, as_bytes("a signature"));
  Bytes nonce_{0x81, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08};
};

TEST_F(TimeStampTest, AGoodTokenSaysWhenAndWho) {
  const auto der = token(pki_.authority);
  auto check = check_of(der);
  check.nonce = nonce_;
  check.policy = kPolicy;
  const auto result = engine_->check_time_stamp(check);
  ASSERT_EQ(result.verdict, TimeStampVerdict::trusted) << result.reason;
  EXPECT_EQ(result.authority, "Test TSA");
  EXPECT_EQ(result.fingerprint, pki_.authority.cert.sha256);
  EXPECT_EQ(result.policy, kPolicy);
  EXPECT_EQ(result.serial.empty(), false);
  ASSERT_TRUE(result.time);
  EXPECT_LT(*result.time - pki_.now, minutes(5));
  EXPECT_GT(*result.time - pki_.now, -minutes(5));
  EXPECT_EQ(result.accuracy, Ticks(std::chrono::microseconds(1'500'100)));
}

TEST_F(TimeStampTest, AllKeysAndHashes) {
  for (const auto alg : {crypto::KeyAlg::ec_p384, crypto::KeyAlg::rsa_2048, crypto::KeyAlg::ec_p521}) {
    const auto authority = pki_.root.issue("TSA", pki_.tsa, alg);
    expect(TimeStampVerdict::trusted, "", judge(token(authority)));
  }
  for (const auto hash : {HashAlg::sha384, HashAlg::sha512}) {
    const auto digest = engine_->digest(hash, as_bytes("a signature"));
    const auto query = encode_time_stamp_query(hash, digest, nonce_).value();
    const auto der = time_stamp_token_of(peer_.answer(query, pki_.authority)).value();
    auto check = check_of(der);
    check.hash = hash;
    check.imprint = digest;
    expect(TimeStampVerdict::trusted, "", engine_->check_time_stamp(check));
    check.imprint = imprint_;
    check.hash = HashAlg::sha256;
    expect(TimeStampVerdict::invalid, "something else", engine_->check_time_stamp(check));
  }
}

TEST_F(TimeStampTest, IntermediatesComeWithTheToken) {
  auto ca = pki_.ca;
  const auto issuing = pki_.root.issue("Issuing TSA CA", ca);
  const auto authority = issuing.issue("TSA below", pki_.tsa);
  const auto query = encode_time_stamp_query(HashAlg::sha256, imprint_, nonce_).value();
  const auto with = time_stamp_token_of(peer_.answer(query, authority, {issuing.cert})).value();
  expect(TimeStampVerdict::trusted, "", judge(with));
  const auto without = time_stamp_token_of(peer_.answer(query, authority)).value();
  expect(TimeStampVerdict::untrusted, "", judge(without));
}

TEST_F(TimeStampTest, AnotherImprintNonceOrPolicyIsRefused) {
  const auto der = token(pki_.authority, kOtherPolicy);
  auto check = check_of(der);
  check.imprint = engine_->digest(HashAlg::sha256, as_bytes("another signature"));
  expect(TimeStampVerdict::invalid, "something else", engine_->check_time_stamp(check));
  check = check_of(der);
  check.nonce = Bytes{1, 2, 3};
  expect(TimeStampVerdict::invalid, "nonce", engine_->check_time_stamp(check));
  check = check_of(der);
  check.policy = kPolicy;
  expect(TimeStampVerdict::invalid, "policy", engine_->check_time_stamp(check));
  check.policy = kOtherPolicy;
  expect(TimeStampVerdict::trusted, "", engine_->check_time_stamp(check));
  // A token without a nonce does not answer a request that had one.
  const auto without = peer_.forge(claims(), pki_.authority);
  check = check_of(without);
  expect(TimeStampVerdict::trusted, "", engine_->check_time_stamp(check));
  check.nonce = nonce_;
  expect(TimeStampVerdict::invalid, "nonce", engine_->check_time_stamp(check));
}

TEST_F(TimeStampTest, AForeignAuthorityIsNotTrusted) {
  const auto foreign = Entity::root("foreign", crypto::KeyAlg::ec_p256, pki_.ca);
  const auto authority = foreign.issue("Foreign TSA", pki_.tsa);
  const auto result = judge(token(authority));
  expect(TimeStampVerdict::untrusted, "", result);
  EXPECT_EQ(result.authority, "Foreign TSA");
  EXPECT_TRUE(result.time);
  anchors_.clear();
  expect(TimeStampVerdict::untrusted, "", judge(token(pki_.authority)));
}

// The chain counts at the token's time, not today and not at the recording time.
TEST_F(TimeStampTest, TheChainIsJudgedAtTheTokensTime) {
  auto old_profile = pki_.tsa;
  old_profile.not_after = pki_.now - hours(24);
  const auto retired = pki_.root.issue("retired TSA", old_profile);
  auto say = claims();
  say.time = pki_.now - hours(48);
  // `openssl cms` says in the signed attributes when it signed, and these two times differ.
  expect(TimeStampVerdict::invalid, "another time", judge(peer_.forge(say, retired)));
  say.time = pki_.now;
  const auto expired = judge(peer_.forge(say, retired));
  expect(TimeStampVerdict::untrusted, "expired", expired);
  auto later = pki_.tsa;
  later.not_before = pki_.now + hours(24);
  expect(TimeStampVerdict::untrusted, "valid only from",
         judge(peer_.forge(say, pki_.root.issue("coming TSA", later))));
}

TEST_F(TimeStampTest, RevocationCountsAtTheTokensTime) {
  const auto der = token(pki_.authority);
  const auto list = [&](Timestamp since, RevocationReason reason) {
    RevocationContent content;
    content.this_update = pki_.now - hours(1);
    content.next_update = pki_.now + hours(24);
    content.revoked = {{pki_.authority.cert.serial, since, reason}};
    return std::vector<crypto::RevocationList>{
        issue_revocation_list(*pki_.root.key, pki_.root.cert, content).value()};
  };
  auto check = check_of(der);
  auto lists = list(pki_.now + hours(1), RevocationReason::superseded);
  check.crls = &lists;
  const auto later = engine_->check_time_stamp(check);
  expect(TimeStampVerdict::trusted, "", later);
  EXPECT_TRUE(later.revocation_checked);
  lists = list(pki_.now - hours(2), RevocationReason::superseded);
  expect(TimeStampVerdict::untrusted, "revoked", engine_->check_time_stamp(check));
  // RFC 3161 section 4: of a stolen key no token counts.
  lists = list(pki_.now + hours(1), RevocationReason::key_compromise);
  expect(TimeStampVerdict::untrusted, "compromised", engine_->check_time_stamp(check));
}

TEST_F(TimeStampTest, OnlyCertificatesForStampingMayStamp) {
  const auto profile = [&](std::vector<std::string> usages, bool critical, KeyUsage usage) {
    auto p = pki_.tsa;
    p.extended_key_usages = std::move(usages);
    p.extended_key_usage_critical = critical;
    p.key_usage = usage;
    return p;
  };
  const std::string stamping = "1.3.6.1.5.5.7.3.8";
  const CertificateProfile refused[] = {
      profile({}, true, KeyUsage::digital_signature),                               // for anything
      profile({stamping}, false, KeyUsage::digital_signature),                      // RFC 3161 2.3: critical
      profile({stamping, "1.3.6.1.5.5.7.3.3"}, true, KeyUsage::digital_signature),  // and nothing else
      profile({"1.3.6.1.5.5.7.3.3"}, true, KeyUsage::digital_signature),            // code signing
      profile({stamping}, true, KeyUsage::digital_signature | KeyUsage::key_encipherment),
  };
  for (const auto& p : refused)
    expect(TimeStampVerdict::invalid, "may not make time stamps",
           judge(peer_.forge(claims(), pki_.root.issue("no TSA", p))));
  expect(TimeStampVerdict::trusted, "",
         judge(peer_.forge(claims(),
                           pki_.root.issue("TSA", profile({stamping}, true, KeyUsage::non_repudiation)))));
  // A CA for web servers gives no right to stamp.
  auto restricted = pki_.ca;
  restricted.extended_key_usages = {"1.3.6.1.5.5.7.3.1"};
  const auto web_ca = pki_.root.issue("web CA", restricted);
  const auto below = web_ca.issue("TSA below", pki_.tsa);
  anchors_.push_back(pki_.root.cert);
  const auto token = peer_.forge(claims(), below);
  expect(TimeStampVerdict::untrusted, "", judge(token));
}

TEST_F(TimeStampTest, SignaturesThatMeanNothing) {
  auto say = claims();
  say.how = {"-md", "sha256"};  // without the signed reference to the certificate
  expect(TimeStampVerdict::invalid, "another certificate", judge(peer_.forge(say, pki_.authority)));
  say.how = {"-cades", "-md", "sha1"};
  expect(TimeStampVerdict::invalid, "not safe", judge(peer_.forge(say, pki_.authority)));
  say.how = {"-md", "sha256", "-noattr"};
  expect(TimeStampVerdict::invalid, "signed attributes", judge(peer_.forge(say, pki_.authority)));
  say.how = {"-cades", "-md", "sha256", "-nocerts"};
  expect(TimeStampVerdict::invalid, "without the certificate", judge(peer_.forge(say, pki_.authority)));
  say = claims();
  say.content_type = "1.2.840.113549.1.7.1";
  expect(TimeStampVerdict::malformed, "another kind", judge(peer_.forge(say, pki_.authority)));
  say = claims();
  say.version = 2;
  expect(TimeStampVerdict::malformed, "version", judge(peer_.forge(say, pki_.authority)));
  say = claims();
  expect(TimeStampVerdict::malformed, "", judge(peer_.sign(as_bytes("no TSTInfo"), say, pki_.authority)));
}

TEST_F(TimeStampTest, AnyChangedByteIsRefused) {
  const auto der = token(pki_.authority);
  ASSERT_EQ(judge(der).verdict, TimeStampVerdict::trusted);
  for (std::size_t i = 0; i < der.size(); ++i) {
    for (const std::uint8_t bit : {std::uint8_t{0x01}, std::uint8_t{0x80}}) {
      auto changed = der;
      changed[i] ^= bit;
      const auto result = judge(changed);
      if (result.verdict != TimeStampVerdict::trusted) continue;
      // Some bytes around the signature mean nothing (parameters, versions); what it says must be the same.
      EXPECT_EQ(result.time, judge(der).time) << i;
      EXPECT_EQ(result.authority, "Test TSA") << i;
      EXPECT_EQ(result.accuracy, judge(der).accuracy) << i;
    }
  }
}

TEST_F(TimeStampTest, EveryPrefixIsRefused) {
  const auto der = token(pki_.authority);
  for (std::size_t size = 0; size < der.size(); size += 7)
    expect(TimeStampVerdict::malformed, "", judge(BytesView(der).first(size)));
  auto longer = der;
  longer.push_back(0);
  expect(TimeStampVerdict::malformed, "", judge(longer));
  expect(TimeStampVerdict::malformed, "64 KiB", judge(Bytes(crypto::kMaxTimeStampToken + 1, 0x30)));
}

TEST_F(TimeStampTest, QueriesThatMakeNoSense) {
  EXPECT_EQ(encode_time_stamp_query(HashAlg::sha512, imprint_, nonce_).error().code, Errc::usage);
  EXPECT_EQ(encode_time_stamp_query(HashAlg::sha256, imprint_, {}).error().code, Errc::usage);
  EXPECT_EQ(encode_time_stamp_query(HashAlg::sha256, imprint_, Bytes(4, 0)).error().code, Errc::usage);
  EXPECT_EQ(encode_time_stamp_query(HashAlg::sha256, imprint_, Bytes(33, 1)).error().code, Errc::usage);
  EXPECT_EQ(encode_time_stamp_query(HashAlg::sha256, imprint_, nonce_, "no oid").error().code, Errc::usage);
}

TEST_F(TimeStampTest, AnswersThatHoldNoToken) {
  // The authority does not know this policy.
  const auto query =
      encode_time_stamp_query(HashAlg::sha256, imprint_, nonce_, "1.3.6.1.4.1.32473.7.99").value();
  const auto refused = time_stamp_token_of(peer_.answer(query, pki_.authority));
  EXPECT_EQ(refused.error().code, Errc::denied);
  EXPECT_NE(refused.error().what.find("policy"), std::string::npos) << refused.error().what;
  const auto answer =
      peer_.answer(encode_time_stamp_query(HashAlg::sha256, imprint_, nonce_).value(), pki_.authority);
  EXPECT_EQ(time_stamp_token_of({}).error().code, Errc::malformed);
  EXPECT_EQ(time_stamp_token_of(as_bytes("<html>404</html>")).error().code, Errc::malformed);
  for (std::size_t size = 0; size < answer.size(); size += 5)
    EXPECT_FALSE(time_stamp_token_of(BytesView(answer).first(size)));
  auto longer = answer;
  longer.push_back(0);
  EXPECT_EQ(time_stamp_token_of(longer).error().code, Errc::malformed);
  EXPECT_EQ(time_stamp_token_of(Bytes(kMaxTimeStampAnswer + 1, 0x30)).error().code, Errc::limit);
  const Bytes granted_nothing{0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x00};
  EXPECT_EQ(time_stamp_token_of(granted_nothing).error().code, Errc::malformed);
  const Bytes rejected{0x30, 0x09, 0x30, 0x07, 0x02, 0x01, 0x02, 0x03, 0x02, 0x05, 0x20};
  EXPECT_NE(time_stamp_token_of(rejected).error().what.find("request"), std::string::npos);
}

}  // namespace
}  // namespace camvault::crypto_openssl
