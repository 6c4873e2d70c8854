#include "camvault/identity/device.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "factory_fixture.h"

namespace camvault::identity {
namespace {

using namespace test;

TEST(Device, SerialNumbers) {
  for (const auto& good :
       {std::string("1"), std::string("B8:A4:4F:00:00:01"), std::string("cam-1.2"), std::string(64, 'x')}) {
    EXPECT_TRUE(is_device_serial(good)) << good;
  }
  for (const auto& bad : {std::string(), std::string(65, 'x'), std::string(".."), std::string("a/b"),
                          std::string("\xc3\xa4"), std::string("a\0", 2)}) {
    EXPECT_FALSE(is_device_serial(bad)) << bad;
  }
}

TEST(Device, InstallsWhatIsItsOwn) {
  Site site;
  const auto camera = Camera::make();
  const auto certs = site.provision(camera, "S1").value();
  const auto check = [&](const DeviceCertificates& c, const Camera& of, const crypto::Certificate& root) {
    return check_device_certificates(*site.engine, c, of.identity->spki_der(), of.media_signing->spki_der(),
                                     root, site.clock.now());
  };
  EXPECT_TRUE(check(certs, camera, site.factory->root()));
  EXPECT_EQ(check(certs, Camera::make(), site.factory->root()).error().code, Errc::invalid);
  // IP-3-2: a look-alike factory with the same names.
  const Site look_alike;
  EXPECT_EQ(look_alike.factory->root().subject, site.factory->root().subject);
  EXPECT_EQ(check(certs, camera, look_alike.factory->root()).error().code, Errc::invalid);
  auto bad = certs;
  bad.serial = "S2";
  EXPECT_EQ(check(bad, camera, site.factory->root()).error().code, Errc::invalid);
  bad = certs;
  std::swap(bad.identity, bad.media_signing);
  EXPECT_EQ(check(bad, camera, site.factory->root()).error().code, Errc::invalid);
  bad = certs;
  bad.media_signing_chain_pem = certs.identity_chain_pem;
  EXPECT_EQ(check(bad, camera, site.factory->root()).error().code, Errc::invalid);
  bad = certs;
  bad.media_signing_chain_pem =
      crypto_openssl::certificate_pem(certs.media_signing);  // the device CA is missing
  EXPECT_EQ(check(bad, camera, site.factory->root()).error().code, Errc::invalid);

  const auto folder = site.folder / "camera/identity";
  ASSERT_TRUE(install_device_certificates(folder, certs));
  EXPECT_EQ(site.folder.read("camera/identity/idevid-chain.pem"), certs.identity_chain_pem);
  EXPECT_EQ(site.folder.read("camera/identity/media-signing-chain.pem"), certs.media_signing_chain_pem);
  EXPECT_FALSE(install_device_certificates(site.folder / "camera/identity/idevid-chain.pem", certs));
}

}  // namespace
}  // namespace camvault::identity
