// NC-2-1: revoked certificates. A key compromise counts at any time, other reasons from their date on.
#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "certificate.h"
#include "test_pki.h"

namespace camvault::crypto_openssl {
namespace {

using crypto::Certificate;
using crypto::PathRequest;
using crypto::PathResult;
using crypto::PathVerdict;
using crypto::RevocationList;
using namespace test;

const Timestamp kRevoked = from_iso8601("2026-09-01").value();
const auto kDay = std::chrono::hours(24);

class RevocationTest : public testing::Test {
 protected:
  RevocationContent content(std::vector<RevokedCertificate> revoked = {}) {
    RevocationContent out;
    out.this_update = kRevoked + kDay;
    out.next_update = kRevoked + 30 * kDay;
    out.revoked = std::move(revoked);
    return out;
  }
  RevocationList list_of(const Entity& issuer, std::vector<RevokedCertificate> revoked = {}) {
    return issue_revocation_list(*issuer.key, issuer.cert, content(std::move(revoked))).value();
  }
  PathResult judge(const Certificate& leaf, const std::vector<RevocationList>& crls, Timestamp at = kNow,
                   bool proven = false) {
    const std::vector<Certificate> intermediates{ca_.cert};
    const std::vector<Certificate> anchors{root_.cert};
    PathRequest request;
    request.leaf = &leaf;
    request.intermediates = &intermediates;
    request.anchors = &anchors;
    request.crls = &crls;
    request.at = at;
    request.at_is_proven = proven;
    return engine_->validate_path(request);
  }

  std::unique_ptr<crypto::Engine> engine_ = make_openssl_engine();
  Entity root_ = Entity::root("Root");
  Entity ca_ = root_.issue("Device CA", ca_profile());
  Entity leaf_ = ca_.issue("Camera", leaf_profile());
};

TEST_F(RevocationTest, AListThatDoesNotNameTheCertificateIsProof) {
  const auto result = judge(leaf_.cert, {list_of(ca_)});
  EXPECT_EQ(result.verdict, PathVerdict::trusted) << result.reason;
  EXPECT_TRUE(result.revocation_checked);
  const auto other = ca_.issue("Other", leaf_profile());
  EXPECT_TRUE(
      judge(leaf_.cert, {list_of(ca_, {{other.cert.serial, kRevoked, RevocationReason::key_compromise}})})
          .revocation_checked);
}

TEST_F(RevocationTest, KeyCompromiseCountsAtAnyTime) {
  const std::vector crls{list_of(ca_, {{leaf_.cert.serial, kRevoked, RevocationReason::key_compromise}})};
  for (const auto at : {kNow, kRevoked - std::chrono::seconds(1), kRevoked, kRevoked + 100 * kDay}) {
    const auto result = judge(leaf_.cert, crls, at);
    EXPECT_EQ(result.verdict, PathVerdict::revoked);
    EXPECT_TRUE(result.revocation_checked);
    EXPECT_NE(result.reason.find("CN=Camera"), std::string::npos);
  }
}

// A trusted time stamp shows that something was signed before the key was stolen: a thief cannot write there.
TEST_F(RevocationTest, KeyCompromiseCountsFromItsDateOnWhereTheTimeIsProven) {
  for (const auto& entity : {&leaf_, &ca_}) {
    const auto& issuer = entity == &leaf_ ? ca_ : root_;
    const std::vector crls{
        list_of(issuer, {{entity->cert.serial, kRevoked, RevocationReason::key_compromise}})};
    EXPECT_EQ(judge(leaf_.cert, crls, kRevoked - std::chrono::seconds(1), true).verdict,
              PathVerdict::trusted);
    EXPECT_EQ(judge(leaf_.cert, crls, kRevoked, true).verdict, PathVerdict::revoked);
    EXPECT_EQ(judge(leaf_.cert, crls, kRevoked - std::chrono::seconds(1), false).verdict,
              PathVerdict::revoked);
  }
}

TEST_F(RevocationTest, OtherReasonsCountFromTheirDateOn) {
  for (const auto reason : {RevocationReason::unspecified, RevocationReason::superseded,
                            RevocationReason::cessation_of_operation}) {
    const std::vector crls{list_of(ca_, {{leaf_.cert.serial, kRevoked, reason}})};
    EXPECT_EQ(judge(leaf_.cert, crls, kNow).verdict, PathVerdict::trusted);
    EXPECT_EQ(judge(leaf_.cert, crls, kRevoked - Ticks(1)).verdict, PathVerdict::trusted);
    EXPECT_EQ(judge(leaf_.cert, crls, kRevoked).verdict, PathVerdict::revoked);
    EXPECT_EQ(judge(leaf_.cert, crls, kRevoked + 100 * kDay).verdict,
              PathVerdict::revoked);  // past the next update
  }
}

TEST_F(RevocationTest, ARevokedCaTakesItsLeavesAlong) {
  // AX-2.1-5: a stolen intermediate is revocable by the root.
  const auto result =
      judge(leaf_.cert, {list_of(root_, {{ca_.cert.serial, kRevoked, RevocationReason::ca_compromise}})});
  EXPECT_EQ(result.verdict, PathVerdict::revoked);
  EXPECT_NE(result.reason.find("CN=Device CA"), std::string::npos);
  EXPECT_FALSE(result.revocation_checked);  // about the leaf nothing is known
}

TEST_F(RevocationTest, AMissingListIsSaidNotPunished) {
  for (const auto& crls : {std::vector<RevocationList>{}, std::vector{list_of(root_)}}) {
    const auto result = judge(leaf_.cert, crls);
    EXPECT_EQ(result.verdict, PathVerdict::trusted);
    EXPECT_FALSE(result.revocation_checked);
  }
}

TEST_F(RevocationTest, AnOldListProvesOnlyWhatItNames) {
  const auto later = kRevoked + 31 * kDay;
  EXPECT_FALSE(judge(leaf_.cert, {list_of(ca_)}, later).revocation_checked);
  EXPECT_EQ(judge(leaf_.cert, {list_of(ca_)}, later).verdict, PathVerdict::trusted);
}

TEST_F(RevocationTest, ListsOfOthersSayNothing) {
  const auto look_alike = root_.issue("Device CA", ca_profile());  // same name, another key
  auto bent = list_of(ca_, {{leaf_.cert.serial, kRevoked, RevocationReason::key_compromise}});
  bent.der.back() ^= 1;
  auto silent = ca_profile();
  silent.key_usage = KeyUsage::key_cert_sign;  // may not sign lists
  const auto foreign = list_of(look_alike, {{leaf_.cert.serial, kRevoked, RevocationReason::key_compromise}});
  for (const auto& crl : {foreign, bent, RevocationList{}}) {
    const auto result = judge(leaf_.cert, {crl});
    EXPECT_EQ(result.verdict, PathVerdict::trusted);
    EXPECT_FALSE(result.revocation_checked);
  }
  // The genuine list behind them is still found.
  EXPECT_EQ(
      judge(leaf_.cert,
            {foreign, bent, list_of(ca_, {{leaf_.cert.serial, kRevoked, RevocationReason::key_compromise}})})
          .verdict,
      PathVerdict::revoked);
}

// RFC 5280 5.2.5: what a list is about is in an extension that foreign CAs use.
TEST_F(RevocationTest, ListsOfAPartOfTheCertificates) {
  const auto key_pem = ca_.key->private_pem_for_tests();
  const auto key = key_pem.reveal([](BytesView pem) {
    const Bio in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    return EvpKey(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  });
  const auto with_extension = [&](bool names_leaf, const char* nid, const char* value) {
    const auto list = names_leaf
                          ? list_of(ca_, {{leaf_.cert.serial, kRevoked, RevocationReason::key_compromise}})
                          : list_of(ca_);
    const auto crl = crl_from_der(list.der);
    const X509Ext extension(X509V3_EXT_conf(nullptr, nullptr, nid, value));
    EXPECT_TRUE(extension);
    EXPECT_EQ(X509_CRL_add_ext(crl.get(), extension.get(), -1), 1);
    EXPECT_GT(X509_CRL_sign(crl.get(), key.get(), EVP_sha256()), 0);
    return engine_->crl_from_pem_or_der(der_of(crl.get(), i2d_X509_CRL)).value();
  };
  const auto* const kPoint = "issuingDistributionPoint";
  // A part of the certificates: what it names is revoked, what it does not name is not known.
  for (const auto* part :
       {"critical,onlyuser:TRUE", "critical,onlyCA:TRUE", "onlysomereasons:keyCompromise"}) {
    EXPECT_EQ(judge(leaf_.cert, {with_extension(true, kPoint, part)}).verdict, PathVerdict::revoked) << part;
    const auto silent = judge(leaf_.cert, {with_extension(false, kPoint, part)});
    EXPECT_EQ(silent.verdict, PathVerdict::trusted);
    EXPECT_FALSE(silent.revocation_checked) << part;
  }
  // Entries that may be of another issuer's certificates, and meanings that we do not know, say nothing.
  EXPECT_EQ(judge(leaf_.cert, {with_extension(true, kPoint, "critical,indirectCRL:TRUE")}).verdict,
            PathVerdict::trusted);
  EXPECT_EQ(judge(leaf_.cert, {with_extension(true, "1.3.6.1.4.1.32473.9", "critical,DER:0500")}).verdict,
            PathVerdict::trusted);
  EXPECT_EQ(judge(leaf_.cert, {with_extension(true, "1.3.6.1.4.1.32473.9", "DER:0500")}).verdict,
            PathVerdict::revoked);
}

TEST_F(RevocationTest, ListsAreReadInBothForms) {
  const auto list = list_of(ca_, {{leaf_.cert.serial, kRevoked}});
  for (const auto& form : {list.der, to_bytes(as_bytes(revocation_list_pem(list)))}) {
    const auto read = engine_->crl_from_pem_or_der(form).value();
    EXPECT_EQ(read.der, list.der);
    EXPECT_EQ(read.issuer, ca_.cert.subject);
    EXPECT_EQ(read.this_update, kRevoked + kDay);
    EXPECT_EQ(read.next_update, kRevoked + 30 * kDay);
  }
  auto longer = list.der;
  longer.push_back(0);
  for (const auto& broken : {Bytes{}, Bytes(list.der.begin(), list.der.end() - 1), longer, ca_.cert.der,
                             to_bytes(as_bytes(certificate_pem(ca_.cert)))}) {
    EXPECT_FALSE(engine_->crl_from_pem_or_der(broken));
  }
}

TEST_F(RevocationTest, ContentThatMakesNoSenseIsNotIssued) {
  const auto code = [&](const RevocationContent& c) {
    return issue_revocation_list(*ca_.key, ca_.cert, c).error().code;
  };
  auto backwards = content();
  backwards.next_update = backwards.this_update;
  EXPECT_EQ(code(backwards), Errc::usage);
  EXPECT_EQ(code(content({{"", kRevoked}})), Errc::usage);
  EXPECT_EQ(code(content({{"00", kRevoked}})), Errc::usage);
  EXPECT_FALSE(issue_revocation_list(*ca_.key, ca_.cert, content({{"xy", kRevoked}})));
  EXPECT_EQ(issue_revocation_list(*root_.key, ca_.cert, content()).error().code,
            Errc::usage);  // another's key
}

}  // namespace
}  // namespace camvault::crypto_openssl
