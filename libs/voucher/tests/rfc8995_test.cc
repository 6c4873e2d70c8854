// The examples of RFC 8995, Appendix C: three signed messages, byte by byte, by the certificates that stand
// beside them. The files are not part of this repository (vr_, parboiled_vr_ and
// voucher_00-D0-E5-F2-00-02.b64, masa.cert, jrc_prime256v1.cert, idevid_00-D0-E5-F2-00-02.cert, vendor.cert,
// as the RFC names its code components).
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "camvault/base/base64.h"
#include "camvault/base/file.h"
#include "camvault/crypto_openssl/certificate_extensions.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/voucher/signed_voucher.h"

namespace camvault::voucher {
namespace {

constexpr const char* kPledge = "00-D0-E5-F2-00-02";

class Rfc8995 : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* named = std::getenv("CAMVAULT_RFC8995");
    folder_ = named != nullptr ? named : "../shared/vectors/rfc8995";
    if (!std::filesystem::exists(folder_)) GTEST_SKIP() << "the examples of RFC 8995 are not in " << folder_;
  }
  Bytes message(const std::string& name) {
    return read_base64(as_text(read_file(folder_ / (name + "_" + kPledge + ".b64"), 1 << 20).value()))
        .value();
  }
  crypto::Certificate certificate(const std::string& name) {
    const auto text = read_file(folder_ / (name + ".cert"), 1 << 20).value();
    return engine_->certificates_from_pem(as_text(text)).value().front();
  }
  // What is read is written with the same members and values, whatever their order.
  template <class Write, class Content>
  void writes_the_same(BytesView der, const Content& content, Write write) {
    const auto before =
        nlohmann::json::parse(as_text(crypto_openssl::read_signed_message(*engine_, der)->content));
    auto after = nlohmann::json::parse(write(content));
    ASSERT_EQ(after.size(), 1u);
    auto& values = after.front();
    ASSERT_EQ(values.size(), before.front().size());
    for (const auto& [name, value] : before.front().items()) {
      ASSERT_TRUE(values.contains(name)) << name;
      const auto text = value.template get<std::string>();
      if (name == "created-on") {  // the same instant, in UTC
        EXPECT_EQ(read_date_and_time(values[name].template get<std::string>()).value(),
                  read_date_and_time(text).value());
      } else {
        EXPECT_EQ(values[name].template get<std::string>(), text) << name;
      }
    }
  }

  std::unique_ptr<crypto::Engine> engine_ = crypto_openssl::make_openssl_engine();
  std::filesystem::path folder_;
};

TEST_F(Rfc8995, ThePledgesRequest) {  // C.2.1
  const auto der = message("vr");
  const auto read = open_request(*engine_, der);
  ASSERT_TRUE(read) << read.error().what;
  const auto& content = read->content;
  EXPECT_EQ(content.serial_number, kPledge);
  EXPECT_EQ(content.assertion, Assertion::proximity);
  EXPECT_EQ(content.nonce->text(), "-_XE9zK9q8Ll1qylMtLKeg");
  EXPECT_EQ(content.nonce->bytes().size(), 16u);
  EXPECT_EQ(*content.created_on, from_iso8601("2021-04-13T21:43:23.747Z").value());
  EXPECT_EQ(content.proximity_registrar_cert, certificate("jrc_prime256v1").der);
  const auto idevid = certificate(std::string("idevid_") + kPledge);
  EXPECT_EQ(read->chain.front().key->spki_der(), idevid.key->spki_der());
  EXPECT_EQ(read->chain.front().device_serial, kPledge);
  writes_the_same(der, content, write_request);
}

TEST_F(Rfc8995, TheRegistrarsRequest) {  // C.2.2
  const auto der = message("parboiled_vr");
  const auto read = open_request(*engine_, der);
  ASSERT_TRUE(read) << read.error().what;
  const auto& content = read->content;
  EXPECT_EQ(content.serial_number, kPledge);
  EXPECT_EQ(content.nonce->text(), "-_XE9zK9q8Ll1qylMtLKeg");
  EXPECT_EQ(*content.created_on, from_iso8601("2021-04-13T21:43:23.787Z").value());
  EXPECT_EQ(read->chain.front().der, certificate("jrc_prime256v1").der);
  EXPECT_TRUE(crypto_openssl::lists_key_usage(read->chain.front(), kRegistrarUsage));
  writes_the_same(der, content, write_request);
  // The pledge's own words are inside, and say the same.
  const auto prior = open_request(*engine_, content.prior_signed_voucher_request);
  ASSERT_TRUE(prior) << prior.error().what;
  EXPECT_EQ(prior->content.nonce, content.nonce);
  EXPECT_EQ(prior->content.serial_number, kPledge);
  EXPECT_EQ(prior->content.proximity_registrar_cert, read->chain.front().der);
}

TEST_F(Rfc8995, TheVoucherIsBelievedByThatPledgeAlone) {  // C.2.3
  const auto der = message("voucher");
  const auto read = open_voucher(*engine_, der);
  ASSERT_TRUE(read) << read.error().what;
  const auto masa = certificate("masa");
  EXPECT_EQ(read->chain.front().der, masa.der);
  EXPECT_EQ(read->content.assertion, Assertion::logged);
  EXPECT_EQ(read->content.created_on, from_iso8601("2021-04-13T21:43:24.589Z").value());
  EXPECT_FALSE(read->content.expires_on);
  writes_the_same(der, read->content, write_voucher);

  Expected expected;
  expected.anchors = {masa};
  expected.idevid = certificate(std::string("idevid_") + kPledge);
  expected.nonce = Nonce::read("-_XE9zK9q8Ll1qylMtLKeg").value();
  expected.now = from_iso8601("2021-04-27T00:00:00Z").value();
  expected.not_earlier_than = expected.idevid.not_before;
  const auto pinned = judge(*engine_, *read, expected);
  ASSERT_TRUE(pinned) << pinned.error().what;
  EXPECT_EQ(pinned->der, certificate("jrc_prime256v1").der);

  auto another = expected;
  another.nonce = Nonce::of(Bytes(16, 7));
  EXPECT_FALSE(judge(*engine_, *read, another));
  another = expected;
  another.idevid.device_serial = "00-D0-E5-F2-00-03";
  EXPECT_FALSE(judge(*engine_, *read, another));
  another = expected;
  another.anchors = {certificate("jrc_prime256v1")};
  EXPECT_FALSE(judge(*engine_, *read, another));
}

TEST_F(Rfc8995, AnyChangedByteIsFound) {
  for (const char* name : {"vr", "voucher"}) {
    const auto der = message(name);
    const auto text = as_text(der);
    const auto begin = text.find("{\"ietf-voucher"), end = text.find("\"}}");
    ASSERT_NE(end, std::string_view::npos);
    for (std::size_t i = begin; i < end; i += 13) {
      auto changed = der;
      changed[i] ^= 1;
      const auto read = crypto_openssl::read_signed_message(*engine_, changed);
      ASSERT_FALSE(read) << name << " " << i;
      EXPECT_EQ(read.error().code, Errc::invalid);
    }
  }
}

TEST_F(Rfc8995, TheIdevidNamesItsMasa) {
  EXPECT_EQ(masa_url(certificate(std::string("idevid_") + kPledge)).value(),
            "https://highway-test.example.com:9443");
  EXPECT_EQ(masa_url(certificate("masa")).error().code, Errc::not_found);
  const auto value =
      crypto_openssl::extension_value(certificate(std::string("idevid_") + kPledge), kMasaUrl).value();
  EXPECT_EQ(encode_masa_url("https://highway-test.example.com:9443").value(), value);
}

}  // namespace
}  // namespace camvault::voucher
