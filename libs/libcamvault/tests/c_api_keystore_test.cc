// A signer in C whose key only keystored holds. SP-4.2.10, AX-4.1-1.
#include "camvault/camvault.h"
#include "scene.h"
#include "test_daemon.h"

namespace camvault::keystored {
namespace {

namespace scene = signed_video::test;

TEST_F(KeystoredTest, TheCApiSignsWithAKeyOfTheDaemon) {
  const auto name = key_name("camera/media-signing");
  const auto type = keystore::KeyType::ec_p256;
  ASSERT_TRUE(
      keystore_->generate(name, type, keystore::default_policy(type, keystore::Purpose::media_signing)));
  const auto spki = keystore_->public_key(name);
  ASSERT_TRUE(spki);
  crypto_openssl::CertificateProfile profile;
  profile.not_before = scene::recording_begins() - std::chrono::hours(1);
  profile.not_after = scene::recording_begins() + std::chrono::hours(24);
  const auto& maker = scene::maker();
  const auto leaf = crypto_openssl::issue_certificate(
      *maker.ca_key, maker.device_ca, scene::named("Camera", "C-1"), *spki, profile, Bytes{9});
  ASSERT_TRUE(leaf) << leaf.error().what;
  const auto chain = crypto_openssl::certificates_pem({*leaf, maker.device_ca});

  camvault_key* key = nullptr;
  ASSERT_EQ(camvault_key_from_keystore(daemon_.socket().c_str(), "camera/media-signing", &key), CAMVAULT_OK)
      << camvault_last_error();
  camvault_sign_options* options = nullptr;
  ASSERT_EQ(camvault_sign_options_create(&options), CAMVAULT_OK);
  ASSERT_EQ(camvault_sign_options_set(options, CAMVAULT_SIGN_WAIT_FOR_KEY, 1), CAMVAULT_OK);
  camvault_signer* signer = nullptr;
  ASSERT_EQ(camvault_signer_create(CAMVAULT_CODEC_H265, key, chain.c_str(), options, &signer), CAMVAULT_OK)
      << camvault_last_error();
  camvault_sign_options_destroy(options);
  camvault_key_destroy(key);

  camvault_verifier* verifier = nullptr;
  camvault_verify_options* trust = nullptr;
  ASSERT_EQ(camvault_verify_options_create(&trust), CAMVAULT_OK);
  ASSERT_EQ(camvault_verify_options_add_anchors(trust, maker.root.der.data(), maker.root.der.size()),
            CAMVAULT_OK);
  ASSERT_EQ(camvault_verifier_create(CAMVAULT_CODEC_H265, trust, &verifier), CAMVAULT_OK);
  camvault_verify_options_destroy(trust);
  const camvault_bytes* seis = nullptr;
  std::size_t count = 0;
  std::uint32_t number = 0;
  for (const char letter : std::string("IPPIPPIPP")) {
    const auto unit = scene::slice(codec::Codec::h265, letter, number);
    const camvault_bytes view{unit.data(), unit.size()};
    const auto time =
        (scene::recording_begins() + std::int64_t{number++} * scene::kFrame).time_since_epoch().count();
    ASSERT_EQ(camvault_signer_add(signer, &view, 1, time, &seis, &count), CAMVAULT_OK)
        << camvault_last_error();
    ASSERT_EQ(camvault_verifier_add(verifier, seis, count), CAMVAULT_OK);
    ASSERT_EQ(camvault_verifier_add(verifier, &view, 1), CAMVAULT_OK);
  }
  ASSERT_EQ(camvault_signer_finish(signer, 5000, &seis, &count), CAMVAULT_OK);
  ASSERT_EQ(camvault_verifier_add(verifier, seis, count), CAMVAULT_OK);
  EXPECT_EQ(camvault_signer_counter(signer, CAMVAULT_SIGNER_SEIS_SIGNED), 4u);
  camvault_report* report = nullptr;
  ASSERT_EQ(camvault_verifier_finish(verifier, 0, &report), CAMVAULT_OK);
  EXPECT_EQ(camvault_report_verdict(report), CAMVAULT_AUTHENTIC) << camvault_report_verdict_reason(report);
  EXPECT_EQ(camvault_report_provenance(report), CAMVAULT_TRUSTED)
      << camvault_report_provenance_reason(report);
  camvault_report_destroy(report);
  camvault_verifier_destroy(verifier);
  camvault_signer_destroy(signer);
}

TEST_F(KeystoredTest, TheCApiSaysWhyAKeyCannotBeUsed) {
  camvault_key* key = nullptr;
  EXPECT_EQ(camvault_key_from_keystore(daemon_.socket().c_str(), "camera/not-there", &key),
            CAMVAULT_NOT_FOUND)
      << camvault_last_error();
  EXPECT_EQ(camvault_key_from_keystore(daemon_.socket().c_str(), "stranger/key", &key), CAMVAULT_DENIED)
      << camvault_last_error();
  const auto socket = daemon_.socket().string();
  keystore_.reset();
  daemon_.stop();
  EXPECT_EQ(camvault_key_from_keystore(socket.c_str(), "camera/media-signing", &key), CAMVAULT_UNAVAILABLE)
      << camvault_last_error();
  EXPECT_EQ(key, nullptr);
}

}  // namespace
}  // namespace camvault::keystored
