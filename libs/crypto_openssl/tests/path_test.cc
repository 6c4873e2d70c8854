// The path corpus. NC-2-1: whole chain to the root; missing intermediate, expired, revoked, wrong CA, non-CA
// signer and others refused. Revocation has its own file.
#include <gtest/gtest.h>

#include "test_pki.h"

namespace camvault::crypto_openssl {
namespace {

using crypto::Certificate;
using crypto::KeyAlg;
using crypto::PathRequest;
using crypto::PathResult;
using crypto::PathVerdict;
using namespace test;

const char* const kTimeStamping = "1.3.6.1.5.5.7.3.8";

class PathTest : public testing::Test {
 protected:
  PathResult judge(const Certificate& leaf, const std::vector<Certificate>& intermediates,
                   const std::vector<Certificate>& anchors, Timestamp at = kNow,
                   const std::string& eku = {}) {
    PathRequest request;
    request.leaf = &leaf;
    request.intermediates = &intermediates;
    request.anchors = &anchors;
    request.at = at;
    request.required_eku = eku;
    return engine_->validate_path(request);
  }
  // Refused, and the sentence names `culprit`.
  void expect_refused(const PathResult& result, PathVerdict verdict, const std::string& culprit) {
    EXPECT_EQ(to_string(result.verdict), to_string(verdict)) << result.reason;
    EXPECT_NE(result.reason.find("CN=" + culprit), std::string::npos) << result.reason;
    EXPECT_TRUE(result.path.empty());
  }

  std::unique_ptr<crypto::Engine> engine_ = make_openssl_engine();
  Entity root_ = Entity::root("Root");
  Entity ca_ = root_.issue("Device CA", ca_profile());
  Entity leaf_ = ca_.issue("Camera", leaf_profile());
};

TEST_F(PathTest, AWholeChainIsTrustedAndShown) {
  const auto result = judge(leaf_.cert, {ca_.cert}, {root_.cert});
  ASSERT_EQ(result.verdict, PathVerdict::trusted) << result.reason;
  ASSERT_EQ(result.path.size(), 3u);
  EXPECT_EQ(result.path[0].common_name, "Camera");
  EXPECT_EQ(result.path[1].common_name, "Device CA");
  EXPECT_EQ(result.path[2].common_name, "Root");
  EXPECT_FALSE(result.revocation_checked);
}

TEST_F(PathTest, OrderRepetitionAndStrangersInTheBagDoNotMatter) {
  const auto stranger = Entity::root("Stranger");
  const auto result = judge(leaf_.cert, {stranger.cert, root_.cert, leaf_.cert, ca_.cert, ca_.cert},
                            {stranger.cert, root_.cert});
  EXPECT_EQ(result.verdict, PathVerdict::trusted) << result.reason;
}

TEST_F(PathTest, AnIntermediateOrTheLeafItselfCanBeTheAnchor) {
  EXPECT_EQ(judge(leaf_.cert, {}, {ca_.cert}).path.size(), 2u);
  EXPECT_EQ(judge(leaf_.cert, {ca_.cert}, {ca_.cert}).path.size(), 2u);
  EXPECT_EQ(judge(leaf_.cert, {}, {leaf_.cert}).path.size(), 1u);
  // A trusted camera is not a CA.
  const auto forged = leaf_.issue("Forged", leaf_profile());
  expect_refused(judge(forged.cert, {}, {leaf_.cert}), PathVerdict::not_permitted, "Camera");
}

TEST_F(PathTest, MissingIntermediate) {
  expect_refused(judge(leaf_.cert, {}, {root_.cert}), PathVerdict::no_anchor, "Camera");
}

TEST_F(PathTest, NoAnchors) {
  EXPECT_EQ(judge(leaf_.cert, {ca_.cert, root_.cert}, {}).verdict, PathVerdict::no_anchor);
  expect_refused(judge(leaf_.cert, {ca_.cert, root_.cert}, {Entity::root("Other").cert}),
                 PathVerdict::no_anchor, "Root");
}

TEST_F(PathTest, ExpiredAndNotYetValidAtEveryPlace) {
  EXPECT_EQ(judge(leaf_.cert, {ca_.cert}, {root_.cert}, kStart).verdict, PathVerdict::trusted);
  // RFC 5280 4.1.2.5: both ends belong to the validity; ours is in seconds.
  EXPECT_EQ(judge(leaf_.cert, {ca_.cert}, {root_.cert}, kEnd + std::chrono::milliseconds(999)).verdict,
            PathVerdict::trusted);
  expect_refused(judge(leaf_.cert, {ca_.cert}, {root_.cert}, kEnd + std::chrono::seconds(1)),
                 PathVerdict::expired, "Camera");
  expect_refused(judge(leaf_.cert, {ca_.cert}, {root_.cert}, kStart - Ticks(1)), PathVerdict::not_yet_valid,
                 "Camera");

  auto brief = ca_profile();
  brief.not_after = kStart + std::chrono::hours(24);
  const auto old_ca = root_.issue("Old CA", brief);
  const auto its_leaf = old_ca.issue("Camera 2", leaf_profile());
  EXPECT_EQ(judge(its_leaf.cert, {old_ca.cert}, {root_.cert}, kStart).verdict, PathVerdict::trusted);
  expect_refused(judge(its_leaf.cert, {old_ca.cert}, {root_.cert}), PathVerdict::expired, "Old CA");
  const auto old_root = Entity::root("Old Root", KeyAlg::ec_p256, brief);
  expect_refused(judge(old_root.issue("Camera 3", leaf_profile()).cert, {}, {old_root.cert}),
                 PathVerdict::expired, "Old Root");
}

TEST_F(PathTest, TimesFarFromNow) {
  auto endless = leaf_profile();
  endless.not_after = kNoEnd;
  auto endless_ca = ca_profile();
  endless_ca.not_before = from_iso8601("1950-01-01").value();
  endless_ca.not_after = kNoEnd;
  endless.not_before = endless_ca.not_before;
  const auto root = Entity::root("Endless", KeyAlg::ec_p256, endless_ca);
  const auto leaf = root.issue("Camera", endless);
  EXPECT_EQ(leaf.cert.not_after, kNoEnd);
  for (const auto* text : {"1955-05-05", "1969-12-31T23:59:59Z", "2038-01-19T03:14:08Z",
                           "2106-02-07T06:28:16Z", "9999-12-31T23:59:59.9Z"}) {
    EXPECT_EQ(judge(leaf.cert, {}, {root.cert}, from_iso8601(text).value()).verdict, PathVerdict::trusted)
        << text;
  }
  // IEEE 802.1AR 8.7: that date means no end, even for a clock past it.
  EXPECT_EQ(judge(leaf.cert, {}, {root.cert}, Timestamp::max()).verdict, PathVerdict::trusted);
  expect_refused(judge(leaf.cert, {}, {root.cert}, Timestamp::min()), PathVerdict::not_yet_valid, "Camera");
  expect_refused(judge(leaf_.cert, {ca_.cert}, {root_.cert}, Timestamp::max()), PathVerdict::expired,
                 "Camera");
}

TEST_F(PathTest, WrongCa) {
  const auto other_root = Entity::root("Other Root");
  const auto other_ca = other_root.issue("Other CA", ca_profile());
  const auto their_leaf = other_ca.issue("Their camera", leaf_profile());
  expect_refused(judge(their_leaf.cert, {other_ca.cert}, {root_.cert}), PathVerdict::no_anchor, "Other CA");
  expect_refused(judge(their_leaf.cert, {ca_.cert}, {root_.cert}), PathVerdict::no_anchor, "Their camera");
}

TEST_F(PathTest, SelfSignedLookAlikeWithTheSameNames) {
  const auto root = Entity::root("Root");
  const auto ca = root.issue("Device CA", ca_profile());
  const auto leaf = ca.issue("Camera", leaf_profile());
  EXPECT_EQ(root.cert.subject, root_.cert.subject);
  expect_refused(judge(leaf.cert, {ca.cert, root.cert}, {root_.cert}), PathVerdict::no_anchor, "Root");
  expect_refused(judge(leaf.cert, {ca.cert}, {root_.cert}), PathVerdict::no_anchor, "Device CA");
  EXPECT_NE(judge(leaf.cert, {ca_.cert}, {root_.cert}).verdict, PathVerdict::trusted);
  // Whichever stands first, the genuine chain is found among look-alikes.
  EXPECT_EQ(judge(leaf_.cert, {ca.cert, ca_.cert}, {root.cert, root_.cert}).verdict, PathVerdict::trusted);
  EXPECT_EQ(judge(leaf_.cert, {ca_.cert, ca.cert}, {root_.cert, root.cert}).verdict, PathVerdict::trusted);
  EXPECT_FALSE(engine_->is_signed_by(leaf.cert, ca_.cert));
  EXPECT_TRUE(engine_->is_signed_by(leaf_.cert, ca_.cert));
}

TEST_F(PathTest, ASignerThatIsNoCa) {
  const auto forged = leaf_.issue("Forged", leaf_profile());
  expect_refused(judge(forged.cert, {leaf_.cert, ca_.cert}, {root_.cert}), PathVerdict::not_permitted,
                 "Camera");
  // Key usage says it signs certificates, basic constraints that it is none: RFC 5280 6.1.4 (k).
  auto half = leaf_profile();
  half.key_usage = KeyUsage::digital_signature | KeyUsage::key_cert_sign;
  const auto half_ca = ca_.issue("Half CA", half);
  expect_refused(
      judge(half_ca.issue("Camera 2", leaf_profile()).cert, {half_ca.cert, ca_.cert}, {root_.cert}),
      PathVerdict::not_permitted, "Half CA");
  // A CA by its basic constraints, whose key may not sign certificates: 6.1.4 (n).
  auto mute = ca_profile();
  mute.key_usage = KeyUsage::crl_sign;
  const auto mute_ca = root_.issue("Mute CA", mute);
  EXPECT_EQ(judge(mute_ca.issue("Camera 3", leaf_profile()).cert, {mute_ca.cert}, {root_.cert}).verdict,
            PathVerdict::not_permitted);
}

TEST_F(PathTest, PathLength) {
  auto last = ca_profile();
  last.path_length = 0;
  const auto last_ca = root_.issue("Last CA", last);
  EXPECT_EQ(judge(last_ca.issue("Camera", leaf_profile()).cert, {last_ca.cert}, {root_.cert}).verdict,
            PathVerdict::trusted);
  const auto below = last_ca.issue("CA below", ca_profile());
  const auto leaf = below.issue("Camera", leaf_profile());
  const auto result = judge(leaf.cert, {below.cert, last_ca.cert}, {root_.cert});
  expect_refused(result, PathVerdict::not_permitted, "Last CA");
  // The constraint of a trusted CA holds too.
  EXPECT_EQ(judge(leaf.cert, {below.cert}, {last_ca.cert}).verdict, PathVerdict::not_permitted);
}

TEST_F(PathTest, ALongChainEndsAtTheLimit) {
  std::vector<Certificate> chain;
  const Entity* issuer = &root_;
  std::vector<Entity> cas;
  cas.reserve(8);
  for (int i = 0; i < 8; ++i) {
    cas.push_back(issuer->issue("CA " + std::to_string(i), ca_profile()));
    issuer = &cas.back();
    chain.push_back(issuer->cert);
  }
  EXPECT_EQ(judge(cas[5].issue("Camera", leaf_profile()).cert, chain, {root_.cert}).path.size(), 8u);
  const auto too_deep = cas[6].issue("Camera", leaf_profile());
  expect_refused(judge(too_deep.cert, chain, {root_.cert}), PathVerdict::no_anchor, "Camera");
}

TEST_F(PathTest, ABentSignature) {
  for (int which = 0; which < 2; ++which) {
    auto leaf = leaf_.cert;
    auto ca = ca_.cert;
    auto& bent = which == 0 ? leaf : ca;
    bent.der.back() ^= 1;  // the last byte of s
    bent = engine_->certificate_from_der(bent.der).value();
    expect_refused(judge(leaf, {ca}, {root_.cert}), PathVerdict::bad_signature,
                   which == 0 ? "Camera" : "Device CA");
  }
}

TEST_F(PathTest, ExtendedKeyUsage) {
  auto stamping = leaf_profile();
  stamping.extended_key_usages = {kTimeStamping};
  const auto tsa = ca_.issue("TSA", stamping);
  EXPECT_EQ(judge(tsa.cert, {ca_.cert}, {root_.cert}, kNow, kTimeStamping).verdict, PathVerdict::trusted);
  EXPECT_EQ(judge(tsa.cert, {ca_.cert}, {root_.cert}).verdict, PathVerdict::trusted);
  expect_refused(judge(tsa.cert, {ca_.cert}, {root_.cert}, kNow, "1.3.6.1.5.5.7.3.1"),
                 PathVerdict::not_permitted, "TSA");
  expect_refused(judge(leaf_.cert, {ca_.cert}, {root_.cert}, kNow, kTimeStamping), PathVerdict::not_permitted,
                 "Camera");
  auto everything = leaf_profile();
  everything.extended_key_usages = {"2.5.29.37.0"};
  expect_refused(judge(ca_.issue("Any", everything).cert, {ca_.cert}, {root_.cert}, kNow, kTimeStamping),
                 PathVerdict::not_permitted, "Any");
  auto web = ca_profile();
  web.extended_key_usages = {"1.3.6.1.5.5.7.3.1"};
  const auto web_ca = root_.issue("Web CA", web);
  expect_refused(
      judge(web_ca.issue("TSA 2", stamping).cert, {web_ca.cert}, {root_.cert}, kNow, kTimeStamping),
      PathVerdict::not_permitted, "Web CA");
  EXPECT_EQ(judge(tsa.cert, {ca_.cert}, {root_.cert}, kNow, "no oid").verdict, PathVerdict::malformed);
}

TEST_F(PathTest, AKeyThatMayNotSignMessages) {
  auto agreeing = leaf_profile();
  agreeing.key_usage = KeyUsage::key_agreement;
  expect_refused(judge(ca_.issue("Agreeing", agreeing).cert, {ca_.cert}, {root_.cert}),
                 PathVerdict::not_permitted, "Agreeing");
}

TEST_F(PathTest, ManyLookAlikesCostABoundedTime) {
  // 64 CAs of one name under 64 others of one name: without a limit, a search through 4096 signatures and
  // more.
  std::vector<Certificate> crowd;
  for (int i = 0; i < 32; ++i) {
    crowd.push_back(Entity::root("Root").cert);
    crowd.push_back(root_.issue("Device CA", ca_profile()).cert);
  }
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_NE(judge(leaf_.cert, crowd, {Entity::root("Other").cert}).verdict, PathVerdict::trusted);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  crowd.push_back(ca_.cert);
  EXPECT_EQ(judge(leaf_.cert, crowd, {root_.cert}).verdict,
            PathVerdict::malformed);  // past the limit of 64, and said so
}

TEST_F(PathTest, AllKeyKindsAsCa) {
  struct Kind {
    KeyAlg alg;
    RsaPadding padding;
  };
  for (const auto kind :
       {Kind{KeyAlg::ec_p384, RsaPadding::pkcs1v15}, Kind{KeyAlg::ec_p521, RsaPadding::pkcs1v15},
        Kind{KeyAlg::rsa_2048, RsaPadding::pkcs1v15}, Kind{KeyAlg::rsa_2048, RsaPadding::pss},
        Kind{KeyAlg::ed25519, RsaPadding::pkcs1v15}}) {
    const auto root = Entity::root("Root", kind.alg, ca_profile(), kind.padding);
    const auto leaf = root.issue("Camera", leaf_profile(), kind.alg, kind.padding);
    const auto result = judge(leaf.cert, {}, {root.cert});
    EXPECT_EQ(result.verdict, PathVerdict::trusted) << to_string(kind.alg) << ": " << result.reason;
  }
}

TEST_F(PathTest, NothingToJudge) {
  EXPECT_EQ(engine_->validate_path({}).verdict, PathVerdict::malformed);
  Certificate empty;
  EXPECT_EQ(judge(empty, {}, {root_.cert}).verdict, PathVerdict::malformed);
  // Null lists are empty lists.
  PathRequest request;
  request.leaf = &leaf_.cert;
  request.at = kNow;
  EXPECT_EQ(engine_->validate_path(request).verdict, PathVerdict::no_anchor);
}

}  // namespace
}  // namespace camvault::crypto_openssl
