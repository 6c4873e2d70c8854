#include "camvault/crypto_openssl/issue.h"

#include <gtest/gtest.h>

#include "der.h"
#include "test_pki.h"

namespace camvault::crypto_openssl {
namespace {

using crypto::KeyAlg;
using namespace test;

TEST(CertificateRequest, ComesBackAsItWasMade) {
  for (const auto alg : {KeyAlg::ec_p256, KeyAlg::ec_p384, KeyAlg::rsa_2048, KeyAlg::ed25519}) {
    const auto key = LocalKey::generate(alg).value();
    auto name = named("cam");
    name.device_serial = "S-1";
    const auto der = make_certificate_request(*key, name).value();
    for (const auto& form : {der, to_bytes(as_bytes(certificate_request_pem(der)))}) {
      const auto request = read_certificate_request(form).value();
      EXPECT_EQ(request.subject, "serialNumber=S-1,CN=cam,O=Camvault Test");
      EXPECT_EQ(request.common_name, "cam");
      EXPECT_EQ(request.device_serial, "S-1");
      EXPECT_EQ(request.spki, key->spki_der());
      EXPECT_EQ(request.key->alg(), alg);
    }
  }
}

// IP-3-1: nobody gets a certificate for a key that they do not have.
TEST(CertificateRequest, WithoutTheKeyItIsRefused) {
  const auto key = LocalKey::generate(KeyAlg::ec_p256).value();
  const auto other = LocalKey::generate(KeyAlg::ec_p256).value();
  auto der = make_certificate_request(*key, named("cam")).value();
  // Another's public key in the place of the signer's own.
  const auto own = key->spki_der();
  const auto at = std::search(der.begin(), der.end(), own.begin(), own.end());
  ASSERT_NE(at, der.end());
  const auto theirs = other->spki_der();
  auto swapped = der;
  std::copy(theirs.begin(), theirs.end(), swapped.begin() + (at - der.begin()));
  EXPECT_EQ(read_certificate_request(swapped).error().code, Errc::invalid);

  der.back() ^= 1;
  EXPECT_EQ(read_certificate_request(der).error().code, Errc::invalid);
  der.back() ^= 1;
  for (std::size_t size = 0; size < der.size(); ++size) {
    ASSERT_FALSE(read_certificate_request(BytesView(der).first(size))) << size;
  }
  der.push_back(0);
  EXPECT_EQ(read_certificate_request(der).error().code, Errc::malformed);
  EXPECT_EQ(read_certificate_request(Bytes(16 * 1024 + 1)).error().code, Errc::limit);
}

// The key's answer is checked: a broken keystore must not produce a certificate.
class LyingKey final : public crypto::SigningKey {
 public:
  explicit LyingKey(crypto::SigningKey& shown, crypto::SigningKey& used) : shown_(shown), used_(used) {}
  KeyAlg alg() const override { return shown_.alg(); }
  Bytes spki_der() const override { return shown_.spki_der(); }
  void sign_async(crypto::SignatureScheme scheme, crypto::HashAlg hash, const crypto::Digest& digest,
                  Done done) override {
    used_.sign_async(scheme, hash, digest, std::move(done));
  }
  Result<Bytes> sign_message(BytesView message) override { return used_.sign_message(message); }

 private:
  crypto::SigningKey& shown_;
  crypto::SigningKey& used_;
};

TEST(Issue, AKeyThatSignsWithAnotherOneIsNoticed) {
  for (const auto alg : {KeyAlg::ec_p256, KeyAlg::ed25519}) {
    const auto a = LocalKey::generate(alg).value();
    const auto b = LocalKey::generate(alg).value();
    LyingKey liar(*a, *b);
    EXPECT_EQ(issue_self_signed(liar, named("Root"), ca_profile(), next_serial()).error().code,
              Errc::invalid);
    EXPECT_EQ(make_certificate_request(liar, named("Root")).error().code, Errc::invalid);
  }
}

TEST(Issue, OnlyWithTheIssuersKeyAndForKeysWeKnow) {
  const auto root = Entity::root("Root");
  const auto other = Entity::root("Other");
  const auto spki = other.key->spki_der();
  EXPECT_EQ(
      issue_certificate(*other.key, root.cert, named("X"), spki, leaf_profile(), next_serial()).error().code,
      Errc::usage);
  EXPECT_FALSE(
      issue_certificate(*root.key, root.cert, named("X"), as_bytes("no key"), leaf_profile(), next_serial()));
}

TEST(Issue, FieldsThatMakeNoSenseAreRefused) {
  const auto root = Entity::root("Root");
  const auto code = [&](const SubjectName& name, const CertificateProfile& profile, const Bytes& serial) {
    const auto result = issue_certificate(*root.key, root.cert, name, root.key->spki_der(), profile, serial);
    return result ? Errc::internal : result.error().code;
  };
  const auto good = leaf_profile();
  const Bytes serial{1};
  for (const auto& bad : {Bytes{}, Bytes{0}, Bytes(21, 1), Bytes(20, 0x80)})
    EXPECT_EQ(code(named("X"), good, bad), Errc::usage);
  EXPECT_TRUE(
      issue_certificate(*root.key, root.cert, named("X"), root.key->spki_der(), good, Bytes(20, 0x7f)));

  EXPECT_EQ(code({}, good, serial), Errc::usage);
  for (const auto& text :
       {std::string(65, 'a'), std::string("a\nb"), std::string("a\0b", 3), std::string("\x1b[2J"),
        std::string("\xc3"), std::string("\xc0\xaf"), std::string("\xed\xa0\x80"), std::string("\xc2\x80")}) {
    EXPECT_EQ(code(named(text), good, serial), Errc::usage) << text;
  }
  EXPECT_TRUE(issue_certificate(*root.key, root.cert, named("K\xc3\xb6ln \xe2\x82\xac \xf0\x9f\x93\xb7"),
                                root.key->spki_der(), good, serial));
  auto name = named("X");
  name.device_serial = "under_score";  // not in PrintableString
  EXPECT_EQ(code(name, good, serial), Errc::usage);
  name = named("X");
  name.country = "SWE";
  EXPECT_EQ(code(name, good, serial), Errc::usage);

  auto profile = good;
  profile.not_after = profile.not_before;
  EXPECT_EQ(code(named("X"), profile, serial), Errc::usage);
  profile = good;
  profile.not_before = Timestamp::min();
  EXPECT_EQ(code(named("X"), profile, serial), Errc::usage);
  profile = good;
  profile.path_length = 0;  // of a certificate that is no CA
  EXPECT_EQ(code(named("X"), profile, serial), Errc::usage);
  for (const auto* oid : {"", "1", "3.1", "1.40", "1.2.", "1..2", "1.2.x", "1.2.99999999999"}) {
    profile = good;
    profile.extended_key_usages = {oid};
    EXPECT_EQ(code(named("X"), profile, serial), Errc::usage) << oid;
  }
  profile = good;
  profile.hardware_module = HardwareModuleName{"1.3.6.1.4.1.99999.1", {}};
  EXPECT_EQ(code(named("X"), profile, serial), Errc::usage);
}

TEST(Der, ElementsAsInTheStandard) {
  // X.690 8.1.3, 8.3, 8.19.5 and 11.2.2 examples.
  EXPECT_EQ(to_hex(der::integer(std::uint64_t{0})), "020100");
  EXPECT_EQ(to_hex(der::integer(std::uint64_t{127})), "02017f");
  EXPECT_EQ(to_hex(der::integer(std::uint64_t{128})), "02020080");
  EXPECT_EQ(to_hex(der::integer(Bytes{0, 0, 0x7f})), "02017f");
  EXPECT_EQ(to_hex(der::object_identifier("2.999.3").value()), "0603883703");
  EXPECT_EQ(to_hex(der::object_identifier("1.2.840.113549").value()), "06062a864886f70d");
  EXPECT_EQ(to_hex(der::named_bits(1)), "03020780");                  // digitalSignature
  EXPECT_EQ(to_hex(der::named_bits(1u << 5 | 1u << 6)), "03020106");  // keyCertSign, cRLSign
  EXPECT_EQ(to_hex(der::octet_string(Bytes(128))).substr(0, 6), "048180");
  EXPECT_EQ(to_hex(der::octet_string(Bytes(65536))).substr(0, 10), "0483010000");
  EXPECT_TRUE(der::time(from_iso8601("1950-01-01").value()));
  EXPECT_TRUE(der::time(from_iso8601("9999-12-31T23:59:59.9Z").value()));
  for (const auto bad : {from_iso8601("1950-01-01").value() - Ticks(1), from_unix_seconds(253'402'300'800),
                         Timestamp::min(), Timestamp::max()}) {
    EXPECT_EQ(der::time(bad).error().code, Errc::usage);
  }
  EXPECT_EQ(as_text(BytesView(der::time(from_iso8601("2049-12-31T23:59:59Z").value()).value()).subspan(2)),
            "491231235959Z");
  EXPECT_EQ(as_text(BytesView(der::time(from_iso8601("2050-01-01").value()).value()).subspan(2)),
            "20500101000000Z");
}

}  // namespace
}  // namespace camvault::crypto_openssl
