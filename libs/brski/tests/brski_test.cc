// The road of a voucher-request without transport: device, registrar, maker, and refused neighbours. RFC 8995
// AX-2.2-1, IP-2.4-1
#include "camvault/brski/brski.h"

#include <gtest/gtest.h>

#include "camvault/brski/masa.h"
#include "camvault/brski/registrar.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/crypto_openssl/local_key.h"

namespace camvault::brski {
namespace {

using crypto_openssl::CertificateProfile;
using crypto_openssl::LocalKey;

const Timestamp kNow = from_iso8601("2026-11-22").value();

struct Party {
  std::shared_ptr<LocalKey> key = LocalKey::generate(crypto::KeyAlg::ec_p256).value();
  crypto::Certificate certificate;
  std::shared_ptr<const tls::Credential> credential() const {
    return tls::Credential::create({certificate}, key).value();
  }
};

Party make(const std::string& name, const Party* issuer, const std::string& serial = {},
           const std::string& usage = {}) {
  static std::uint8_t number = 1;
  Party out;
  CertificateProfile profile;
  profile.ca = issuer == nullptr;
  if (profile.ca) {
    profile.path_length = 0;
    profile.key_usage = crypto_openssl::KeyUsage::key_cert_sign;
  }
  if (!usage.empty()) profile.extended_key_usages = {usage};
  profile.not_before = from_iso8601("2026-01-01").value();
  profile.not_after = from_iso8601("2036-01-01").value();
  crypto_openssl::SubjectName subject;
  subject.common_name = name;
  subject.device_serial = serial;
  const Bytes id{number++};
  out.certificate = issuer == nullptr
                        ? crypto_openssl::issue_self_signed(*out.key, subject, profile, id).value()
                        : crypto_openssl::issue_certificate(*issuer->key, issuer->certificate, subject,
                                                            out.key->spki_der(), profile, id)
                              .value();
  return out;
}

class Road : public ::testing::Test {
 protected:
  Road() {
    pledge.assertion = voucher::Assertion::proximity;
    pledge.serial_number = "CAM-1";
    pledge.nonce = voucher::Nonce::of(Bytes(16, 5));
    pledge.proximity_registrar_cert = registrar.certificate.der;
    rules.device_anchors = {maker.certificate};
  }
  Bytes by_device(const Party& device) {
    return voucher::sign_request(*device.key, {device.certificate}, pledge, kNow).value();
  }
  Bytes by_device() { return by_device(camera); }
  Result<voucher::VoucherRequest> at_registrar(BytesView message) {
    return check_pledge_request(*engine, message, camera.certificate, registrar.certificate);
  }
  Bytes by_registrar(const Party& who, BytesView prior) {
    return make_registrar_request(*who.credential(), owner.certificate, camera.certificate, prior, pledge,
                                  kNow)
        .value();
  }
  std::string refusal_of(BytesView message) {
    const auto checked = check_registrar_request(*engine, message, rules, kNow);
    return checked ? "" : checked.error().what;
  }

  std::unique_ptr<crypto::Engine> engine = crypto_openssl::make_openssl_engine();
  Party maker = make("Maker", nullptr), owner = make("Owner", nullptr);
  Party camera = make("Camera", &maker, "CAM-1"), other = make("Other camera", &maker, "CAM-2");
  Party registrar = make("Registrar", &owner, {}, std::string(voucher::kRegistrarUsage));
  voucher::VoucherRequest pledge;
  MasaRules rules;
};

TEST_F(Road, TheRegistrarTakesTheDevicesOwnWords) {
  EXPECT_TRUE(at_registrar(by_device()));
  EXPECT_FALSE(at_registrar(by_device(other))) << "signed by another device";
  pledge.serial_number = "CAM-2";
  EXPECT_FALSE(at_registrar(by_device()));
  pledge.serial_number = "CAM-1";
  pledge.proximity_registrar_cert = owner.certificate.der;
  EXPECT_NE(at_registrar(by_device()).error().what.find("somebody is in between"), std::string::npos);
  pledge.proximity_registrar_cert = {0x30, 0x00};
  EXPECT_FALSE(at_registrar(by_device()));
  pledge.proximity_registrar_cert.clear();
  EXPECT_FALSE(at_registrar(by_device()));
  pledge.proximity_registrar_cert = registrar.certificate.der;
  pledge.assertion = voucher::Assertion::verified;
  EXPECT_FALSE(at_registrar(by_device())) << "a device does not verify";
  pledge.assertion = voucher::Assertion::proximity;
  pledge.nonce.reset();
  EXPECT_FALSE(at_registrar(by_device()));
  pledge.nonce = voucher::Nonce::of(Bytes(16, 5));
  pledge.pinned_domain_cert = owner.certificate.der;
  EXPECT_FALSE(at_registrar(by_device()));
  pledge.pinned_domain_cert.clear();
  // A renewed certificate of the same key is the same registrar.
  EXPECT_TRUE(at_registrar(by_device()));
}

TEST_F(Road, TheMakerPinsTheOwnersCa) {
  const auto checked = check_registrar_request(*engine, by_registrar(registrar, by_device()), rules, kNow);
  ASSERT_TRUE(checked) << checked.error().what;
  EXPECT_EQ(checked->pinned.der, owner.certificate.der);
  EXPECT_EQ(checked->serial, "CAM-1");
  EXPECT_TRUE(checked->proximity);
  EXPECT_EQ(checked->domain_id, voucher::domain_id(*engine, owner.certificate));
  const auto voucher = voucher_for(*checked, voucher::Assertion::proximity, kNow, std::chrono::hours(1));
  EXPECT_FALSE(voucher.expires_on) << "a nonce needs no end";
  const auto masa = make("MASA", nullptr);
  const auto message = voucher::sign_voucher(*masa.key, {masa.certificate}, voucher, kNow).value();
  const auto credential = registrar.credential();
  EXPECT_TRUE(check_voucher(*engine, message, pledge, *credential, owner.certificate));
  EXPECT_FALSE(check_voucher(*engine, message, pledge, *credential, maker.certificate)) << "another owner";
  auto another = pledge;
  another.nonce = voucher::Nonce::of(Bytes(16, 6));
  EXPECT_FALSE(check_voucher(*engine, message, another, *credential, owner.certificate));
  another = pledge;
  another.serial_number = "CAM-2";
  EXPECT_FALSE(check_voucher(*engine, message, another, *credential, owner.certificate));
}

TEST_F(Road, TheMakerRefuses) {
  EXPECT_EQ(refusal_of(by_registrar(registrar, by_device())), "");
  const auto prior = by_device();
  EXPECT_NE(refusal_of(by_registrar(make("No registrar", &owner), prior)).find("no registrar"),
            std::string::npos);
  const auto between = make("Between", &owner, {}, std::string(voucher::kRegistrarUsage));
  EXPECT_NE(refusal_of(by_registrar(between, prior)).find("saw another registrar"), std::string::npos);
  EXPECT_NE(refusal_of(by_registrar(registrar, by_device(other))).find("another device"), std::string::npos);
  const auto foreign_maker = make("Maker", nullptr);
  const auto look_alike = make("Camera", &foreign_maker, "CAM-1");
  EXPECT_NE(refusal_of(by_registrar(registrar, by_device(look_alike))).find("none of ours"),
            std::string::npos);
  // The registrar's nonce is not the device's: an old request of the device, shown again.
  pledge.nonce = voucher::Nonce::of(Bytes(16, 6));
  EXPECT_NE(refusal_of(by_registrar(registrar, prior)).find("another nonce"), std::string::npos);
  pledge.serial_number = "CAM-2";
  EXPECT_FALSE(refusal_of(by_registrar(registrar, prior)).empty());
  for (std::size_t i = 0; i < prior.size(); i += 11) {
    auto changed = by_registrar(registrar, prior);
    changed[changed.size() / 2 + i % 200] ^= 1;
    EXPECT_FALSE(refusal_of(changed).empty());
  }
}

TEST_F(Road, WithoutANonceOnlyWhereThatIsAllowed) {
  voucher::VoucherRequest request;
  request.serial_number = "CAM-1";
  const std::vector<crypto::Certificate> chain{registrar.certificate, owner.certificate};
  const auto bare = voucher::sign_request(*registrar.key, chain, request, kNow).value();
  EXPECT_NE(refusal_of(bare).find("without a nonce"), std::string::npos);
  rules.nonceless = true;
  const auto checked = check_registrar_request(*engine, bare, rules, kNow);
  ASSERT_TRUE(checked) << checked.error().what;
  EXPECT_EQ(voucher_for(*checked, voucher::Assertion::logged, kNow, std::chrono::hours(1)).expires_on,
            kNow + std::chrono::hours(1));
  request.nonce = pledge.nonce;
  const auto invented = voucher::sign_request(*registrar.key, chain, request, kNow).value();
  EXPECT_NE(refusal_of(invented).find("own request is wanted"), std::string::npos);
}

TEST(Words, TelemetryAndTheAuditLog) {
  EXPECT_TRUE(read_telemetry(as_bytes(write_telemetry({true, {}})))->good);
  const auto failed = read_telemetry(as_bytes(write_telemetry({false, "no \"voucher\""})));
  ASSERT_TRUE(failed);
  EXPECT_FALSE(failed->good);
  EXPECT_EQ(failed->reason, "no \"voucher\"");
  EXPECT_TRUE(
      read_telemetry(as_bytes(R"({"version":1,"status":true,"reason":"","reason-context":{"x":1}})")));
  for (const char* bad :
       {"", "[]", "{}", R"({"version":2,"status":true})", R"({"version":1,"status":"true"})",
        R"({"version":1})", R"({"status":true})", R"({"version":1,"status":true,"reason":1})"})
    EXPECT_FALSE(read_telemetry(as_bytes(bad))) << bad;
  EXPECT_FALSE(read_telemetry(as_bytes(std::string(4000, '['))));
  EXPECT_EQ(read_telemetry(Bytes(kMaxTelemetry + 1, ' ')).error().code, Errc::limit);

  const std::vector<AuditEvent> events{{"2026-11-22T00:00:00Z", "AAAA", "NULL", "logged"}};
  const auto back = read_audit_log(as_bytes(write_audit_log(events, 3)));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->front().domain_id, "AAAA");
  for (const char* bad : {"", "{}", R"({"events":{}})", R"({"events":[1]})", R"({"events":[{"date":"x"}]})",
                          R"({"events":[{"date":"x","domainID":1}]})"})
    EXPECT_FALSE(read_audit_log(as_bytes(bad))) << bad;
  EXPECT_EQ(operation_of("/.well-known/brski/requestvoucher"), Operation::requestvoucher);
  for (const char* bad : {"/.well-known/brski", "/.well-known/brski/", "/.well-known/est/requestvoucher",
                          "/.well-known/brski/requestvoucher/"})
    EXPECT_FALSE(operation_of(bad)) << bad;
}

}  // namespace
}  // namespace camvault::brski
