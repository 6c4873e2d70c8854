// Decisions: which identity comes next, what a wrong clock is good for, what the RADIUS server's files say.
#include <gtest/gtest.h>

#include "camvault/network/identity_order.h"
#include "camvault/network/link.h"
#include "camvault/network/radius_config.h"
#include "camvault/network/time_policy.h"

namespace camvault::network {
namespace {
using std::chrono::milliseconds;

Credential credential(IdentityKind kind, std::string key) {
  Credential c;
  c.kind = kind;
  c.key = std::move(key);
  return c;
}

TEST(IdentityOrder, TheNextOneWhenOneIsRefused) {
  IdentityOrder order({credential(IdentityKind::ldevid, "l"), credential(IdentityKind::idevid, "a"),
                       credential(IdentityKind::idevid, "b")});
  EXPECT_EQ(order.current().key, "l");
  EXPECT_EQ(order.refused(), milliseconds(0));
  EXPECT_EQ(order.current().key, "a");
  order.admitted();
  EXPECT_EQ(order.return_after(), kFirstReturn);  // the owner's is tried again some time
  order.try_best_again();
  EXPECT_EQ(order.current().key, "l");
  EXPECT_EQ(order.refused(), milliseconds(0));
  EXPECT_EQ(order.return_after(), 2 * kFirstReturn);
  EXPECT_EQ(order.refused(), milliseconds(0));
  EXPECT_EQ(order.refused(), kFirstPause);  // all of them: from the first again, later and later
  EXPECT_EQ(order.current().key, "l");
  for (int i = 0; i < 30; ++i) order.refused();
  EXPECT_EQ(order.index(), 0u);
  order.refused(), order.refused();
  EXPECT_EQ(order.refused(), kLongestPause);
}

TEST(IdentityOrder, AServerThatIsNotBelievedSeesNoOther) {
  IdentityOrder order({credential(IdentityKind::idevid, "a"), credential(IdentityKind::idevid, "b")});
  EXPECT_EQ(order.server_not_believed(), kFirstPause);
  EXPECT_EQ(order.server_not_believed(), 2 * kFirstPause);
  EXPECT_EQ(order.current().key, "a");
  EXPECT_EQ(order.return_after(), milliseconds(0));
}

crypto::Certificate valid(Timestamp begin, Timestamp end) {
  crypto::Certificate c;
  c.not_before = begin;
  c.not_after = end;
  return c;
}

TEST(TimePolicy, AClockThatCannotBeRightJudgesNothing) {
  const auto floor = earliest_possible_time();
  const auto day = std::chrono::hours(24);
  const auto made = floor + 10 * day;
  const auto y1970 = from_unix_seconds(300);
  const auto wrong = judge_clock(y1970, {made});
  EXPECT_FALSE(wrong.plausible);
  EXPECT_EQ(wrong.floor, made);
  // Begins after all that is known: may well be valid. Ended before the camera was made: is not.
  EXPECT_EQ(validity_problem({valid(made + day, made + 2 * day)}, y1970, wrong), "");
  EXPECT_NE(validity_problem({valid(floor, made - day)}, y1970, wrong), "");
  // The same when the clock is right.
  const auto now = made + day;
  const auto right = judge_clock(now, {made});
  EXPECT_TRUE(right.plausible);
  EXPECT_EQ(validity_problem({valid(floor, now + day)}, now, right), "");
  EXPECT_NE(validity_problem({valid(floor, now + day), valid(floor, now - day)}, now, right), "");
  EXPECT_NE(validity_problem({valid(now + day, now + 2 * day)}, now, right), "");
  EXPECT_TRUE(judge_clock(floor, {}).plausible);
  EXPECT_FALSE(judge_clock(floor - day, {}).plausible);
}

RadiusSite site() {
  RadiusSite s;
  s.idevid_issuers = {"/O=O'Brien \\xC3/CN=Device CA"};
  s.ldevid_issuers = {"/CN=Owner CA"};
  s.serials = {"CAM-1", "B8:A4:4F"};
  s.folder = "/etc/camvault-radius";
  s.server_certificate = "/etc/radius.pem";
  s.server_key = "/etc/radius.key";
  return s;
}

TEST(RadiusConfig, IssuerAndSerialNumberDecideTheNetwork) {  // AX-2.2-1
  const auto files = render_radius_files(site()).value();
  EXPECT_NE(files.devices.find("\"idevid CAM-1\"\n\tTunnel-Type = VLAN,\n\tTunnel-Medium-Type = "
                               "IEEE-802,\n\tTunnel-Private-Group-Id = \"10\"\n"),
            std::string::npos);
  EXPECT_NE(files.devices.find("\"ldevid B8:A4:4F\""), std::string::npos);
  EXPECT_NE(
      files.issuers_conf.find("if ((&TLS-Client-Cert-Issuer == '/O=O\\'Brien \\\\xC3/CN=Device CA')) {"),
      std::string::npos);
  EXPECT_NE(files.issuers_conf.find("elsif ((&TLS-Client-Cert-Issuer == '/CN=Owner CA')) {"),
            std::string::npos);
  EXPECT_NE(files.radiusd_conf.find("check_crl = yes"), std::string::npos);
  auto no_owner = site();
  no_owner.ldevid_issuers.clear();
  const auto fewer = render_radius_files(no_owner).value();
  EXPECT_EQ(fewer.devices.find("ldevid"), std::string::npos);
  EXPECT_EQ(fewer.issuers_conf.find("ldevid"), std::string::npos);
}

TEST(RadiusConfig, RefusesWhatCouldEndAStringOrALine) {
  const auto refused = [](auto change) {
    auto s = site();
    change(s);
    return !render_radius_files(s);
  };
  EXPECT_TRUE(refused([](auto& s) { s.serials = {"A\"\n\"idevid B"}; }));
  EXPECT_TRUE(refused([](auto& s) { s.idevid_issuers = {"/CN=a\nb"}; }));
  EXPECT_TRUE(refused([](auto& s) { s.idevid_issuers.clear(); }));
  EXPECT_TRUE(refused([](auto& s) { s.ldevid_issuers = s.idevid_issuers; }));
  EXPECT_TRUE(refused([](auto& s) { s.provisioning_vlan = 4095; }));
  EXPECT_TRUE(refused([](auto& s) { s.production_vlan = s.provisioning_vlan; }));
  EXPECT_TRUE(refused([](auto& s) { s.folder = "here"; }));
  EXPECT_TRUE(refused([](auto& s) { s.server_key = "/etc/a key"; }));
  EXPECT_TRUE(refused([](auto& s) { s.listen_address = "a\nb"; }));
  EXPECT_TRUE(render_radius_client("hall-1", "192.0.2.0/24", "00112233445566778899"));
  EXPECT_FALSE(render_radius_client("hall 1", "192.0.2.10", "00112233445566778899"));
  EXPECT_FALSE(render_radius_client("hall-1", "192.0.2.10\n", "00112233445566778899"));
  EXPECT_FALSE(render_radius_client("hall-1", "192.0.2.10", "short"));
}

TEST(Link, Names) {
  for (const auto* good : {"eth0", "enp0s31f6", "end0.10"}) EXPECT_TRUE(is_interface_name(good)) << good;
  for (const auto* bad : {"", "a/b", "..", "a b", "0123456789abcdef", "a\"b"})
    EXPECT_FALSE(is_interface_name(bad)) << bad;
  EXPECT_EQ(has_carrier("nowhere0").error().code, Errc::not_found);
  EXPECT_EQ(set_up("a/b", true).error().code, Errc::usage);
}

}  // namespace
}  // namespace camvault::network
