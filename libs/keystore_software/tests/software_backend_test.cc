#include "camvault/keystore_software/software_backend.h"

#include <gtest/gtest.h>

#include "camvault/base/file.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/test_support/program.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::keystore_software {
namespace {

using crypto::HashAlg;
using crypto::SignatureScheme;
using keystore::KeyType;

class SoftwareBackendTest : public testing::Test {
 protected:
  // A key that the openssl program made, as unencrypted PKCS#8.
  Bytes foreign_key(std::vector<std::string> arguments) {
    const auto pem = (folder_ / "key.pem").string();
    const auto file = (folder_ / "key.der").string();
    std::vector<std::string> command = {"openssl", "genpkey", "-out", pem};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const auto made = test_support::run_program(command);
    EXPECT_EQ(made.exit_code, 0) << made.output;
    const auto converted = test_support::run_program(
        {"openssl", "pkcs8", "-topk8", "-nocrypt", "-in", pem, "-outform", "DER", "-out", file});
    EXPECT_EQ(converted.exit_code, 0) << converted.output;
    return read_file(file, 16 * 1024).value();
  }
  Bytes ec_key(const std::string& curve, const std::string& encoding = "named_curve") {
    return foreign_key({"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:" + curve, "-pkeyopt",
                        "ec_param_enc:" + encoding});
  }
  Bytes rsa_key(const std::string& bits, const std::string& exponent = "65537") {
    return foreign_key({"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:" + bits, "-pkeyopt",
                        "rsa_keygen_pubexp:" + exponent});
  }
  Errc import_error(KeyType type, const Bytes& key) {
    const auto made = backend_->import_key(type, Secret(key));
    return made ? Errc::internal : made.error().code;
  }

  test_support::TemporaryFolder folder_;
  std::shared_ptr<keystore_engine::Backend> backend_ = make_software_backend();
  std::unique_ptr<crypto::Engine> openssl_ = crypto_openssl::make_openssl_engine();
};

TEST_F(SoftwareBackendTest, ImportsForeignKeysAndSignsWithThem) {
  const auto digest = openssl_->digest(HashAlg::sha256, as_bytes("x"));
  const std::pair<KeyType, Bytes> keys[] = {{KeyType::ec_p256, ec_key("P-256")},
                                            {KeyType::ec_p384, ec_key("P-384")},
                                            {KeyType::ec_p521, ec_key("P-521")},
                                            {KeyType::rsa_2048, rsa_key("2048")},
                                            {KeyType::ed25519, foreign_key({"-algorithm", "ED25519"})}};
  for (const auto& [type, der] : keys) {
    auto made = backend_->import_key(type, Secret(der));
    ASSERT_TRUE(made) << to_string(type) << ": " << made.error().what;
    const auto key = backend_->open(type, made->handle).value();
    const auto verifier = openssl_->public_key_from_spki(made->spki).value();
    if (type == KeyType::ed25519) {
      EXPECT_TRUE(verifier->verify_message(
          as_bytes("x"),
          key->sign_message(SignatureScheme::ed25519, HashAlg::sha512, as_bytes("x")).value()));
    } else {
      const auto scheme = crypto::default_scheme(*keystore::key_alg_of(type));
      EXPECT_TRUE(verifier->verify_digest(scheme, HashAlg::sha256, digest,
                                          key->sign_digest(scheme, HashAlg::sha256, digest).value()));
    }
  }
}

// Each accepted form has its refused neighbour.
TEST_F(SoftwareBackendTest, RefusesKeysOfAnotherTypeSizeOrEncoding) {
  const auto p256 = ec_key("P-256");
  ASSERT_TRUE(backend_->import_key(KeyType::ec_p256, Secret(p256)));
  EXPECT_EQ(import_error(KeyType::ec_p384, p256), Errc::invalid);
  EXPECT_EQ(import_error(KeyType::rsa_2048, p256), Errc::invalid);
  EXPECT_EQ(import_error(KeyType::ed25519, p256), Errc::invalid);
  EXPECT_EQ(import_error(KeyType::ec_p256, ec_key("P-384")), Errc::invalid);
  EXPECT_EQ(import_error(KeyType::ec_p256, ec_key("secp256k1")), Errc::invalid);
  EXPECT_EQ(import_error(KeyType::ec_p256, ec_key("P-256", "explicit")), Errc::invalid);
  EXPECT_EQ(import_error(KeyType::ed25519, foreign_key({"-algorithm", "ED448"})), Errc::invalid);
  EXPECT_EQ(import_error(KeyType::rsa_2048, rsa_key("1024")), Errc::invalid);
  EXPECT_EQ(import_error(KeyType::rsa_2048, rsa_key("2048", "3")), Errc::invalid);
  EXPECT_EQ(import_error(KeyType::aes_256, p256), Errc::invalid);
  EXPECT_EQ(import_error(KeyType::hmac_sha256, p256), Errc::invalid);
  auto longer = p256;
  longer.push_back(0);
  EXPECT_EQ(import_error(KeyType::ec_p256, longer), Errc::invalid);
  for (std::size_t size = 0; size < p256.size(); size += 7) {
    EXPECT_EQ(
        import_error(KeyType::ec_p256, Bytes(p256.begin(), p256.begin() + static_cast<std::ptrdiff_t>(size))),
        Errc::invalid);
  }
}

TEST_F(SoftwareBackendTest, RefusesKeysWhoseHalvesDoNotFit) {
  auto p256 = ec_key("P-256");
  p256.back() ^= 1;  // of the public point
  EXPECT_EQ(import_error(KeyType::ec_p256, p256), Errc::invalid);
  auto rsa = rsa_key("2048");
  rsa[rsa.size() / 2] ^= 1;  // of a private number
  EXPECT_EQ(import_error(KeyType::rsa_2048, rsa), Errc::invalid);
  // Encrypted PKCS#8 is no key to import: there is nobody to ask for a passphrase.
  const auto plain = (folder_ / "key.der").string();
  const auto locked = (folder_ / "locked.der").string();
  ASSERT_EQ(test_support::run_program({"openssl", "pkcs8", "-topk8", "-inform", "DER", "-in", plain,
                                       "-outform", "DER", "-out", locked, "-passout", "pass:x"})
                .exit_code,
            0);
  EXPECT_EQ(import_error(KeyType::rsa_2048, read_file(locked, 16 * 1024).value()), Errc::invalid);
}

TEST_F(SoftwareBackendTest, SaysOfWhatAKeyDoesNotDoThatItDoesNot) {
  const auto aes =
      backend_->open(KeyType::aes_256, backend_->generate(KeyType::aes_256).value().handle).value();
  const auto ec =
      backend_->open(KeyType::ec_p256, backend_->generate(KeyType::ec_p256).value().handle).value();
  const auto digest = openssl_->digest(HashAlg::sha256, {});
  EXPECT_EQ(aes->sign_digest(SignatureScheme::ecdsa, HashAlg::sha256, digest).error().code,
            Errc::unsupported);
  EXPECT_EQ(aes->mac({}).error().code, Errc::unsupported);
  EXPECT_EQ(ec->encrypt({}, {}).error().code, Errc::unsupported);
  EXPECT_EQ(ec->decrypt({}, {}).error().code, Errc::unsupported);
  EXPECT_EQ(ec->sign_digest(SignatureScheme::ed25519, HashAlg::sha256, digest).error().code,
            Errc::unsupported);
  EXPECT_EQ(ec->sign_digest(SignatureScheme::rsa_pss, HashAlg::sha256, digest).error().code,
            Errc::unsupported);
}

TEST_F(SoftwareBackendTest, SealsWithANewNonceEachTime) {
  const auto key = backend_->open(KeyType::aes_256, Secret(Bytes(32, 1))).value();
  std::vector<Bytes> nonces;
  for (int i = 0; i < 1000; ++i) {
    const auto sealed = key->encrypt(as_bytes("same"), as_bytes("same")).value();
    nonces.emplace_back(sealed.begin(), sealed.begin() + 12);
    ASSERT_TRUE(key->decrypt(sealed, as_bytes("same")).value().equals(as_bytes("same")));
  }
  std::sort(nonces.begin(), nonces.end());
  EXPECT_EQ(std::adjacent_find(nonces.begin(), nonces.end()), nonces.end());
}

}  // namespace
}  // namespace camvault::keystore_software
