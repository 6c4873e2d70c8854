#include "camvault/identity/factory.h"

#include <gtest/gtest.h>

#include <set>

#include "camvault/attestation/check.h"
#include "factory_fixture.h"

namespace camvault::identity {
namespace {

using crypto::PathVerdict;
using namespace test;

crypto::PathResult judge(const Site& site, const crypto::Certificate& leaf,
                         const std::vector<crypto::RevocationList>& crls = {}) {
  const std::vector<crypto::Certificate> intermediates{site.factory->device_ca()};
  const std::vector<crypto::Certificate> anchors{site.factory->root()};
  crypto::PathRequest request;
  request.leaf = &leaf;
  request.intermediates = &intermediates;
  request.anchors = &anchors;
  request.crls = &crls;
  request.at = site.clock.now();
  return site.engine->validate_path(request);
}

// AX-2.1-1, IP-3-1: an IEEE 802.1AR identity with the serial number, and a separate media signing
// certificate.
TEST(Factory, ACameraGetsTwoCertificates) {
  Site site;
  const auto camera = Camera::make();
  const auto certs = site.provision(camera, "B8A44F000001").value();
  const auto& id = certs.identity;
  EXPECT_EQ(id.subject, "serialNumber=B8A44F000001,CN=Camvault camera B8A44F000001,O=Acme Cameras,C=SE");
  EXPECT_EQ(id.device_serial, "B8A44F000001");
  EXPECT_EQ(id.not_before, site.clock.time);
  EXPECT_EQ(to_iso8601(id.not_after), "9999-12-31T23:59:59Z");
  EXPECT_FALSE(id.is_ca);
  EXPECT_EQ(id.serial.size(), 32u);  // 128 bits
  EXPECT_EQ(id.key->spki_der(), camera.identity->spki_der());
  const auto& media = certs.media_signing;
  EXPECT_EQ(media.device_serial, "B8A44F000001");
  EXPECT_EQ(media.common_name, "Camvault camera B8A44F000001 media signing");
  EXPECT_EQ(media.key->spki_der(), camera.media_signing->spki_der());
  EXPECT_NE(media.serial, id.serial);
  EXPECT_EQ(judge(site, id).verdict, PathVerdict::trusted);
  EXPECT_EQ(judge(site, media).verdict, PathVerdict::trusted);
  // Leaf and device CA travel, the root does not.
  const auto chain = site.engine->certificates_from_pem(certs.media_signing_chain_pem).value();
  ASSERT_EQ(chain.size(), 2u);
  EXPECT_EQ(chain[0].der, media.der);
  EXPECT_EQ(chain[1].der, site.factory->device_ca().der);
}

TEST(Factory, MediaSigningCanEnd) {
  auto with = settings();
  with.media_signing_validity = std::chrono::days(10);
  Site site(KeyAlg::ec_p256, with);
  site.reopen();  // the setting is kept
  const auto certs = site.provision(Camera::make(), "S1").value();
  EXPECT_EQ(certs.media_signing.not_after, site.clock.time + std::chrono::days(10));
  EXPECT_EQ(to_iso8601(certs.identity.not_after), "9999-12-31T23:59:59Z");
}

TEST(Factory, AllKeyKinds) {
  for (const auto alg : {KeyAlg::ec_p384, KeyAlg::ec_p521, KeyAlg::rsa_2048}) {
    Site site(alg);
    for (const auto of_camera : {KeyAlg::ec_p256, KeyAlg::rsa_2048}) {
      const auto certs =
          site.provision(Camera::make(of_camera), "S-" + std::string(to_string(of_camera))).value();
      EXPECT_EQ(judge(site, certs.media_signing).verdict, PathVerdict::trusted);
    }
  }
  Site site;
  const auto edwards = site.provision(Camera::make(KeyAlg::ed25519), "S1");
  EXPECT_EQ(edwards.error().code, Errc::denied);
  EXPECT_NE(edwards.error().what.find("ed25519"), std::string::npos);
}

// IP-3-2: repeated and replayed requests are refused.
TEST(Factory, ASerialNumberAndAKeyAreUsedOnce) {
  Site site;
  const auto camera = Camera::make();
  ASSERT_TRUE(site.provision(camera, "S1"));
  for (int process = 0; process < 2; ++process) {
    EXPECT_EQ(site.provision(camera, "S1").error().code, Errc::exists);
    EXPECT_EQ(site.provision(Camera::make(), "S1").error().code, Errc::exists);
    EXPECT_EQ(site.provision(camera, "S2").error().code, Errc::denied);
    site.reopen();
  }
  // Half of the keys is enough to be refused.
  auto mixed = Camera::make();
  mixed.media_signing = LocalKey::generate(KeyAlg::ec_p256).value();
  const ProvisionRequest crossed{
      "S2", mixed.request("S2").identity_request, camera.request("S2").media_signing_request, {}};
  EXPECT_EQ(site.factory->provision(*site.ca_key, crossed).error().code, Errc::denied);
  EXPECT_EQ(site.factory->serials(), std::vector<std::string>{"S1"});
}

TEST(Factory, RequestsThatDoNotFitAreRefused) {
  Site site;
  const auto camera = Camera::make();
  const auto good = camera.request("S1");
  const auto code = [&](const ProvisionRequest& request) {
    return site.factory->provision(*site.ca_key, request).error().code;
  };
  auto bad = good;
  bad.serial = "S2";  // the requests speak of S1
  EXPECT_EQ(code(bad), Errc::invalid);
  bad = good;
  bad.media_signing_request = Camera::make().request("S2").media_signing_request;
  EXPECT_EQ(code(bad), Errc::invalid);
  bad = good;
  bad.media_signing_request = good.identity_request;  // one key for both
  EXPECT_EQ(code(bad), Errc::denied);
  bad = good;
  bad.identity_request.back() ^= 1;  // proof of possession
  EXPECT_EQ(code(bad), Errc::invalid);
  bad = good;
  bad.identity_request.clear();
  EXPECT_EQ(code(bad), Errc::malformed);
  for (const auto* serial : {"", "../S1", "a/b", ".hidden", "-x", "S 1", "S_1", "S\n1"}) {
    bad = good;
    bad.serial = serial;
    EXPECT_EQ(code(bad), Errc::usage) << serial;
    EXPECT_EQ(make_provision_request(serial, *camera.identity, *camera.media_signing).error().code,
              Errc::usage);
  }
  EXPECT_EQ(site.factory->provision(*site.root_key, good).error().code,
            Errc::usage);  // not the device CA's key
  // A CA's own key asks for a camera's certificate.
  const auto posing = make_provision_request("S1", *site.ca_key, *camera.media_signing).value();
  EXPECT_EQ(code(posing), Errc::denied);
  // None of that used the serial number up.
  EXPECT_TRUE(site.factory->provision(*site.ca_key, good));
}

TEST(Factory, WhatWasIssuedCanBeDeliveredAgain) {
  Site site;
  const auto first = site.provision(Camera::make(), "S1").value();
  site.reopen();
  const auto again = site.factory->issued("S1").value();
  EXPECT_EQ(again.identity.der, first.identity.der);
  EXPECT_EQ(again.media_signing_chain_pem, first.media_signing_chain_pem);
  EXPECT_EQ(site.factory->issued("S2").error().code, Errc::not_found);
  // The stored file is checked against the log.
  const auto other = site.provision(Camera::make(), "S2").value();
  const auto file = site.path() / "issued" / "S1.pem";
  ASSERT_TRUE(write_file_atomically(
      file, as_bytes(crypto_openssl::certificates_pem({other.identity, other.media_signing}))));
  EXPECT_EQ(site.factory->issued("S1").error().code, Errc::malformed);
}

TEST(Factory, InitOnce) {
  Site site;
  const auto init = [&](LocalKey& root, LocalKey& ca, const FactorySettings& with, const char* where) {
    return Factory::init(site.folder / where, with, root, ca, site.clock, *site.engine);
  };
  const auto other = LocalKey::generate(KeyAlg::ec_p256).value();
  site.factory.reset();
  EXPECT_EQ(init(*site.root_key, *other, settings(), "factory").error().code, Errc::exists);
  EXPECT_EQ(init(*other, *other, settings(), "new").error().code, Errc::usage);
  const auto edwards = LocalKey::generate(KeyAlg::ed25519).value();
  EXPECT_EQ(init(*other, *edwards, settings(), "new").error().code, Errc::unsupported);
  FactorySettings bad;
  EXPECT_EQ(init(*site.root_key, *other, bad, "new").error().code, Errc::usage);
  bad = settings();
  bad.module_type_oid = "acme";
  EXPECT_EQ(init(*site.root_key, *other, bad, "new").error().code, Errc::usage);
  bad = settings();
  bad.product = "tab\there";
  EXPECT_EQ(init(*site.root_key, *other, bad, "new").error().code, Errc::usage);
  EXPECT_EQ(Factory::open(site.folder / "new", site.clock, *site.engine).error().code, Errc::not_found);
  // What was refused left nothing in the way; neither does an init that stopped half way.
  ASSERT_TRUE(write_file_atomically(site.folder / "new/root-ca.pem", as_bytes("half")));
  EXPECT_TRUE(init(*site.root_key, *other, settings(), "new"));
}

TEST(Factory, OneProcessAtATime) {
  Site site;
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(Factory::open(site.path(), site.clock, *site.engine).error().code, Errc::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

TEST(Factory, AChangedLogIsNoticed) {
  Site site;
  ASSERT_TRUE(site.provision(Camera::make(), "S1"));
  ASSERT_TRUE(site.provision(Camera::make(), "S2"));
  site.factory.reset();
  const auto file = site.path() / "issued.jsonl";
  const auto text = site.folder.read("factory/issued.jsonl");
  const auto opens = [&](const std::string& content) {
    EXPECT_TRUE(write_file_atomically(file, as_bytes(content), 0600));
    const auto factory = Factory::open(site.path(), site.clock, *site.engine);
    return factory ? Errc::internal : factory.error().code;
  };
  const auto second = text.find('\n') + 1;
  EXPECT_EQ(opens(text.substr(second)), Errc::malformed);  // first line gone
  EXPECT_EQ(opens(text.substr(0, second) + text.substr(text.find('\n', second) + 1)),
            Errc::malformed);  // second gone
  auto renamed = text;
  renamed.replace(renamed.find("\"S1\""), 4, "\"S9\"");
  EXPECT_EQ(opens(renamed), Errc::malformed);
  EXPECT_EQ(opens("garbage\n" + text), Errc::malformed);
  EXPECT_EQ(opens(text), Errc::internal);  // opens
}

// NC-2-1, AX-2.1-5
TEST(Factory, Revocation) {
  Site site;
  const auto a = site.provision(Camera::make(), "S1").value();
  const auto b = site.provision(Camera::make(), "S2").value();
  const auto empty = site.factory->publish_device_ca_list(*site.ca_key, std::chrono::days(7)).value();
  EXPECT_EQ(judge(site, a.media_signing, {empty}).verdict, PathVerdict::trusted);
  EXPECT_TRUE(judge(site, a.media_signing, {empty}).revocation_checked);

  site.clock.time += std::chrono::hours(48);
  const auto list = site.factory->revoke(*site.ca_key, "S1", RevocationCause::cessation_of_operation).value();
  EXPECT_EQ(judge(site, a.identity, {list}).verdict, PathVerdict::revoked);
  EXPECT_EQ(judge(site, a.media_signing, {list}).verdict, PathVerdict::revoked);
  EXPECT_EQ(judge(site, b.media_signing, {list}).verdict, PathVerdict::trusted);
  EXPECT_EQ(site.engine->crl_from_pem_or_der(as_bytes(site.folder.read("factory/device-ca.crl.pem")))->der,
            list.der);
  // Before it was taken out of service its recordings were its own; after its key turns out stolen, none is.
  site.clock.time -= std::chrono::hours(24);
  EXPECT_EQ(judge(site, a.media_signing, {list}).verdict, PathVerdict::trusted);
  site.reopen();
  const auto worse = site.factory->revoke(*site.ca_key, "S1", RevocationCause::key_compromise).value();
  EXPECT_EQ(judge(site, a.media_signing, {worse}).verdict, PathVerdict::revoked);
  // It stays a compromise.
  const auto same = site.factory->revoke(*site.ca_key, "S1", RevocationCause::superseded).value();
  EXPECT_EQ(judge(site, a.media_signing, {same}).verdict, PathVerdict::revoked);
  EXPECT_EQ(site.factory->revoke(*site.ca_key, "S3", RevocationCause::superseded).error().code,
            Errc::not_found);
  EXPECT_EQ(site.factory->publish_device_ca_list(*site.ca_key, std::chrono::days(0)).error().code,
            Errc::usage);
  EXPECT_EQ(site.factory->publish_device_ca_list(*site.root_key, std::chrono::days(1)).error().code,
            Errc::usage);

  const auto root_list = site.factory->publish_root_list(*site.root_key, std::chrono::days(30)).value();
  EXPECT_EQ(judge(site, b.media_signing, {root_list}).verdict, PathVerdict::trusted);
  const auto stolen = site.factory->publish_root_list(*site.root_key, std::chrono::days(30), true).value();
  EXPECT_EQ(judge(site, b.media_signing, {stolen}).verdict, PathVerdict::revoked);
  EXPECT_EQ(site.factory->issued("S1").error().code, Errc::denied);
  EXPECT_TRUE(site.factory->issued("S2"));
  EXPECT_EQ(site.provision(Camera::make(), "S1").error().code, Errc::denied);
  site.reopen();
  EXPECT_EQ(site.provision(Camera::make(), "S4").error().code, Errc::denied);
}

// AX-2.1-1: 1000 devices, 1000 distinct keys and serials, all chains verify.
TEST(Factory, AThousandCameras) {
  Site site(KeyAlg::ec_p256, settings(), fast_folder());
  std::set<std::string> numbers;
  std::set<Bytes> keys;
  for (int i = 0; i < 1000; ++i) {
    const auto certs = site.provision(Camera::make(), "CAM-" + std::to_string(i)).value();
    for (const auto* cert : {&certs.identity, &certs.media_signing}) {
      numbers.insert(cert->serial);
      keys.insert(cert->key->spki_der());
      ASSERT_EQ(judge(site, *cert).verdict, PathVerdict::trusted);
    }
  }
  EXPECT_EQ(numbers.size(), 2000u);
  EXPECT_EQ(keys.size(), 2000u);
  site.reopen();
  EXPECT_EQ(site.factory->serials().size(), 1000u);
}

// AX-4.1-3, NA-2.3-2: the certificate names the key that attested, if its word was good and for this very
// question.
TEST(Factory, NamesTheKeyThatAttests) {
  Site site;
  const auto attester = LocalKey::generate(KeyAlg::ec_p256).value();
  const auto evidence = [&](const Camera& camera, const Bytes& nonce, attestation::KeyOrigin origin) {
    attestation::KeystoredStatement s;
    s.spki_sha256 = site.engine->digest(crypto::HashAlg::sha256, camera.media_signing->spki_der());
    s.origin = origin;
    s.purpose = 2;
    s.backend = "software";
    s.created = s.stated = from_unix_seconds(1'780'000'000);
    s.nonce = nonce;
    attestation::KeystoredEvidence e;
    e.statement = attestation::encode_statement(s).value();
    e.signature = attester->sign(e.scheme, e.hash, site.engine->digest(e.hash, e.statement)).value();
    e.attester_spki = attester->spki_der();
    return attestation::encode_evidence(e).value();
  };
  const auto provision = [&](const Camera& camera, const Camera& about, bool right_nonce,
                             attestation::KeyOrigin origin) {
    const auto nonce = site.factory->challenge();
    auto request = camera.request("S1");
    request.attestation = evidence(about, right_nonce ? nonce : Bytes(16, 1), origin);
    return site.factory->provision(*site.ca_key, request);
  };
  using Origin = attestation::KeyOrigin;
  const auto camera = Camera::make();
  EXPECT_EQ(provision(camera, camera, false, Origin::generated_inside).error().code, Errc::invalid);
  EXPECT_EQ(provision(camera, Camera::make(), true, Origin::generated_inside).error().code, Errc::invalid);
  EXPECT_EQ(provision(camera, camera, true, Origin::imported).error().code, Errc::invalid);
  auto unasked = camera.request("S1");
  unasked.attestation = evidence(camera, Bytes(16, 1), Origin::generated_inside);
  EXPECT_EQ(site.factory->provision(*site.ca_key, unasked).error().code, Errc::invalid);
  const auto certificates = provision(camera, camera, true, Origin::generated_inside);
  ASSERT_TRUE(certificates) << certificates.error().what;
  EXPECT_EQ(certificates->media_signing.attester,
            to_bytes(site.engine->digest(crypto::HashAlg::sha256, attester->spki_der()).view()));
  EXPECT_TRUE(certificates->identity.attester.empty());
  EXPECT_TRUE(site.provision(Camera::make(), "S2")->media_signing.attester.empty());
}

}  // namespace
}  // namespace camvault::identity
