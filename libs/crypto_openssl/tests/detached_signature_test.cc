// AX-4.1-2: signatures beside a report; `openssl cms` is the other opinion.
#include "camvault/crypto_openssl/detached_signature.h"

#include <gtest/gtest.h>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/crypto_openssl/local_key.h"
#include "camvault/test_support/program.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::crypto_openssl {
namespace {

struct Examiner {
  std::unique_ptr<LocalKey> key;
  std::vector<crypto::Certificate> chain;
};

Examiner examiner(crypto::KeyAlg alg) {
  Examiner e{LocalKey::generate(alg).value(), {}};
  CertificateProfile profile;
  profile.not_before = from_unix_seconds(1'700'000'000);
  profile.not_after = from_unix_seconds(4'000'000'000);
  SubjectName name;
  name.common_name = "Examiner";
  e.chain.push_back(issue_self_signed(*e.key, name, profile, Bytes{7}).value());
  return e;
}

TEST(DetachedSignature, EveryKeyIsVerifiedByUsAndByOpenssl) {
  const auto engine = make_openssl_engine();
  const std::string report = "{\"verdict\": \"authentic\"}\n";
  for (const auto alg : {crypto::KeyAlg::ec_p256, crypto::KeyAlg::ec_p384, crypto::KeyAlg::ec_p521,
                         crypto::KeyAlg::rsa_2048}) {
    const auto e = examiner(alg);
    const auto at = from_unix_seconds(1'780'000'000);
    const auto signature = sign_detached(*e.key, e.chain, as_bytes(report), at);
    ASSERT_TRUE(signature) << signature.error().what;
    const auto found = verify_detached(*engine, *signature, as_bytes(report));
    ASSERT_TRUE(found) << found.error().what;
    EXPECT_EQ(found->chain.front().sha256, e.chain.front().sha256);
    EXPECT_EQ(found->signing_time, at);

    const test_support::TemporaryFolder folder;
    const auto content = folder.write("report.json", report);
    const auto cms = folder.write("report.p7s", as_text(*signature));
    const auto ca = folder.write("ca.pem", certificate_pem(e.chain.front()));
    const auto done = test_support::run_program({"openssl", "cms", "-verify", "-binary", "-inform", "DER",
                                                 "-in", cms, "-content", content, "-CAfile", ca, "-purpose",
                                                 "any", "-out", "/dev/null"});
    EXPECT_EQ(done.exit_code, 0) << to_string(alg) << done.output;
  }
}

TEST(DetachedSignature, AnyChangeIsFound) {
  const auto engine = make_openssl_engine();
  const auto e = examiner(crypto::KeyAlg::ec_p256);
  Bytes report = to_bytes(as_bytes("a report"));
  const auto signature = sign_detached(*e.key, e.chain, report, from_unix_seconds(1'780'000'000)).value();
  ASSERT_TRUE(verify_detached(*engine, signature, report));
  report[3] ^= 1;
  EXPECT_EQ(verify_detached(*engine, signature, report).error().code, Errc::invalid);
  report[3] ^= 1;
  for (std::size_t i = 0; i < signature.size(); ++i) {
    auto changed = signature;
    changed[i] ^= 1;
    const auto found = verify_detached(*engine, changed, report);
    // What is not signed: the wrapping, and certificates, which have to lead somewhere by themselves.
    if (found) {
      EXPECT_NE(found->chain.front().sha256, "") << i;
    }
  }
  EXPECT_EQ(verify_detached(*engine, BytesView(signature).first(signature.size() - 1), report).error().code,
            Errc::malformed);
  EXPECT_EQ(verify_detached(*engine, Bytes{}, report).error().code, Errc::malformed);
  EXPECT_EQ(verify_detached(*engine, Bytes((256 << 10) + 1), report).error().code, Errc::limit);
}

TEST(DetachedSignature, WrongKeysAreRefused) {
  const auto e = examiner(crypto::KeyAlg::ec_p256);
  const auto other = examiner(crypto::KeyAlg::ec_p256);
  EXPECT_EQ(sign_detached(*e.key, other.chain, {}, {}).error().code, Errc::usage);
  EXPECT_EQ(sign_detached(*e.key, {}, {}, {}).error().code, Errc::usage);
  const auto ed = LocalKey::generate(crypto::KeyAlg::ed25519).value();
  EXPECT_EQ(sign_detached(*ed, e.chain, {}, {}).error().code, Errc::unsupported);
}

TEST(SealAlgorithm, IsReadBack) {
  for (const auto alg :
       {crypto::KeyAlg::ec_p256, crypto::KeyAlg::ec_p384, crypto::KeyAlg::ec_p521, crypto::KeyAlg::rsa_4096})
    EXPECT_EQ(seal_algorithm_of(seal_algorithm(alg).identifier)->scheme, seal_algorithm(alg).scheme);
  EXPECT_EQ(seal_algorithm_of(Bytes{0x30, 0}).error().code, Errc::unsupported);
}

}  // namespace
}  // namespace camvault::crypto_openssl
