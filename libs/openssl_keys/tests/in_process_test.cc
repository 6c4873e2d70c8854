// Every kind of key signs as an EVP_PKEY of OpenSSL while its private half is elsewhere.
#include "camvault/openssl_keys/in_process.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "camvault/crypto_openssl/local_key.h"

namespace camvault::openssl_keys {
namespace {

using crypto::KeyAlg;

Bytes public_half(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  Bytes out(der, der + std::max(size, 0));
  OPENSSL_free(der);
  return out;
}

class InProcess : public testing::TestWithParam<KeyAlg> {};

TEST_P(InProcess, SignsAndOpenSslVerifies) {
  const std::shared_ptr<crypto::SigningKey> signer = crypto_openssl::LocalKey::generate(GetParam()).value();
  auto key = evp_key(signer);
  ASSERT_TRUE(key) << key.error().what;
  EXPECT_EQ(public_half(key->get()), signer->spki_der());
  const auto spki = signer->spki_der();
  const auto* cursor = spki.data();
  const EvpKey verifier(
      d2i_PUBKEY_ex(nullptr, &cursor, static_cast<long>(spki.size()), library_context(), nullptr));
  ASSERT_NE(verifier, nullptr);
  EXPECT_EQ(EVP_PKEY_eq(verifier.get(), key->get()), 1);
  const auto message = as_bytes("a handshake's transcript");
  for (const bool pss : {false, true}) {
    if (pss && !crypto::is_rsa(GetParam())) continue;
    const char* hash = GetParam() == KeyAlg::ed25519 ? nullptr : "SHA384";
    const Owned<EVP_MD_CTX, EVP_MD_CTX_free> signing(EVP_MD_CTX_new());
    const Owned<EVP_MD_CTX, EVP_MD_CTX_free> verifying(EVP_MD_CTX_new());
    EVP_PKEY_CTX* sign_context = nullptr;
    EVP_PKEY_CTX* verify_context = nullptr;
    ASSERT_EQ(EVP_DigestSignInit_ex(signing.get(), &sign_context, hash, library_context(), nullptr,
                                    key->get(), nullptr),
              1);
    ASSERT_EQ(EVP_DigestVerifyInit_ex(verifying.get(), &verify_context, hash, library_context(), nullptr,
                                      verifier.get(), nullptr),
              1);
    for (auto* context : {sign_context, verify_context}) {
      if (!pss) continue;
      ASSERT_EQ(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), 1);
      ASSERT_EQ(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST), 1);
    }
    Bytes signature(1024);
    std::size_t size = signature.size();
    ASSERT_EQ(EVP_DigestSign(signing.get(), signature.data(), &size, message.data(), message.size()), 1);
    EXPECT_EQ(EVP_DigestVerify(verifying.get(), signature.data(), size, message.data(), message.size()), 1);
    signature[size / 2] = static_cast<std::uint8_t>(signature[size / 2] ^ 1);
    EXPECT_NE(EVP_DigestVerify(verifying.get(), signature.data(), size, message.data(), message.size()), 1);
    ERR_clear_error();
  }
}

TEST_P(InProcess, GivesNoPrivateHalf) {
  const std::shared_ptr<crypto::SigningKey> signer = crypto_openssl::LocalKey::generate(GetParam()).value();
  auto key = evp_key(signer);
  ASSERT_TRUE(key);
  unsigned char* der = nullptr;
  EXPECT_LE(i2d_PrivateKey(key->get(), &der), 0);
  EXPECT_EQ(der, nullptr);
  BIGNUM* number = nullptr;
  EXPECT_NE(EVP_PKEY_get_bn_param(key->get(), crypto::is_rsa(GetParam()) ? "d" : "priv", &number), 1);
  EXPECT_EQ(number, nullptr);
  ERR_clear_error();
}

// The refused neighbour of our own hand-over: a key that somebody else describes by numbers.
TEST(InProcess, TakesNoForeignKey) {
  const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(
      EVP_PKEY_CTX_new_from_name(library_context(), "EC", "provider=camvault"));
  ASSERT_NE(context, nullptr);
  char group[] = "prime256v1";
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("group", group, 0), OSSL_PARAM_construct_end()};
  EVP_PKEY* made = nullptr;
  ASSERT_EQ(EVP_PKEY_fromdata_init(context.get()), 1);
  EXPECT_NE(EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_KEYPAIR, params), 1);
  EXPECT_EQ(made, nullptr);
  ERR_clear_error();
}

INSTANTIATE_TEST_SUITE_P(Kinds, InProcess,
                         testing::Values(KeyAlg::ec_p256, KeyAlg::ec_p384, KeyAlg::ec_p521, KeyAlg::rsa_2048,
                                         KeyAlg::ed25519),
                         [](const auto& kind) {
                           auto name = std::string(to_string(kind.param));
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace camvault::openssl_keys
