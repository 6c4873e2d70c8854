// Vouchers and requests, and for each form that is taken one beside it that is not. RFC 8366, RFC 8995;
// AX-2.2-1
#include "camvault/voucher/voucher.h"

#include <gtest/gtest.h>

#include "camvault/base/file.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/crypto_openssl/local_key.h"
#include "camvault/test_support/program.h"
#include "camvault/test_support/temporary_folder.h"
#include "camvault/voucher/signed_voucher.h"

namespace camvault::voucher {
namespace {

using crypto_openssl::LocalKey;

// One member changed, left out (empty), or added.
std::string voucher_with(const std::string& name = {}, const std::string& value = {}) {
  std::vector<std::pair<std::string, std::string>> members{{"created-on", R"("2026-11-22T04:00:00Z")"},
                                                           {"assertion", R"("logged")"},
                                                           {"serial-number", R"("CAM-1")"},
                                                           {"nonce", R"("AAAAAAAAAAA=")"},
                                                           {"pinned-domain-cert", R"("MIIB")"}};
  bool known = name.empty();
  for (auto& [key, content] : members) {
    if (key != name) continue;
    content = value;
    known = true;
  }
  if (!known) members.emplace_back(name, value);
  std::string out;
  for (const auto& [key, content] : members) {
    if (!content.empty()) out += (out.empty() ? "\"" : ",\"") + key + "\":" + content;
  }
  return "{\"ietf-voucher:voucher\":{" + out + "}}";
}

TEST(Json, AVoucherAndWhatIsNone) {
  const auto good = read_voucher(as_bytes(voucher_with()));
  ASSERT_TRUE(good) << good.error().what;
  EXPECT_EQ(good->nonce->bytes(), Bytes(8, 0));
  EXPECT_EQ(read_voucher(as_bytes(write_voucher(*good)))->created_on, good->created_on);
  for (const char* member : {"created-on", "assertion", "serial-number", "pinned-domain-cert"})
    EXPECT_EQ(read_voucher(as_bytes(voucher_with(member, ""))).error().code, Errc::malformed) << member;
  const std::pair<const char*, const char*> bad[] = {
      {"created-on", R"("2026-11-22")"},
      {"created-on", R"("2026-11-22T04:00:00")"},
      {"created-on", R"("2026-13-22T04:00:00Z")"},
      {"created-on", R"("2026-11-22 04:00:00Z")"},
      {"created-on", "1763784000"},
      {"assertion", R"("hearsay")"},
      {"assertion", "null"},
      {"serial-number", R"("")"},
      {"serial-number", R"("CAM 1")"},
      {"serial-number", "1"},
      {"serial-number", R"("00000000000000000000000000000000000000000000000000000000000000000")"},
      {"nonce", R"("AAAAAAAAAA==")"},
      {"nonce", R"("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")"},
      {"nonce", R"("AAAAAAAAA*A=")"},
      {"nonce", "true"},
      {"pinned-domain-cert", R"("MII")"},
      {"pinned-domain-cert", R"("MI IB")"},
      {"pinned-domain-cert", R"("")"},
      {"pinned-domain-cert", R"(["MIIB"])"},
      {"domain-cert-revocation-checks", R"("true")"},
      {"expires-on", R"("2027-11-22T04:00:00Z")"},  // beside a nonce
      {"last-renewal-date", R"("2027-11-22T04:00:00Z")"},
      {"prior-signed-voucher-request", R"("MIIB")"},  // a request's
      {"camvault", R"("x")"},
      {"idevid-issuer", R"({"a":"b"})"}};
  for (const auto& [name, value] : bad)
    EXPECT_FALSE(read_voucher(as_bytes(voucher_with(name, value)))) << name << " " << value;
}

TEST(Json, TheFormAround) {
  const auto text = voucher_with();
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_FALSE(read_voucher(as_bytes(text.substr(0, size)))) << size;
  const auto inner = text.substr(text.find(":{") + 1, text.size() - text.find(":{") - 2);
  for (const auto& bad :
       {inner, "[" + text + "]", text + text, text + "x", std::string("{}"),
        "{\"ietf-voucher-request:voucher\":" + inner + "}",
        "{\"ietf-voucher:voucher\":" + inner + ",\"ietf-voucher:voucher\":" + inner + "}",
        "{\"ietf-voucher:voucher\":" + inner + ",\"x\":1}", "{\"ietf-voucher:voucher\":[" + inner + "]}",
        "{\"ietf-voucher:voucher\":" + text + "}"})
    EXPECT_FALSE(read_voucher(as_bytes(bad))) << bad;
  auto twice = text;
  twice.insert(twice.find("\"assertion\""), "\"serial-number\":\"CAM-2\",");
  EXPECT_EQ(read_voucher(as_bytes(twice)).error().code, Errc::malformed);
  EXPECT_EQ(read_voucher(as_bytes(std::string(kMaxDocument + 1, ' '))).error().code, Errc::limit);
  EXPECT_FALSE(read_voucher(as_bytes(std::string(kMaxDocument, '['))));
  std::string many;
  for (int i = 0; i < 20; ++i) many += ",\"m" + std::to_string(i) + "\":true";
  auto crowded = text;
  crowded.insert(crowded.size() - 2, many);
  EXPECT_EQ(read_voucher(as_bytes(crowded)).error().code, Errc::limit);
}

TEST(Json, DatesWithTheirZone) {
  const auto noon = from_iso8601("2026-11-22T12:00:00Z").value();
  for (const char* same : {"2026-11-22T12:00:00Z", "2026-11-22T12:00:00+00:00", "2026-11-22T07:00:00-05:00",
                           "2026-11-22T17:30:00.000+05:30", "2026-11-23T02:00:00+14:00"})
    EXPECT_EQ(read_date_and_time(same).value_or(Timestamp{}), noon) << same;
  EXPECT_EQ(read_date_and_time("2026-11-22T12:00:00.123456789Z").value(), noon + Ticks(1'234'567));
  for (const char* bad :
       {"", "2026-11-22T12:00:00", "2026-11-22T12:00Z", "2026-11-22T12:00:00z", "2026-11-22T12:00:00+5:00",
        "2026-11-22T12:00:00+0500", "2026-11-22T12:00:00+24:00", "2026-11-22T12:00:00+00:60",
        "2026-11-22T12:00:00.Z", "2026-11-22T12:00:00.1234567890Z", "2026-02-30T12:00:00Z",
        "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2026-11-22T12:00:00 Z",
        "+026-11-22T12:00:00Z"})
    EXPECT_FALSE(read_date_and_time(bad)) << bad;
}

struct Maker {
  std::unique_ptr<LocalKey> key = LocalKey::generate(crypto::KeyAlg::ec_p256).value();
  crypto::Certificate certificate;
};

Maker self_signed(const std::string& name, const std::string& serial = {}) {
  Maker out;
  crypto_openssl::CertificateProfile profile;
  profile.not_before = from_iso8601("2026-01-01").value();
  profile.not_after = from_iso8601("2036-01-01").value();
  crypto_openssl::SubjectName subject;
  subject.common_name = name;
  subject.device_serial = serial;
  out.certificate = crypto_openssl::issue_self_signed(*out.key, subject, profile, Bytes{9}).value();
  return out;
}

class Judged : public ::testing::Test {
 protected:
  Judged() {
    expected.anchors = {masa.certificate};
    expected.idevid = camera.certificate;
    expected.nonce = Nonce::of(Bytes(16, 1));
    expected.now = from_iso8601("2026-11-22").value();
    expected.not_earlier_than = from_iso8601("2026-01-01").value();
    voucher.created_on = from_iso8601("2026-11-21").value();
    voucher.serial_number = "CAM-1";
    voucher.idevid_issuer = issuer_of(camera.certificate);
    voucher.pinned_domain_cert = owner.certificate.der;
    voucher.nonce = expected.nonce;
  }
  // Empty: believed; otherwise why not.
  std::string refusal(const Maker& signer) {
    const auto der = sign_voucher(*signer.key, {signer.certificate}, voucher, expected.now).value();
    const auto judged = judge(*engine, open_voucher(*engine, der).value(), expected);
    return judged ? "" : judged.error().what;
  }
  std::string refusal() { return refusal(masa); }

  std::unique_ptr<crypto::Engine> engine = crypto_openssl::make_openssl_engine();
  Maker masa = self_signed("MASA"), owner = self_signed("Owner"), camera = self_signed("Camera", "CAM-1");
  Expected expected;
  Voucher voucher;
};

TEST_F(Judged, OneIsBelievedAndItsNeighboursAreNot) {
  EXPECT_EQ(refusal(), "");
  EXPECT_NE(refusal(owner), "");
  EXPECT_NE(refusal(self_signed("MASA")), "") << "the same name, another key";
  voucher.serial_number = "CAM-2";
  EXPECT_NE(refusal().find("another camera"), std::string::npos);
  voucher.serial_number = "CAM-1";
  voucher.nonce = Nonce::of(Bytes(16, 2));
  EXPECT_NE(refusal().find("another request"), std::string::npos);
  voucher.nonce = expected.nonce;
  voucher.idevid_issuer = Bytes(22, 4);
  EXPECT_NE(refusal().find("another issuer"), std::string::npos);
  voucher.idevid_issuer.clear();
  EXPECT_EQ(refusal(), "");
  voucher.pinned_domain_cert = {0x30, 0x03, 0x02, 0x01, 0x01};
  EXPECT_NE(refusal().find("no certificate"), std::string::npos);
  voucher.pinned_domain_cert = owner.certificate.der;
  expected.anchors.push_back(camera.certificate);
  EXPECT_NE(refusal(camera).find("by a device"), std::string::npos);
  expected.anchors.clear();
  EXPECT_NE(refusal(), "");
}

TEST_F(Judged, WithoutANonceTheClockMustBeRight) {
  voucher.nonce.reset();
  voucher.expires_on = from_iso8601("2026-12-01").value();
  EXPECT_NE(refusal().find("no nonce"), std::string::npos);
  expected.accept_without_nonce = true;
  EXPECT_EQ(refusal(), "");
  expected.now = from_iso8601("2026-12-01").value();
  EXPECT_NE(refusal().find("not valid at this time"), std::string::npos);
  expected.now = from_iso8601("2026-11-20").value();
  EXPECT_NE(refusal().find("not valid at this time"), std::string::npos);
  expected.now = from_unix_seconds(86'400);
  EXPECT_NE(refusal().find("clock"), std::string::npos);
  voucher.nonce = expected.nonce;
  voucher.expires_on.reset();
  EXPECT_EQ(refusal(), "") << "with a nonce, 1970 is no hindrance";
  voucher.nonce.reset();
  expected.now = from_iso8601("2026-11-22").value();
  EXPECT_NE(refusal().find("not valid"), std::string::npos) << "neither nonce nor end";
}

TEST_F(Judged, OpensslReadsWhatWeWriteAndTheOtherWayRound) {
  const auto der = sign_voucher(*masa.key, {masa.certificate}, voucher, expected.now).value();
  const test_support::TemporaryFolder folder;
  const auto cms = folder.write("voucher.cms", as_text(der));
  const auto ca = folder.write("masa.pem", crypto_openssl::certificate_pem(masa.certificate));
  const auto out = folder.path() / "voucher.json";
  const auto done = test_support::run_program({"openssl", "cms", "-verify", "-binary", "-inform", "DER",
                                               "-in", cms, "-CAfile", ca, "-purpose", "any", "-out", out});
  EXPECT_EQ(done.exit_code, 0) << done.output;
  const auto key = folder.write("masa.key", masa.key->private_pem_for_tests().reveal(
                                                [](BytesView k) { return std::string(as_text(k)); }));
  const auto theirs = folder.path() / "theirs.cms";
  const auto made = test_support::run_program(
      {"openssl", "cms", "-sign", "-binary", "-nodetach", "-econtent_type", "1.2.840.113549.1.9.16.1.40",
       "-in", out, "-signer", ca, "-inkey", key, "-outform", "DER", "-out", theirs});
  ASSERT_EQ(made.exit_code, 0) << made.output;
  const auto read = open_voucher(*engine, read_file(theirs, kMaxMessage).value());
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_TRUE(judge(*engine, *read, expected));
  // Not every signed text is a voucher.
  const auto text =
      crypto_openssl::sign_message(*masa.key, {masa.certificate}, as_bytes(write_voucher(voucher)),
                                   "1.2.840.113549.1.9.16.1.4", expected.now);
  EXPECT_EQ(open_voucher(*engine, *text).error().code, Errc::unsupported);
  for (std::size_t i = 0; i < der.size(); i += 7) {
    auto changed = der;
    changed[i] ^= 0x20;
    const auto opened = open_voucher(*engine, changed);
    EXPECT_FALSE(opened && judge(*engine, *opened, expected) &&
                 write_voucher(opened->content) != write_voucher(voucher))
        << i;
  }
  EXPECT_EQ(open_voucher(*engine, Bytes(kMaxMessage + 1)).error().code, Errc::limit);
}

TEST(Urls, OfTheMakersService) {
  for (const char* url : {"https://masa.example:9443", "https://masa.example:9443/", "masa.example:9443"})
    EXPECT_EQ(as_text(encode_masa_url(url).value()).substr(2), "masa.example:9443");
  for (const auto& bad :
       {std::string("http://masa.example"), std::string("https://"), std::string("https://a/b"),
        std::string("https://u@a"), "https://" + std::string(121, 'a'), std::string("a b")})
    EXPECT_FALSE(encode_masa_url(bad)) << bad;
}

}  // namespace
}  // namespace camvault::voucher
