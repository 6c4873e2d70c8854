#include "camvault/network/supplicant_config.h"

#include <gtest/gtest.h>

namespace camvault::network {
namespace {

SupplicantConfig wired() {
  SupplicantConfig config;
  config.control_folder = "/run/camvault/network/control";
  config.server = {"/etc/camvault/ca.pem", {"radius.example.org"}};
  config.identities = {{"/id/ldevid-chain.pem", key_uri("camera/ldevid")},
                       {"/id/idevid-chain.pem", key_uri("camera/idevid")}};
  return config;
}

std::size_t count(const std::string& text, std::string_view what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

TEST(SupplicantConfig, EveryNetworkJudgesTheServerAndIsOff) {  // AX-2.1-3
  const auto text = render_supplicant_config(wired()).value();
  EXPECT_EQ(count(text, "network={"), 2u);
  for (const auto* line :
       {"  disabled=1\n", "  ca_cert=\"/etc/camvault/ca.pem\"\n", "  domain_match=\"radius.example.org\"\n",
        "  key_mgmt=IEEE8021X\n", "  eap=TLS\n"})
    EXPECT_EQ(count(text, line), 2u) << line;
  EXPECT_EQ(count(text, "private_key=\"pkcs11:token=Camvault;object=camera%2fidevid;type=private\""), 1u);
  EXPECT_EQ(text.find("tls_disable_time_checks"), std::string::npos);
  auto ignoring = wired();
  ignoring.ignore_times = true;
  EXPECT_EQ(count(render_supplicant_config(ignoring).value(), " tls_disable_time_checks=1\""), 2u);
}

TEST(SupplicantConfig, NoPolicyNoConnection) {
  auto config = wired();
  config.server.anchors.clear();
  EXPECT_EQ(render_supplicant_config(config).error().code, Errc::denied);
  config = wired();
  config.server.names.clear();
  EXPECT_EQ(render_supplicant_config(config).error().code, Errc::denied);
  config = wired();
  config.wifi = WifiNetwork{to_bytes(as_bytes("Cameras")), false};
  EXPECT_TRUE(render_supplicant_config(config));
  config.server = {};
  EXPECT_EQ(render_supplicant_config(config).error().code, Errc::denied);
}

TEST(SupplicantConfig, NothingEndsALineOrAString) {
  const auto refused = [](auto change) {
    auto config = wired();
    change(config);
    return !render_supplicant_config(config);
  };
  EXPECT_TRUE(refused([](auto& c) { c.server.anchors = "/a\"\n  ca_cert=\"/b"; }));
  EXPECT_TRUE(refused([](auto& c) { c.server.anchors = "relative.pem"; }));
  EXPECT_TRUE(refused([](auto& c) { c.server.names = {"a\"b"}; }));
  EXPECT_TRUE(refused([](auto& c) { c.server.names = {"*.example.org"}; }));
  EXPECT_TRUE(refused([](auto& c) { c.server.names = {"a;b"}; }));
  EXPECT_TRUE(refused([](auto& c) { c.server.names = std::vector<std::string>(17, "a"); }));
  EXPECT_TRUE(refused([](auto& c) { c.identities[0].chain = "/a\nb"; }));
  EXPECT_TRUE(refused([](auto& c) { c.identities[0].key_uri = "/etc/key.pem"; }));
  EXPECT_TRUE(refused([](auto& c) { c.identities.clear(); }));
  EXPECT_TRUE(refused([](auto& c) { c.identities.resize(9, c.identities[0]); }));
  EXPECT_TRUE(refused([](auto& c) { c.control_folder = "/run/a b"; }));
  EXPECT_TRUE(refused([](auto& c) { c.wifi = WifiNetwork{{}, true}; }));
  EXPECT_TRUE(refused([](auto& c) { c.wifi = WifiNetwork{Bytes(33, 'x'), true}; }));
}

TEST(SupplicantConfig, APassphraseIsAskedForAndNeverWritten) {  // NA-2.5-1
  SupplicantConfig config;
  config.control_folder = "/run/control";
  config.wifi = WifiNetwork{to_bytes(as_bytes("Ware\"house")), true};
  const auto text = render_supplicant_config(config).value();
  EXPECT_NE(text.find("  ssid=5761726522686f757365\n"), std::string::npos);
  EXPECT_NE(text.find("  mem_only_psk=1\n"), std::string::npos);
  EXPECT_NE(text.find("update_config=0\n"), std::string::npos);
  EXPECT_EQ(count(text, "psk="), 1u);  // that of mem_only_psk
}

TEST(SupplicantConfig, KeyNamesAreEscaped) {  // RFC 7512 2.3
  EXPECT_EQ(key_uri("camera/a;b?c"), "pkcs11:token=Camvault;object=camera%2fa%3bb%3fc;type=private");
}

}  // namespace
}  // namespace camvault::network
