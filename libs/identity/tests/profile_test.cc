// Certificate profiles: the files that Camvault brings, and files that break rules.
#include "camvault/identity/profile.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "camvault/test_support/program.h"
#include "camvault/voucher/signed_voucher.h"
#include "factory_fixture.h"

namespace camvault::identity {
namespace {

using namespace test;

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}
Errc code_of(const std::string& text) {
  const auto parsed = parse_profile(text);
  return parsed ? Errc::internal : parsed.error().code;
}

TEST(Profiles, ThoseThatAreThere) {
  const auto& all = built_in_profiles();
  for (const auto* name : {"root-ca", "device-ca", "idevid", "ldevid", "media-signing", "attestation", "c2pa",
                           "tls", "matter-dac", "matter-pai", "ocsp-responder", "issue-log"}) {
    ASSERT_TRUE(all.contains(name)) << name;
  }
  for (const auto& [name, text] : all) {
    const auto parsed = parse_profile(text);
    ASSERT_TRUE(parsed) << name << ": " << parsed.error().what;
    EXPECT_EQ(parsed->name, name);
    EXPECT_NE(parsed->follows, ProfileRules::none) << name;
  }
}

TEST(Profiles, WhatTheStandardsForbid) {
  const auto& all = built_in_profiles();
  const struct {
    const char* profile;
    const char* what;
    const char* by;
  } broken[] = {
      {"idevid", "end = \"none\"", "days = 3650"},
      {"idevid", "hardware_module_name = true", "hardware_module_name = false"},
      {"idevid", "key_usage = [\"digital-signature\"]", "key_usage = [\"key-agreement\"]"},
      {"idevid", "key_usage = [\"digital-signature\"]",
       "key_usage = [\"digital-signature\", \"key-cert-sign\"]"},
      {"idevid", "[extensions]\n", "[extensions]\nextended_key_usage = [\"1.3.6.1.5.5.7.3.2\"]\n"},
      {"idevid", "[extensions]\n", "[extensions]\nca = true\npath_length = 0\n"},
      {"media-signing", "[extensions]\n", "[extensions]\nextended_key_usage = [\"2.5.29.37.0\"]\n"},
      {"c2pa", "1.3.6.1.4.1.62558.2.1", "1.3.6.1.5.5.7.3.1"},
      {"tls", "days = 3650", "end = \"none\""},
      {"matter-dac", "matter_product_id = \"8000\"", ""},
      {"matter-dac", "key_types = [\"ec-p256\"]", "key_types = [\"ec-p384\"]"},
      {"matter-dac", "issuer = \"matter-pai\"", "issuer = \"device-ca\""},
      {"matter-pai", "path_length = 0", "path_length = 1"},
      {"ocsp-responder", "days = 90", "days = 900"},
      {"ocsp-responder", "1.3.6.1.5.5.7.3.9", "1.3.6.1.5.5.7.3.1"},
      {"attestation", "2.23.133.8.3", "2.23.133.8.1"},
      {"issue-log", "issuer = \"root-ca\"", "issuer = \"device-ca\""},
      {"device-ca", "path_length = 0", ""},
  };
  for (const auto& [profile, what, by] : broken) {
    EXPECT_EQ(code_of(replaced(all.at(profile), what, by)), Errc::invalid) << profile << ": " << what;
  }
}

TEST(Profiles, FilesThatAreNone) {
  const auto& good = built_in_profiles().at("tls");
  ASSERT_TRUE(parse_profile(good));
  for (const auto& bad :
       {replaced(good, "dns_names", "dns_name"), replaced(good, "[validity]", "[valid]"),
        replaced(good, "days = 3650", "days = 0"), replaced(good, "days = 3650", "days = \"3650\""),
        replaced(good, "days = 3650", "days = 36501"),
        replaced(good, "days = 3650", "days = 3650\nend = \"none\""),
        replaced(good, "{serial}\"\nshort", "{serail}\"\nshort"),
        replaced(good, "name = \"tls\"", "name = \"../tls\""),
        replaced(good, "follows = \"tls\"", "follows = \"nothing\""), replaced(good, "ec-p256", "ed25519"),
        replaced(good, "ec-p256", "ec-p384"), replaced(good, "digital-signature", "digital-signatures"),
        std::string("x = ["), std::string("\xff\xfe"), std::string("[subject]\n")}) {
    const auto code = code_of(bad);
    EXPECT_TRUE(code == Errc::malformed || code == Errc::unsupported) << bad;
  }
  EXPECT_EQ(code_of(std::string(kMaxProfileFile + 1, '#')), Errc::limit);
  EXPECT_EQ(code_of("x = " + std::string(5000, '[')), Errc::malformed);
}

// RFC 8995 2.3.2
TEST(Profiles, AnIdentityNamesItsMakersService) {
  const auto& idevid = built_in_profiles().at("idevid");
  for (const char* bad : {"http://masa.example", "https://masa.example/path", "https://", "masa example"})
    EXPECT_EQ(code_of(idevid + "masa_url = \"" + bad + "\"\n"), Errc::malformed) << bad;
  Site site;
  const auto file = "factory/profiles/idevid.toml";
  site.folder.write(file, site.folder.read(file) + "masa_url = \"https://masa.example:9443\"\n");
  site.reopen();
  const auto certs = site.provision(Camera::make(), "S1").value();
  EXPECT_EQ(voucher::masa_url(certs.identity).value(), "https://masa.example:9443");
  EXPECT_FALSE(voucher::masa_url(certs.media_signing));
}

TEST(Profiles, AFactoryHasItsOwn) {
  Site site;
  const auto file = "factory/profiles/media-signing.toml";
  site.folder.write(file, replaced(site.folder.read(file), "end = \"none\"", "days = 100"));
  site.reopen();
  const auto certs = site.provision(Camera::make(), "S1").value();
  EXPECT_EQ(certs.media_signing.not_after, site.clock.time + std::chrono::days(100));
  // A factory with half of its rules issues nothing.
  site.folder.write(file, "version = 1\n");
  site.factory.reset();
  EXPECT_FALSE(Factory::open(site.path(), site.clock, *site.engine));
}

// Folders from before there were profiles, orders and a signed log: read as they are, and what a camera gets
// is logged in the same lines as then.
TEST(Profiles, AFactoryFromBefore) {
  Site site;
  const auto before = site.provision(Camera::make(), "S1").value();
  site.factory.reset();
  std::filesystem::remove_all(site.path() / "profiles");
  site.reopen();
  EXPECT_EQ(site.factory->issued("S1")->identity.der, before.identity.der);
  ASSERT_TRUE(site.provision(Camera::make(), "S2"));
  const auto log = site.folder.read("factory/issued.jsonl");
  const auto line = log.substr(0, log.find('\n'));
  const std::string hash(64, '0');
  const auto entry = [](const crypto::Certificate& certificate, const Site& at) {
    return "{\"key\":\"" +
           to_hex(at.engine->digest(crypto::HashAlg::sha256, certificate.key->spki_der()).view()) +
           "\",\"number\":\"" + certificate.serial + "\"}";
  };
  EXPECT_EQ(line, "{\"event\":\"reserved\",\"identity\":" + entry(before.identity, site) +
                      ",\"media_signing\":" + entry(before.media_signing, site) + ",\"n\":0,\"prev\":\"" +
                      hash + "\",\"serial\":\"S1\",\"time\":\"2026-03-01T12:00:00Z\",\"v\":1}");
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 4);
}

TEST(Profiles, CertificatesForOtherUses) {
  Site site;
  ASSERT_TRUE(site.provision(Camera::make(), "S1"));
  const auto key = LocalKey::generate(KeyAlg::ec_p256).value();
  const auto request = make_certificate_request_for("S1", *key).value();
  const auto text_of = [&](const crypto::Certificate& certificate) {
    return test_support::run_program(
               {"openssl", "x509", "-noout", "-text", "-in",
                site.folder.write("x.pem", crypto_openssl::certificate_pem(certificate))})
        .output;
  };
  const auto c2pa = site.factory->certify(*site.ca_key, "S1", "c2pa", request).value();
  EXPECT_EQ(c2pa.certificate.not_after, site.clock.time + std::chrono::days(3650));
  EXPECT_NE(text_of(c2pa.certificate).find("1.3.6.1.4.1.62558.2.1"), std::string::npos);
  EXPECT_EQ(site.factory->certify(*site.ca_key, "S1", "c2pa", request)->certificate.der,
            c2pa.certificate.der);
  EXPECT_EQ(site.factory->certify(*site.ca_key, "S1", "tls", request).error().code,
            Errc::denied);  // one key, one use
  const auto other = LocalKey::generate(KeyAlg::ec_p256).value();
  const auto other_request = make_certificate_request_for("S1", *other).value();
  EXPECT_EQ(site.factory->certify(*site.ca_key, "S1", "c2pa", other_request).error().code, Errc::exists);
  EXPECT_EQ(site.factory->certify(*site.ca_key, "S2", "tls", other_request).error().code, Errc::not_found);
  for (const auto* not_given :
       {"device-ca", "idevid", "media-signing", "issue-log", "ocsp-responder", "attestation"})
    EXPECT_EQ(site.factory->certify(*site.ca_key, "S1", not_given, other_request).error().code, Errc::usage)
        << not_given;
  EXPECT_EQ(site.factory->certify(*site.ca_key, "S1", "none", other_request).error().code, Errc::not_found);
  const auto tls = site.factory->certify(*site.ca_key, "S1", "tls", other_request).value();
  EXPECT_NE(text_of(tls.certificate).find("DNS:S1.camera.example"), std::string::npos);
  // Nearly over: another one, also for a new key.
  site.clock.time += std::chrono::days(3000);
  const auto third = LocalKey::generate(KeyAlg::ec_p256).value();
  const auto renewed =
      site.factory->certify(*site.ca_key, "S1", "tls", make_certificate_request_for("S1", *third).value());
  ASSERT_TRUE(renewed) << renewed.error().what;
  // Matter: an authority of its own, with the vendor's number.
  const auto dac_key = LocalKey::generate(KeyAlg::ec_p256).value();
  const auto dac_request = make_certificate_request_for("S1", *dac_key).value();
  EXPECT_EQ(site.factory->certify(*site.ca_key, "S1", "matter-dac", dac_request).error().code,
            Errc::not_found);
  const auto pai_key = LocalKey::generate(KeyAlg::ec_p256).value();
  ASSERT_EQ(site.factory->add_authority(*site.root_key, *pai_key, "matter-pai").value(), "matter-pai");
  EXPECT_EQ(site.factory->device_ca_name(), "device-ca");
  EXPECT_EQ(site.factory->certify(*site.ca_key, "S1", "matter-dac", dac_request).error().code, Errc::usage);
  const auto dac = site.factory->certify(*pai_key, "S1", "matter-dac", dac_request).value();
  // Matter Core 6.1.1: vendor and product in the subject, the vendor in the issuer; UTF8Strings FFF1 and
  // 8000.
  EXPECT_NE(dac.certificate.subject.find("1.3.6.1.4.1.37244.2.1=#0C0446464631"), std::string::npos)
      << dac.certificate.subject;
  EXPECT_NE(dac.certificate.subject.find("1.3.6.1.4.1.37244.2.2=#0C0438303030"), std::string::npos)
      << dac.certificate.subject;
  EXPECT_NE(dac.certificate.issuer.find("1.3.6.1.4.1.37244.2.1=#0C0446464631"), std::string::npos)
      << dac.certificate.issuer;
  EXPECT_EQ(site.factory->add_authority(*site.root_key, *third, "tls").error().code, Errc::usage);
}

}  // namespace
}  // namespace camvault::identity
