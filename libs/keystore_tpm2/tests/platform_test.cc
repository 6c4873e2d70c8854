// What only a TPM does: data bound to PCRs, counters that cannot be set back, and lock-out, on swtpm.
#include <gtest/gtest.h>
#include <signal.h>

#include "blob.h"
#include "camvault/keystore_tpm2/tpm2_backend.h"
#include "camvault/test_support/soft_tpm.h"
#include "templates.h"
#include "worker.h"

namespace camvault::keystore_tpm2 {
namespace {

using keystore::KeyType;

class Platform : public testing::Test {
 protected:
  void SetUp() override {
    if (!test_support::SoftTpm::is_installed()) GTEST_SKIP() << "not installed here: swtpm";
    ::signal(SIGPIPE, SIG_IGN);
    tpm_ = std::make_unique<test_support::SoftTpm>(folder_.path());
    backend_ = make_tpm2_backend({.name = "tpm", .tcti = tpm_->tcti()}).value();
  }
  // Somebody else at the same TPM, one after the other: swtpm has one client at a time.
  void as_another(const std::function<void(Tpm&)>& work) {
    backend_.reset();
    {
      const auto other = Tpm::open(parse_tcti(tpm_->tcti()).value());
      ASSERT_TRUE(other) << other.error().what;
      work(**other);
    }
    backend_ = make_tpm2_backend({.name = "tpm", .tcti = tpm_->tcti()}).value();
  }

  test_support::TemporaryFolder folder_;
  std::unique_ptr<test_support::SoftTpm> tpm_;
  std::shared_ptr<keystore_engine::Backend> backend_;
};

TEST_F(Platform, SealedDataStaysShutAfterAPcrHasChangedUntilTheNextStart) {
  const auto sealed = backend_->seal_to_platform(Secret(as_bytes("wifi password")));
  ASSERT_TRUE(sealed) << sealed.error().what;
  EXPECT_TRUE(backend_->unseal_from_platform(*sealed).value().equals(as_bytes("wifi password")));
  as_another([](Tpm& tpm) {
    auto* const esys = tpm.esys();
    TPML_DIGEST_VALUES digests{};
    digests.count = 1;
    digests.digests[0].hashAlg = TPM2_ALG_SHA256;
    digests.digests[0].digest.sha256[0] = 1;
    EXPECT_EQ(Esys_PCR_Extend(esys, ESYS_TR_PCR7, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &digests),
              TSS2_RC_SUCCESS);
  });
  EXPECT_EQ(backend_->unseal_from_platform(*sealed).error().code, Errc::denied);
  tpm_->stop();
  tpm_->start();
  EXPECT_TRUE(backend_->unseal_from_platform(*sealed));
}

TEST_F(Platform, AnotherTpmOpensNeitherKeysNorSealedData) {
  const auto sealed = backend_->seal_to_platform(Secret(as_bytes("x"))).value();
  const auto key = backend_->generate(KeyType::ec_p256).value();
  const test_support::TemporaryFolder elsewhere;
  test_support::SoftTpm other(elsewhere.path());
  const auto stranger = make_tpm2_backend({.name = "tpm", .tcti = other.tcti()}).value();
  EXPECT_EQ(stranger->unseal_from_platform(sealed).error().code, Errc::invalid);
  EXPECT_EQ(stranger->open(KeyType::ec_p256, key.handle).error().code, Errc::invalid);
}

TEST_F(Platform, ACounterThatIsUndefinedGoesOnAboveItsLastValue) {
  std::uint64_t last = 0;
  for (int i = 0; i < 3; ++i) last = backend_->increment_counter(0).value();
  as_another([](Tpm& tpm) {
    auto* const esys = tpm.esys();
    ESYS_TR counter = ESYS_TR_NONE;
    ASSERT_EQ(Esys_TR_FromTPMPublic(esys, 0x0180ca00, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &counter),
              TSS2_RC_SUCCESS);
    EXPECT_EQ(
        Esys_NV_UndefineSpace(esys, ESYS_TR_RH_OWNER, counter, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE),
        TSS2_RC_SUCCESS);
  });
  EXPECT_GT(backend_->read_counter(0).value(), last);
}

// One key in 256: the TPM keeps its authorisation value without the zeros at its end.
TEST_F(Platform, AKeyWhoseAuthorisationEndsInZerosSigns) {
  for (const std::size_t zeros : {1u, 2u, 31u, 32u}) {
    Bytes value(32, 7);
    std::fill(value.end() - static_cast<std::ptrdiff_t>(zeros), value.end(), std::uint8_t{0});
    Secret handle;
    as_another([&](Tpm& tpm) {
      const auto blob = tpm.create(key_template(KeyType::ec_p256, true), value, {});
      ASSERT_TRUE(blob) << blob.error().what;
      handle = write_blob(*blob).value();
    });
    const auto key = backend_->open(KeyType::ec_p256, handle);
    ASSERT_TRUE(key) << zeros << ": " << key.error().what;
    const auto signature =
        (*key)->sign_message(crypto::SignatureScheme::ecdsa, crypto::HashAlg::sha256, as_bytes("message"));
    EXPECT_TRUE(signature) << zeros << ": " << signature.error().what;
  }
}

TEST_F(Platform, LockOutIsSaidAndStopsNoKeyOfOurs) {
  const auto made = backend_->generate(KeyType::ec_p256).value();
  as_another([](Tpm& tpm) {
    auto* const esys = tpm.esys();
    // One wrong try is one too many from now on; the try is at the lock-out password itself.
    ASSERT_EQ(Esys_DictionaryAttackParameters(esys, ESYS_TR_RH_LOCKOUT, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                              ESYS_TR_NONE, 0, 1000, 1000),
              TSS2_RC_SUCCESS);
  });
  for (int i = 0; i < 500 && backend_->health().detail.find("lock-out") == std::string::npos; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));  // it looks, and who asks next hears of it
  EXPECT_TRUE(backend_->health().usable);
  EXPECT_NE(backend_->health().detail.find("lock-out"), std::string::npos) << backend_->health().detail;
  const auto key = backend_->open(KeyType::ec_p256, made.handle);
  ASSERT_TRUE(key) << key.error().what;
  EXPECT_TRUE((*key)->sign_message(crypto::SignatureScheme::ecdsa, crypto::HashAlg::sha256, as_bytes("x")));
}

TEST_F(Platform, LockOutHasItsOwnWordsInErrors) {
  EXPECT_NE(check("TPM2_Sign", TPM2_RC_LOCKOUT).error().what.find("lock-out"), std::string::npos);
  EXPECT_EQ(check("TPM2_Sign", TPM2_RC_LOCKOUT).error().code, Errc::unavailable);
  EXPECT_FALSE(means_gone(TPM2_RC_LOCKOUT));
  EXPECT_TRUE(means_gone(TSS2_TCTI_RC_IO_ERROR));
}

}  // namespace
}  // namespace camvault::keystore_tpm2
