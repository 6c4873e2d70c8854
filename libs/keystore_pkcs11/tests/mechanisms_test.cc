// A token's answers are foreign input: each accepted form has its refused neighbour.
#include "mechanisms.h"

#include <gtest/gtest.h>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/keystore_software/software_backend.h"

namespace camvault::keystore_pkcs11 {
namespace {

using keystore::KeyType;

// A point that is on the curve, from OpenSSL's SPKI: its last bytes.
Bytes point_of(KeyType type, std::size_t size) {
  const auto spki = keystore_software::make_software_backend()->generate(type).value().spki;
  return Bytes(spki.end() - static_cast<std::ptrdiff_t>(size), spki.end());
}

TEST(PublicPoint, IsTakenWrappedAndBareAndIsWhatOpenSslWrites) {
  const auto openssl = crypto_openssl::make_openssl_engine();
  for (const auto& [type, size] : {std::pair{KeyType::ec_p256, std::size_t{65}},
                                   {KeyType::ec_p384, 97},
                                   {KeyType::ec_p521, 133},
                                   {KeyType::ed25519, 32}}) {
    const auto point = point_of(type, size);
    Bytes wrapped = {0x04};
    if (size >= 0x80) wrapped.push_back(0x81);
    wrapped.push_back(static_cast<std::uint8_t>(size));
    append(wrapped, point);
    const auto spki = spki_of_attribute(type, wrapped);
    ASSERT_TRUE(spki) << to_string(type) << spki.error().what;
    EXPECT_EQ(spki_of_attribute(type, point).value(), *spki);
    const auto key = openssl->public_key_from_spki(*spki);
    ASSERT_TRUE(key) << to_string(type);
    EXPECT_EQ((*key)->spki_der(), *spki);

    for (std::size_t cut = 0; cut < wrapped.size(); ++cut) {
      // Cut there, it has the size and the first byte of a bare point, but lies on no curve.
      if (cut == size) continue;
      const auto shorter = spki_of_attribute(type, BytesView(wrapped).first(cut));
      EXPECT_FALSE(shorter) << cut;
    }
    auto longer = wrapped;
    longer.push_back(0);
    EXPECT_FALSE(spki_of_attribute(type, longer));
    auto other_tag = wrapped;
    other_tag[0] = 0x03;
    EXPECT_FALSE(spki_of_attribute(type, other_tag));
  }
  auto compressed = point_of(KeyType::ec_p256, 65);
  compressed[0] = 0x02;
  EXPECT_FALSE(spki_of_attribute(KeyType::ec_p256, compressed));
  EXPECT_FALSE(spki_of_attribute(KeyType::rsa_2048, compressed));
}

TEST(Texts, OfTokensAreMadeHarmless) {
  const unsigned char field[8] = {'a', 0x1b, '[', 0xff, ' ', 'b', ' ', ' '};
  EXPECT_EQ(text_of(field), "a?[? b");
  const unsigned char blank[4] = {' ', ' ', ' ', ' '};
  EXPECT_EQ(text_of(blank), "");
}

TEST(Answers, KeepApartWhatIsGoneWhatIsNotOfferedAndWhatIsFull) {
  EXPECT_EQ(fail_with("C_Sign", CKR_DEVICE_REMOVED).value().code, Errc::unavailable);
  EXPECT_EQ(fail_with("C_Sign", CKR_MECHANISM_INVALID).value().code, Errc::unsupported);
  EXPECT_EQ(fail_with("C_Sign", CKR_DEVICE_MEMORY).value().code, Errc::limit);
  EXPECT_EQ(fail_with("C_Sign", 0x80001234).value().what, "the token's C_Sign says error 0x80001234");
  EXPECT_TRUE(means_gone(CKR_SESSION_HANDLE_INVALID));
  EXPECT_FALSE(means_gone(CKR_PIN_INCORRECT));
  EXPECT_FALSE(means_gone(CKR_OK));
}

}  // namespace
}  // namespace camvault::keystore_pkcs11
