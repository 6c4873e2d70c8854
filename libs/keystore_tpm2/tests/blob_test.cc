// Handles and TCTI names are input: each accepted form has its refused neighbour.
#include "blob.h"

#include <gtest/gtest.h>

#include "templates.h"

namespace camvault::keystore_tpm2 {
namespace {

using keystore::KeyType;

Bytes some_blob() {
  Blob blob;
  blob.public_area = key_template(KeyType::ec_p256, true);
  blob.private_area.size = 40;
  blob.authorisation = Secret(Bytes(32, 7));
  return write_blob(blob).value().reveal([](BytesView bytes) { return to_bytes(bytes); });
}

TEST(Blob, ReadsBackWhatItWritesAndNothingElse) {
  const auto good = some_blob();
  const auto read = read_blob(good);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_TRUE(write_blob(*read).value().equals(good));
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto cut = read_blob(BytesView(good).first(size));
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.error().code, Errc::invalid);
  }
  auto longer = good;
  longer.push_back(0);
  EXPECT_FALSE(read_blob(longer));
  auto version = good;
  version[0] = 2;
  EXPECT_FALSE(read_blob(version));
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = good;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1u << bit));
      if (const auto other = read_blob(changed)) {
        EXPECT_TRUE(write_blob(*other).value().equals(changed)) << at;
      }
    }
  }
}

TEST(PublicArea, OfAnotherTypeOrSizeIsNoKeyOfOurs) {
  auto area = key_template(KeyType::ec_p256, true);
  area.publicArea.unique.ecc.x.size = 33;
  EXPECT_FALSE(spki_of(KeyType::ec_p256, area));
  area.publicArea.unique.ecc.x.size = 31;  // a leading zero was left out
  area.publicArea.unique.ecc.y.size = 32;
  EXPECT_TRUE(spki_of(KeyType::ec_p256, area));
  EXPECT_FALSE(spki_of(KeyType::ec_p384, area));
  EXPECT_FALSE(spki_of(KeyType::rsa_2048, area));
  EXPECT_FALSE(spki_of(KeyType::hmac_sha256, area));
  auto rsa = key_template(KeyType::rsa_2048, true);
  rsa.publicArea.unique.rsa.size = 256;
  EXPECT_FALSE(spki_of(KeyType::rsa_2048, rsa));  // the modulus is zero
}

TEST(Signature, OfAnotherSchemeOrSizeIsRefused) {
  TPMT_SIGNATURE made{};
  made.sigAlg = TPM2_ALG_ECDSA;
  made.signature.ecdsa.signatureR.size = 32;
  made.signature.ecdsa.signatureS.size = 32;
  EXPECT_FALSE(signature_of(KeyType::ec_p256, crypto::SignatureScheme::ecdsa, made));  // zeros
  made.signature.ecdsa.signatureR.buffer[31] = 1;
  made.signature.ecdsa.signatureS.buffer[0] = 0x80;
  EXPECT_TRUE(signature_of(KeyType::ec_p256, crypto::SignatureScheme::ecdsa, made));
  EXPECT_FALSE(signature_of(KeyType::rsa_2048, crypto::SignatureScheme::rsa_pss, made));
  EXPECT_FALSE(signature_of(KeyType::ed25519, crypto::SignatureScheme::ed25519, made));
  made.signature.ecdsa.signatureR.size = 33;
  made.signature.ecdsa.signatureR.buffer[0] = 1;
  EXPECT_FALSE(signature_of(KeyType::ec_p256, crypto::SignatureScheme::ecdsa, made));
}

TEST(Tcti, IsADeviceOrASimulatorsSocket) {
  EXPECT_EQ(parse_tcti("device:/dev/tpmrm0").value().path, "/dev/tpmrm0");
  EXPECT_EQ(parse_tcti("swtpm:path=/run/x/tpm").value().configuration, "path=/run/x/tpm");
  for (const std::string text :
       {"", "device:", "device:dev/tpm0", "swtpm:", "swtpm:path=", "swtpm:path=tpm",
        "swtpm:host=localhost,port=2321", "swtpm:path=/a,port=1", "mssim:", "/dev/tpm0"}) {
    EXPECT_FALSE(parse_tcti(text)) << text;
  }
  EXPECT_FALSE(parse_tcti("swtpm:path=/" + std::string(120, 'a')));
}

}  // namespace
}  // namespace camvault::keystore_tpm2
