#include <gtest/gtest.h>

#include "certificate.h"
#include "test_pki.h"

namespace camvault::crypto_openssl {
namespace {

using namespace test;

class CertificateTest : public testing::Test {
 protected:
  std::unique_ptr<crypto::Engine> engine_ = make_openssl_engine();
  Entity root_ = Entity::root("Root");
};

TEST_F(CertificateTest, AllFields) {
  SubjectName name;
  name.country = "SE";
  name.organization = "Acme, \"Inc\"";
  name.organizational_unit = "Cams";
  name.common_name = "cam-7";
  name.device_serial = "B8A44F000001";
  auto profile = leaf_profile();
  profile.not_after = kNoEnd;
  const auto key = LocalKey::generate(crypto::KeyAlg::ec_p384).value();
  const Bytes serial = from_hex("f00102030405060708090a0b0c0d0e0f").value();
  const auto cert = issue_certificate(*root_.key, root_.cert, name, key->spki_der(), profile, serial).value();
  EXPECT_EQ(cert.subject, "serialNumber=B8A44F000001,CN=cam-7,OU=Cams,O=Acme\\, \\\"Inc\\\",C=SE");
  EXPECT_EQ(cert.issuer, "CN=Root,O=Camvault Test");
  EXPECT_EQ(cert.common_name, "cam-7");
  EXPECT_EQ(cert.device_serial, "B8A44F000001");
  EXPECT_EQ(cert.serial, to_hex(serial));
  EXPECT_EQ(cert.not_before, kStart);
  EXPECT_EQ(to_iso8601(cert.not_after), "9999-12-31T23:59:59Z");
  EXPECT_FALSE(cert.is_ca);
  EXPECT_TRUE(root_.cert.is_ca);
  EXPECT_EQ(cert.key->spki_der(), key->spki_der());
  EXPECT_EQ(cert.sha256, to_hex(engine_->digest(crypto::HashAlg::sha256, cert.der).view()));
}

TEST_F(CertificateTest, NamesCannotReachTheTerminal) {
  // What a stranger may put in: escape sequences, line ends, a NUL, text that turns the direction of writing.
  const std::string evil("a\x1b[2J\n\0b\xe2\x80\xaeX", 12);
  const Owned<X509_NAME, X509_NAME_free> name(X509_NAME_new());
  ASSERT_EQ(X509_NAME_add_entry_by_NID(name.get(), NID_commonName, V_ASN1_UTF8STRING,
                                       reinterpret_cast<const unsigned char*>(evil.data()),
                                       static_cast<int>(evil.size()), -1, 0),
            1);
  for (const auto& text : {printable_name(name.get()), single_attribute(name.get(), NID_commonName)}) {
    EXPECT_FALSE(text.empty());
    for (const char c : text) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << text;
  }
  EXPECT_EQ(single_attribute(name.get(), NID_commonName), "a\\1B[2J\\0A\\00b\\E2\\80\\AEX");
}

TEST_F(CertificateTest, TwoSerialNumbersAreNone) {
  const Owned<X509_NAME, X509_NAME_free> name(X509_NAME_new());
  const auto add = [&](const char* text) {
    return X509_NAME_add_entry_by_txt(name.get(), "serialNumber", MBSTRING_ASC,
                                      reinterpret_cast<const unsigned char*>(text), -1, -1, 0);
  };
  ASSERT_EQ(add("S1"), 1);
  EXPECT_EQ(single_attribute(name.get(), NID_serialNumber), "S1");
  ASSERT_EQ(add("S2"), 1);
  EXPECT_EQ(single_attribute(name.get(), NID_serialNumber), "");
}

TEST_F(CertificateTest, EveryShortFormAndALongOneIsRefused) {
  const auto& der = root_.cert.der;
  for (std::size_t size = 0; size < der.size(); ++size) {
    ASSERT_FALSE(engine_->certificate_from_der(BytesView(der).first(size))) << size;
  }
  auto longer = der;
  longer.push_back(0);
  EXPECT_EQ(engine_->certificate_from_der(longer).error().code, Errc::malformed);
  EXPECT_EQ(engine_->certificate_from_der(Bytes(64 * 1024 + 1)).error().code, Errc::limit);
}

TEST_F(CertificateTest, BerIsRefused) {
  // The outer length in one byte more than needed (X.690 10.1).
  Bytes ber{0x30, 0x83, 0x00, root_.cert.der[2], root_.cert.der[3]};
  ASSERT_EQ(root_.cert.der[1], 0x82);
  append(ber, BytesView(root_.cert.der).subspan(4));
  EXPECT_FALSE(engine_->certificate_from_der(ber));
}

TEST_F(CertificateTest, NoSingleBitMakesACrashOrTheSameCertificate) {
  const auto& der = root_.cert.der;
  const std::vector<crypto::Certificate> anchors{root_.cert};
  for (std::size_t bit = 0; bit < der.size() * 8; ++bit) {
    auto bent = der;
    bent[bit / 8] = static_cast<std::uint8_t>(bent[bit / 8] ^ (1u << (bit % 8)));
    const auto cert = engine_->certificate_from_der(bent);
    if (!cert) continue;
    EXPECT_NE(cert->sha256, root_.cert.sha256);
    crypto::PathRequest request;
    request.leaf = &*cert;
    request.anchors = &anchors;
    request.at = kNow;
    ASSERT_NE(engine_->validate_path(request).verdict, crypto::PathVerdict::trusted) << bit;
  }
}

TEST_F(CertificateTest, PemLists) {
  const auto leaf = root_.issue("Camera", leaf_profile());
  const auto pem = certificates_pem({leaf.cert, root_.cert});
  for (const auto& text : {pem, "text before\n" + pem + "text after\n", pem + std::string(1, '\0')}) {
    const auto list = engine_->certificates_from_pem(text).value();
    ASSERT_EQ(list.size(), 2u);
    EXPECT_EQ(list[0].der, leaf.cert.der);
    EXPECT_EQ(list[1].der, root_.cert.der);
  }
  EXPECT_EQ(engine_->certificates_from_pem(pem, 2)->size(), 2u);
  EXPECT_EQ(engine_->certificates_from_pem(pem, 1).error().code, Errc::limit);
  for (const auto& broken : {std::string(), std::string("no PEM"), pem.substr(0, pem.size() - 40),
                             "-----BEGIN CERTIFICATE-----\n" + pem,
                             std::string("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")}) {
    EXPECT_EQ(engine_->certificates_from_pem(broken).error().code, Errc::malformed) << broken;
  }
  EXPECT_EQ(engine_->certificates_from_pem(std::string(4 * 1024 * 1024 + 1, 'x')).error().code, Errc::limit);
  // Other objects between them are passed over.
  const auto key_first =
      leaf.key->private_pem_for_tests().reveal([&](BytesView k) { return std::string(as_text(k)) + pem; });
  EXPECT_EQ(engine_->certificates_from_pem(key_first)->size(), 2u);
}

struct TimeCase {
  int type;
  const char* text;
  const char* expected;  // null: refused
};

TEST(CertificateTime, FormsOfRfc5280Only) {
  const TimeCase cases[] = {
      {V_ASN1_UTCTIME, "491231235959Z", "2049-12-31T23:59:59Z"},
      {V_ASN1_UTCTIME, "500101000000Z", "1950-01-01T00:00:00Z"},
      {V_ASN1_GENERALIZEDTIME, "99991231235959Z", "9999-12-31T23:59:59Z"},
      {V_ASN1_GENERALIZEDTIME, "19500101000000Z", "1950-01-01T00:00:00Z"},
      {V_ASN1_UTCTIME, "4912312359Z", nullptr},        // no seconds
      {V_ASN1_UTCTIME, "491231235959+0100", nullptr},  // a zone
      {V_ASN1_UTCTIME, "491331235959Z", nullptr},      // month 13
      {V_ASN1_UTCTIME, "49123123595 Z", nullptr},
      {V_ASN1_GENERALIZEDTIME, "20260101000000.5Z", nullptr},
      {V_ASN1_GENERALIZEDTIME, "20260101000000", nullptr},
      {V_ASN1_GENERALIZEDTIME, "20260230000000Z", nullptr},
      {V_ASN1_OCTET_STRING, "20260101000000Z", nullptr},
  };
  for (const auto& c : cases) {
    const std::unique_ptr<ASN1_STRING, decltype(&ASN1_STRING_free)> time(ASN1_STRING_type_new(c.type),
                                                                         ASN1_STRING_free);
    ASN1_STRING_set(time.get(), c.text, -1);
    const auto result = timestamp_of(time.get());
    if (c.expected == nullptr) {
      EXPECT_EQ(result.error().code, Errc::malformed) << c.text;
    } else {
      EXPECT_EQ(to_iso8601(result.value()), c.expected);
    }
  }
}

}  // namespace
}  // namespace camvault::crypto_openssl
