// AX-2.1-2: identities in RSA-2048, RSA-4096 and P-256 for one camera.
#include <gtest/gtest.h>

#include "camvault/test_support/program.h"
#include "factory_fixture.h"

namespace camvault::identity {
namespace {

using namespace test;

struct Identities {
  Site site;
  Camera camera = Camera::make();
  std::unique_ptr<LocalKey> rsa_2048 = LocalKey::generate(KeyAlg::rsa_2048).value();
  std::string serial = "S1";

  Result<FurtherCertificate> add(LocalKey& key, std::string_view use = "idevid-rsa-2048",
                                 const std::string& for_serial = "S1") {
    return site.factory->add_identity(*site.ca_key, for_serial, use,
                                      make_certificate_request_for(serial, key).value());
  }
};

TEST(FurtherIdentities, EachAlgorithmHasOne) {
  Identities on;
  ASSERT_TRUE(on.site.provision(on.camera, "S1"));
  const auto rsa_4096 = LocalKey::generate(KeyAlg::rsa_4096).value();
  const struct {
    LocalKey& key;
    const char* use;
  } all[] = {{*on.rsa_2048, "idevid-rsa-2048"}, {*rsa_4096, "idevid-rsa-4096"}};
  const auto root = (on.site.path() / "root-ca.pem").string();
  const auto at = std::to_string(to_unix_seconds(on.site.clock.time));
  for (const auto& [key, use] : all) {
    const auto made = on.add(key, use).value();
    EXPECT_EQ(made.certificate.subject, "serialNumber=S1,CN=Camvault camera S1,O=Acme Cameras,C=SE");
    EXPECT_EQ(to_iso8601(made.certificate.not_after), "9999-12-31T23:59:59Z");
    EXPECT_EQ(made.certificate.key->alg(), key.alg());
    EXPECT_TRUE(check_further_certificate(*on.site.engine, made, key.spki_der(), on.site.factory->root(),
                                          on.site.clock.now()));
    EXPECT_FALSE(check_further_certificate(*on.site.engine, made, on.camera.identity->spki_der(),
                                           on.site.factory->root(), on.site.clock.now()));
    ASSERT_TRUE(install_further_certificate(on.site.folder / "camera", made));
    const auto file = (on.site.folder / "camera" / chain_file(use)).string();
    const auto verified = test_support::run_program(
        {"openssl", "verify", "-x509_strict", "-attime", at, "-CAfile", root, "-untrusted", file, file});
    EXPECT_EQ(verified.exit_code, 0) << verified.output;
  }
}

TEST(FurtherIdentities, OneOfAKindForOneKey) {
  Identities on;
  EXPECT_EQ(on.add(*on.rsa_2048).error().code, Errc::not_found);  // the camera is not known yet
  ASSERT_TRUE(on.site.provision(on.camera, "S1"));
  ASSERT_TRUE(on.site.provision(Camera::make(), "S2"));
  const auto first = on.add(*on.rsa_2048).value();
  const auto other = LocalKey::generate(KeyAlg::rsa_2048).value();
  for (int process = 0; process < 2; ++process) {
    EXPECT_EQ(on.add(*on.rsa_2048)->certificate.der, first.certificate.der);  // its answer was lost
    EXPECT_EQ(on.add(*other).error().code, Errc::exists);
    on.site.reopen();
  }
  EXPECT_EQ(on.add(*on.rsa_2048, "idevid-rsa-4096").error().code, Errc::denied);  // wrong kind of key
  EXPECT_EQ(on.add(*on.rsa_2048, "../x").error().code, Errc::usage);
  EXPECT_EQ(on.add(*other, "idevid-rsa-2048", "S2").error().code, Errc::invalid);  // it speaks of S1
  on.serial = "S2";
  EXPECT_EQ(on.add(*on.rsa_2048, "idevid-rsa-2048", "S2").error().code, Errc::denied);  // the key is S1's
  on.serial = "S1";
  // What is on the disk is checked against the log.
  ASSERT_TRUE(write_file_atomically(on.site.path() / "issued/S1_idevid-rsa-2048.pem", as_bytes("changed")));
  EXPECT_EQ(on.add(*on.rsa_2048).error().code, Errc::malformed);
}

TEST(FurtherIdentities, RevokedWithTheCamera) {
  Identities on;
  ASSERT_TRUE(on.site.provision(on.camera, "S1"));
  const auto made = on.add(*on.rsa_2048).value();
  const auto list = on.site.factory->revoke(*on.site.ca_key, "S1", RevocationCause::key_compromise).value();
  const auto text = test_support::run_program(
      {"openssl", "crl", "-noout", "-text", "-in", (on.site.path() / "device-ca.crl.pem").string()});
  auto number = made.certificate.serial;
  std::transform(number.begin(), number.end(), number.begin(),
                 [](char c) { return static_cast<char>(std::toupper(c)); });
  EXPECT_NE(text.output.find(number), std::string::npos) << text.output;
  EXPECT_EQ(on.add(*on.rsa_2048).error().code, Errc::denied);
}

}  // namespace
}  // namespace camvault::identity
