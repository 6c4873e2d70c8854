// What the `openssl` program says of a factory's files. AX-2.1-1, IP-3-1, NC-2-1.
#include <gtest/gtest.h>

#include "camvault/test_support/program.h"
#include "factory_fixture.h"

namespace camvault::identity {
namespace {

using test_support::run_program;
using namespace test;

void check_with_openssl(KeyAlg alg) {
  SCOPED_TRACE(to_string(alg));
  Site site(alg);
  const auto camera = Camera::make(alg);
  const auto request = camera.request("B8A44F000001");
  const auto file = [&](const char* name, const std::string& text) { return site.folder.write(name, text); };
  const auto csr = file("csr.pem", crypto_openssl::certificate_request_pem(request.media_signing_request));
  const auto verified = run_program({"openssl", "req", "-in", csr, "-verify", "-noout"});
  EXPECT_EQ(verified.exit_code, 0) << verified.output;

  const auto certs = site.factory->provision(*site.ca_key, request).value();
  const auto idevid = file("idevid.pem", crypto_openssl::certificate_pem(certs.identity));
  const auto media = file("media.pem", crypto_openssl::certificate_pem(certs.media_signing));
  const auto root = (site.path() / "root-ca.pem").string();
  const auto ca = (site.path() / "device-ca.pem").string();
  const auto at = std::to_string(to_unix_seconds(site.clock.time));
  for (const auto& leaf : {idevid, media}) {
    const auto result = run_program(
        {"openssl", "verify", "-x509_strict", "-attime", at, "-CAfile", root, "-untrusted", ca, leaf});
    EXPECT_EQ(result.exit_code, 0) << result.output;
  }
  EXPECT_NE(run_program({"openssl", "verify", "-attime", at, "-CAfile", root, media}).exit_code, 0);

  const auto check_list = [&] {
    const auto list = (site.path() / "device-ca.crl.pem").string();
    return run_program({"openssl", "verify", "-crl_check", "-attime", at, "-CRLfile", list, "-CAfile", root,
                        "-untrusted", ca, media});
  };
  ASSERT_TRUE(site.factory->publish_device_ca_list(*site.ca_key, std::chrono::days(7)));
  EXPECT_EQ(check_list().exit_code, 0) << check_list().output;
  ASSERT_TRUE(site.factory->revoke(*site.ca_key, "B8A44F000001", RevocationCause::key_compromise));
  EXPECT_NE(check_list().output.find("certificate revoked"), std::string::npos) << check_list().output;

  if (alg != KeyAlg::ec_p256) return;
  const auto text =
      run_program({"openssl", "x509", "-in", idevid, "-noout", "-text", "-nameopt", "RFC2253"}).output;
  for (const auto* part :
       {"serialNumber=B8A44F000001", "Not After : Dec 31 23:59:59 9999 GMT", "Digital Signature",
        "Subject Key Identifier", "Authority Key Identifier", "othername:", "CA:FALSE"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in\n" << text;
  }
  EXPECT_EQ(text.find("Extended Key Usage"), std::string::npos);
  // hardwareModuleName: 1.3.6.1.5.5.7.8.4 with the module's type and the serial number's bytes.
  const auto tree = run_program({"openssl", "asn1parse", "-in", idevid}).output;
  EXPECT_NE(tree.find("X509v3 Subject Alternative Name"), std::string::npos);
  EXPECT_NE(to_hex(certs.identity.der).find("06082b06010505070804"), std::string::npos);
  EXPECT_NE(to_hex(certs.identity.der).find("040c" + to_hex(as_bytes("B8A44F000001"))), std::string::npos);
  const auto ca_text = run_program({"openssl", "x509", "-in", ca, "-noout", "-text"}).output;
  EXPECT_NE(ca_text.find("CA:TRUE, pathlen:0"), std::string::npos) << ca_text;
  EXPECT_NE(ca_text.find("Certificate Sign, CRL Sign"), std::string::npos);
}

TEST(FactoryWithOpenssl, P256) {
  check_with_openssl(KeyAlg::ec_p256);
}
TEST(FactoryWithOpenssl, P384) {
  check_with_openssl(KeyAlg::ec_p384);
}
TEST(FactoryWithOpenssl, Rsa2048) {
  check_with_openssl(KeyAlg::rsa_2048);
}
TEST(FactoryWithOpenssl, Rsa3072) {
  check_with_openssl(KeyAlg::rsa_3072);
}
TEST(FactoryWithOpenssl, Rsa4096) {
  check_with_openssl(KeyAlg::rsa_4096);
}

}  // namespace
}  // namespace camvault::identity
