// The module as programs meet it, with a real keystored behind it. SP-4.2.11, AX-3.1-3.
#include "camvault/crypto_openssl/engine.h"
#include "camvault/test_support/program.h"
#include "token.h"

namespace camvault::pkcs11_module {
namespace {

using crypto::HashAlg;
using crypto::SignatureScheme;
using keystore::KeyType;
using keystore::Purpose;

const std::unique_ptr<crypto::Engine> openssl = crypto_openssl::make_openssl_engine();

Bytes digest_info(const crypto::Digest& digest) {
  Bytes out = from_hex("3031300d060960864801650304020105000420").value();
  append(out, digest.view());
  return out;
}

// r and s as DER again, to be verified.
Bytes der_of_raw(BytesView raw) {
  Bytes content;
  for (auto number : {raw.first(raw.size() / 2), raw.last(raw.size() / 2)}) {
    while (number.size() > 1 && number[0] == 0) number = number.subspan(1);
    const bool padded = (number[0] & 0x80u) != 0;
    append(content, Bytes{0x02, static_cast<std::uint8_t>(number.size() + (padded ? 1 : 0))});
    if (padded) content.push_back(0);
    append(content, number);
  }
  Bytes out = {0x30};
  if (content.size() > 127) out.push_back(0x81);
  out.push_back(static_cast<std::uint8_t>(content.size()));
  append(out, content);
  return out;
}

class Token : public TokenTest {
 protected:
  std::shared_ptr<const crypto::PublicKey> public_key(const std::string& name) {
    return openssl->public_key_from_spki(keystore_->public_key(keystored::key_name(name)).value()).value();
  }
  const BytesView message_ = as_bytes("what is signed in a handshake");
};

TEST_F(Token, ShowsOneSymbolAndNeedsNoCryptography) {
  const auto symbols =
      test_support::run_program({"nm", "-D", "--defined-only", CAMVAULT_PKCS11_MODULE}).output;
  EXPECT_EQ(std::count(symbols.begin(), symbols.end(), '\n'), 1) << symbols;
  EXPECT_NE(symbols.find(" T C_GetFunctionList"), std::string::npos);
  const auto needs = test_support::run_program({"readelf", "-d", CAMVAULT_PKCS11_MODULE}).output;
  EXPECT_EQ(needs.find("libcrypto"), std::string::npos);
}

TEST_F(Token, IsThereWithoutALogin) {
  CK_SLOT_ID slots[2] = {};
  CK_ULONG count = 2;
  ASSERT_EQ(p11_.C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
  ASSERT_EQ(count, 1u);
  CK_TOKEN_INFO info{};
  ASSERT_EQ(p11_.C_GetTokenInfo(slots[0], &info), CKR_OK);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(info.label), 9), "Camvault ");
  EXPECT_EQ(info.flags & (CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED), 0u);
  EXPECT_EQ(p11_.C_GetTokenInfo(1, &info), CKR_SLOT_ID_INVALID);
  unsigned char pin[] = "1234";
  EXPECT_EQ(p11_.C_Login(session_, CKU_USER, pin, 4), CKR_USER_PIN_NOT_INITIALIZED);

  keystore_.reset();
  daemon_.stop();
  EXPECT_EQ(p11_.C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
  EXPECT_EQ(count, 0u);
  count = 1;
  EXPECT_EQ(p11_.C_GetSlotList(CK_FALSE, slots, &count), CKR_OK);
  EXPECT_EQ(count, 1u);
  EXPECT_EQ(p11_.C_GetTokenInfo(0, &info), CKR_TOKEN_NOT_PRESENT);
}

TEST_F(Token, EcdsaOverDigestsAndMessages) {
  const struct {
    KeyType type;
    HashAlg hash;
    CK_MECHANISM_TYPE over_message;
  } cases[] = {{KeyType::ec_p256, HashAlg::sha256, CKM_ECDSA_SHA256},
               {KeyType::ec_p384, HashAlg::sha384, CKM_ECDSA_SHA384},
               {KeyType::ec_p521, HashAlg::sha512, CKM_ECDSA_SHA512}};
  for (const auto& one : cases) {
    const auto name = "camera/" + std::string(to_string(one.type));
    make_key(name, one.type);
    const auto handle = key(name);
    const auto digest = openssl->digest(one.hash, message_);
    for (const auto& raw : {sign_as(handle, {CKM_ECDSA, nullptr, 0}, digest.view()),
                            sign_as(handle, {one.over_message, nullptr, 0}, message_)}) {
      ASSERT_FALSE(raw.empty());
      EXPECT_TRUE(public_key(name)->verify_digest(SignatureScheme::ecdsa, one.hash, digest, der_of_raw(raw)));
    }
    // What is no digest of SHA-2 is not signed, nor with what the key cannot do.
    sign_as(handle, {CKM_ECDSA, nullptr, 0}, digest.view().first(20), CKR_DATA_LEN_RANGE);
    sign_as(handle, {CKM_RSA_PKCS, nullptr, 0}, digest.view(), CKR_KEY_TYPE_INCONSISTENT);
    sign_as(handle, {CKM_ECDSA_SHA1, nullptr, 0}, message_, CKR_MECHANISM_INVALID);
  }
}

TEST_F(Token, RsaWithBothPaddingsAndNothingElse) {
  make_key("camera/rsa", KeyType::rsa_2048);
  const auto handle = key("camera/rsa");
  const auto digest = openssl->digest(HashAlg::sha256, message_);
  const auto verifies = [&](SignatureScheme scheme, const Bytes& signature) {
    return public_key("camera/rsa")->verify_digest(scheme, HashAlg::sha256, digest, signature);
  };
  CK_RSA_PKCS_PSS_PARAMS pss{CKM_SHA256, CKG_MGF1_SHA256, 32};
  EXPECT_TRUE(verifies(SignatureScheme::rsa_pkcs1v15,
                       sign_as(handle, {CKM_RSA_PKCS, nullptr, 0}, digest_info(digest))));
  EXPECT_TRUE(
      verifies(SignatureScheme::rsa_pkcs1v15, sign_as(handle, {CKM_SHA256_RSA_PKCS, nullptr, 0}, message_)));
  EXPECT_TRUE(verifies(SignatureScheme::rsa_pss,
                       sign_as(handle, {CKM_RSA_PKCS_PSS, &pss, sizeof pss}, digest.view())));
  EXPECT_TRUE(verifies(SignatureScheme::rsa_pss,
                       sign_as(handle, {CKM_SHA256_RSA_PKCS_PSS, &pss, sizeof pss}, message_)));

  // RFC 8017 9.2: a DigestInfo with a byte more or less, without NULL, with a longer length form, of another
  // hash, or none at all.
  auto broken = digest_info(digest);
  broken.push_back(0);
  sign_as(handle, {CKM_RSA_PKCS, nullptr, 0}, broken, CKR_DATA_INVALID);
  sign_as(handle, {CKM_RSA_PKCS, nullptr, 0}, BytesView(broken).first(50), CKR_DATA_INVALID);
  for (const auto* head : {"302f300b0609608648016503040201"
                           "0420",
                           "308131300d060960864801650304020105000420", "3021300906052b0e03021a05000414"}) {
    broken = from_hex(head).value();
    append(broken, digest.view().first(std::string_view(head).ends_with("0414") ? 20 : 32));
    sign_as(handle, {CKM_RSA_PKCS, nullptr, 0}, broken, CKR_DATA_INVALID);
  }
  sign_as(handle, {CKM_RSA_PKCS, nullptr, 0}, digest.view(), CKR_DATA_INVALID);
  sign_as(handle, {CKM_RSA_X_509, nullptr, 0}, Bytes(256, 1), CKR_MECHANISM_INVALID);

  for (const auto& wrong : {CK_RSA_PKCS_PSS_PARAMS{CKM_SHA256, CKG_MGF1_SHA256, 20},
                            CK_RSA_PKCS_PSS_PARAMS{CKM_SHA256, CKG_MGF1_SHA1, 32},
                            CK_RSA_PKCS_PSS_PARAMS{CKM_SHA_1, CKG_MGF1_SHA1, 20}}) {
    pss = wrong;
    sign_as(handle, {CKM_RSA_PKCS_PSS, &pss, sizeof pss}, digest.view(), CKR_MECHANISM_PARAM_INVALID);
  }
  sign_as(handle, {CKM_RSA_PKCS_PSS, &pss, sizeof pss - 1}, digest.view(), CKR_MECHANISM_PARAM_INVALID);
  sign_as(handle, {CKM_RSA_PKCS_PSS, nullptr, 0}, digest.view(), CKR_MECHANISM_PARAM_INVALID);
}

TEST_F(Token, Ed25519IsFoundByNameAndNotInTheWay) {
  make_key("camera/ed", KeyType::ed25519);
  const auto signature = sign_as(key("camera/ed"), {CKM_EDDSA, nullptr, 0}, message_);
  EXPECT_TRUE(public_key("camera/ed")->verify_message(message_, signature));
  EXPECT_TRUE(find_all(p11_, session_, Template().add(CKA_CLASS, CK_ULONG{CKO_PRIVATE_KEY})).empty());
}

TEST_F(Token, KeysOfOtherPurposesAreShownAndRefused) {
  make_key("camera/media", KeyType::ec_p256, Purpose::media_signing);
  make_key("camera/ca", KeyType::ec_p256, Purpose::ca_signing);
  make_key("camera/devid", KeyType::ec_p256, Purpose::device_identity);
  const auto digest = openssl->digest(HashAlg::sha256, message_);
  for (const auto* name : {"camera/media", "camera/ca"}) {
    EXPECT_EQ(attribute_of(key(name), CKA_SIGN), Bytes{CK_FALSE});
    sign_as(key(name), {CKM_ECDSA, nullptr, 0}, digest.view(), CKR_KEY_FUNCTION_NOT_PERMITTED);
  }
  EXPECT_EQ(attribute_of(key("camera/devid"), CKA_SIGN), Bytes{CK_TRUE});
  EXPECT_FALSE(sign_as(key("camera/devid"), {CKM_ECDSA, nullptr, 0}, digest.view()).empty());
}

TEST_F(Token, ShowsNoSecretNumber) {
  make_key("camera/rsa", KeyType::rsa_2048);
  make_key("camera/ec", KeyType::ec_p256);
  for (const auto* name : {"camera/rsa", "camera/ec"}) {
    std::uint8_t room[600];
    for (const auto type : {CKA_VALUE, CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2, CKA_EXPONENT_1,
                            CKA_EXPONENT_2, CKA_COEFFICIENT}) {
      CK_ATTRIBUTE asked{type, room, sizeof room};
      EXPECT_EQ(p11_.C_GetAttributeValue(session_, key(name), &asked, 1), CKR_ATTRIBUTE_SENSITIVE);
      EXPECT_EQ(asked.ulValueLen, CK_UNAVAILABLE_INFORMATION);
    }
    EXPECT_EQ(attribute_of(key(name), CKA_SENSITIVE), Bytes{CK_TRUE});
    EXPECT_EQ(attribute_of(key(name), CKA_EXTRACTABLE), Bytes{CK_FALSE});
    CK_ATTRIBUTE new_label{CKA_LABEL, room, 3};
    EXPECT_EQ(p11_.C_SetAttributeValue(session_, key(name), &new_label, 1), CKR_TOKEN_WRITE_PROTECTED);
    EXPECT_EQ(p11_.C_DestroyObject(session_, key(name)), CKR_TOKEN_WRITE_PROTECTED);
  }
}

TEST_F(Token, ALongMessageInPieces) {
  make_key("camera/ec", KeyType::ec_p256);
  const auto handle = key("camera/ec");
  const Bytes piece(16 * 1024, 7);
  CK_MECHANISM mechanism{CKM_ECDSA_SHA256, nullptr, 0};
  ASSERT_EQ(p11_.C_SignInit(session_, &mechanism, handle), CKR_OK);
  EXPECT_EQ(p11_.C_SignInit(session_, &mechanism, handle), CKR_OPERATION_ACTIVE);
  Bytes whole;
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(p11_.C_SignUpdate(session_, const_cast<std::uint8_t*>(piece.data()), piece.size()), CKR_OK);
    append(whole, piece);
  }
  // The size is told, too little room is not the end, enough is.
  CK_ULONG size = 0;
  ASSERT_EQ(p11_.C_SignFinal(session_, nullptr, &size), CKR_OK);
  EXPECT_EQ(size, 64u);
  Bytes signature(64);
  size = 63;
  EXPECT_EQ(p11_.C_SignFinal(session_, signature.data(), &size), CKR_BUFFER_TOO_SMALL);
  ASSERT_EQ(p11_.C_SignFinal(session_, signature.data(), &size), CKR_OK);
  EXPECT_TRUE(public_key("camera/ec")
                  ->verify_digest(SignatureScheme::ecdsa, HashAlg::sha256,
                                  openssl->digest(HashAlg::sha256, whole), der_of_raw(signature)));
  EXPECT_EQ(p11_.C_SignFinal(session_, signature.data(), &size), CKR_OPERATION_NOT_INITIALIZED);

  // keystored takes 48 KiB; one byte more ends it.
  ASSERT_EQ(p11_.C_SignInit(session_, &mechanism, handle), CKR_OK);
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(p11_.C_SignUpdate(session_, const_cast<std::uint8_t*>(piece.data()), piece.size()), CKR_OK);
  EXPECT_EQ(p11_.C_SignUpdate(session_, const_cast<std::uint8_t*>(piece.data()), 1), CKR_DATA_LEN_RANGE);
  EXPECT_EQ(p11_.C_SignFinal(session_, signature.data(), &size), CKR_OPERATION_NOT_INITIALIZED);
  sign_as(handle, mechanism, Bytes(48 * 1024 + 1), CKR_DATA_LEN_RANGE);
}

TEST_F(Token, ShowsTheCertificatesThatTheMapNames) {
  make_key("camera/https", KeyType::ec_p256);
  const auto pem = (daemon_.root() / "https.pem").string();
  const auto made = test_support::run_program({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                               "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null",
                                               "-subj", "/CN=camera", "-days", "2", "-out", pem});
  ASSERT_EQ(made.exit_code, 0) << made.output;
  std::ofstream(daemon_.root() / "etc/camvault/certificates")
      << "# key file\n\ncamera/https\t" << pem
      << "  # of the web server\nnonsense\ncamera/idevid relative.pem\n";
  const auto found = key("camera/https", CKO_CERTIFICATE);
  ASSERT_NE(found, CK_ULONG{CK_INVALID_HANDLE});
  EXPECT_EQ(attribute_of(found, CKA_ID), attribute_of(key("camera/https"), CKA_ID));
  const auto certificate = openssl->certificate_from_der(attribute_of(found, CKA_VALUE));
  ASSERT_TRUE(certificate);
  EXPECT_FALSE(attribute_of(found, CKA_SUBJECT).empty());
  EXPECT_EQ(attribute_of(found, CKA_SUBJECT), attribute_of(found, CKA_ISSUER));
  std::ofstream(pem) << "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  EXPECT_EQ(key("camera/https", CKO_CERTIFICATE), CK_ULONG{CK_INVALID_HANDLE});
  EXPECT_NE(key("camera/https"), CK_ULONG{CK_INVALID_HANDLE});
}

TEST_F(Token, BadArgumentsAreAnswered) {
  EXPECT_EQ(p11_.C_Initialize(nullptr), CKR_CRYPTOKI_ALREADY_INITIALIZED);
  EXPECT_EQ(p11_.C_Finalize(&session_), CKR_ARGUMENTS_BAD);
  EXPECT_EQ(p11_.C_GetInfo(nullptr), CKR_ARGUMENTS_BAD);
  EXPECT_EQ(p11_.C_GetSlotList(CK_TRUE, nullptr, nullptr), CKR_ARGUMENTS_BAD);
  EXPECT_EQ(p11_.C_OpenSession(0, 0, nullptr, nullptr, &session_), CKR_SESSION_PARALLEL_NOT_SUPPORTED);
  EXPECT_EQ(p11_.C_OpenSession(0, CKF_SERIAL_SESSION, nullptr, nullptr, nullptr), CKR_ARGUMENTS_BAD);
  EXPECT_EQ(p11_.C_CloseSession(session_ + 99), CKR_SESSION_HANDLE_INVALID);
  EXPECT_EQ(p11_.C_FindObjectsInit(session_, nullptr, 1), CKR_ARGUMENTS_BAD);
  CK_ATTRIBUTE without_value{CKA_LABEL, nullptr, 5};
  EXPECT_EQ(p11_.C_FindObjectsInit(session_, &without_value, 1), CKR_ATTRIBUTE_VALUE_INVALID);
  EXPECT_EQ(p11_.C_FindObjectsInit(session_, &without_value, ~0ul), CKR_ARGUMENTS_BAD);
  EXPECT_EQ(p11_.C_GetAttributeValue(session_, 1, nullptr, 1), CKR_ARGUMENTS_BAD);
  EXPECT_EQ(p11_.C_SignInit(session_, nullptr, 1), CKR_ARGUMENTS_BAD);
  CK_MECHANISM without_parameter{CKM_RSA_PKCS_PSS, nullptr, 24};
  EXPECT_EQ(p11_.C_SignInit(session_, &without_parameter, 1), CKR_ARGUMENTS_BAD);
  CK_ULONG size = 10;
  EXPECT_EQ(p11_.C_Sign(session_, nullptr, 10, nullptr, &size), CKR_ARGUMENTS_BAD);
  EXPECT_EQ(p11_.C_GenerateRandom(session_, nullptr, 10), CKR_ARGUMENTS_BAD);
  EXPECT_EQ(p11_.C_EncryptInit(session_, nullptr, 0), CKR_FUNCTION_NOT_SUPPORTED);
  std::uint8_t random[10000] = {};
  EXPECT_EQ(p11_.C_GenerateRandom(session_, random, sizeof random), CKR_OK);
  EXPECT_GT(std::count_if(std::begin(random), std::end(random), [](int byte) { return byte != 0; }), 9000);
  for (std::size_t i = 1; i < 1024; ++i) {
    CK_SESSION_HANDLE another = 0;
    ASSERT_EQ(p11_.C_OpenSession(0, CKF_SERIAL_SESSION, nullptr, nullptr, &another), CKR_OK);
  }
  EXPECT_EQ(p11_.C_OpenSession(0, CKF_SERIAL_SESSION, nullptr, nullptr, &session_), CKR_SESSION_COUNT);
}

}  // namespace
}  // namespace camvault::pkcs11_module
