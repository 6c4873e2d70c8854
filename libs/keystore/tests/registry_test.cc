#include "camvault/keystore/registry.h"

#include <gtest/gtest.h>

#include "camvault/keystore/operation.h"

namespace camvault::keystore {
namespace {

// These numbers are in files and messages out there: the test is the second copy of the table, on purpose.
TEST(Registry, NumbersNeverChange) {
  EXPECT_EQ(number_of(KeyType::ec_p256), 1u);
  EXPECT_EQ(number_of(KeyType::rsa_2048), 4u);
  EXPECT_EQ(number_of(KeyType::ed25519), 7u);
  EXPECT_EQ(number_of(KeyType::hmac_sha256), 9u);
  EXPECT_EQ(number_of(Origin::generated_inside), 1u);
  EXPECT_EQ(number_of(Origin::imported), 3u);
  EXPECT_EQ(number_of(Purpose::device_identity), 1u);
  EXPECT_EQ(number_of(Purpose::media_signing), 2u);
  EXPECT_EQ(number_of(Purpose::mac), 9u);
  EXPECT_EQ(number_of(crypto::SignatureScheme::ecdsa), 1u);
  EXPECT_EQ(number_of(crypto::SignatureScheme::ed25519), 4u);
  EXPECT_EQ(number_of(crypto::HashAlg::sha256), 1u);
  EXPECT_EQ(number_of(crypto::HashAlg::sha512), 3u);
  EXPECT_EQ(operation_from_number(13), Operation::mac);
  EXPECT_EQ(operation_from_number(14), Operation::attest);
  EXPECT_EQ(operation_from_number(15), Operation::move);
  EXPECT_EQ(operation_from_number(16), Operation::certify);
  EXPECT_EQ(operation_from_number(20), Operation::compare);
  EXPECT_EQ(operation_from_number(24), Operation::seal);
  EXPECT_EQ(operation_from_number(27), Operation::restore);
  EXPECT_EQ(operation_from_number(31), Operation::tls_derive);
  EXPECT_EQ(number_of(KeyType::ecdh_p256), 10u);
  EXPECT_EQ(number_of(KeyType::counter), 13u);
  EXPECT_EQ(number_of(Purpose::key_agreement), 11u);
  EXPECT_EQ(number_of(Purpose::rollback_protection), 15u);
  EXPECT_EQ(number_of(Purpose::tls_psk), 16u);
  EXPECT_EQ(number_of(TlsGroup::secp256r1), 2u);
  EXPECT_EQ(number_of(TlsStep::prf_1_2), 1u);
  EXPECT_EQ(number_of(TlsStep::mac_1_3), 4u);
  EXPECT_EQ(number_of(Kdf::hkdf_sha256), 1u);
  EXPECT_EQ(number_of(Kdf::wpa_psk), 3u);
  EXPECT_EQ(service_error_from_number(15), ServiceError::internal);
  EXPECT_EQ(service_error_from_number(16), ServiceError::unavailable);
}

TEST(Registry, ReadsBackWhatItWritesAndNothingElse) {
  for (const auto type : kAllKeyTypes) EXPECT_EQ(from_number<KeyType>(number_of(type)), type);
  for (const auto purpose : kAllPurposes) EXPECT_EQ(from_number<Purpose>(number_of(purpose)), purpose);
  for (const std::uint64_t number :
       {std::uint64_t{0}, std::uint64_t{17}, std::uint64_t{257}, ~std::uint64_t{0}}) {
    EXPECT_FALSE(from_number<KeyType>(number));
    EXPECT_FALSE(from_number<Purpose>(number));
    EXPECT_FALSE(from_number<Origin>(number));
    EXPECT_FALSE(from_number<crypto::SignatureScheme>(number));
    EXPECT_FALSE(from_number<crypto::HashAlg>(number));
    EXPECT_FALSE(from_number<Kdf>(number));
    EXPECT_FALSE(from_number<TlsGroup>(number));
    EXPECT_FALSE(from_number<TlsStep>(number));
  }
  EXPECT_FALSE(operation_from_number(0));
  EXPECT_FALSE(operation_from_number(32));
  EXPECT_FALSE(service_error_from_number(0));
  EXPECT_FALSE(service_error_from_number(17));
  EXPECT_FALSE(service_error_from_number(257));
}

TEST(Refusal, KeepsItsMeaningAcrossTheWire) {
  EXPECT_EQ(to_error(ServiceError::wrong_purpose).code, Errc::denied);
  EXPECT_EQ(to_error(ServiceError::damaged).code, Errc::invalid);
  EXPECT_EQ(to_error(ServiceError::busy).code, Errc::unavailable);
  EXPECT_EQ(Refusal(Error{Errc::unavailable, "no token"}).error, ServiceError::unavailable);
  EXPECT_EQ(to_error(ServiceError::unavailable).code, Errc::unavailable);
  EXPECT_EQ(Refusal(Error{Errc::io, "disk full"}).error, ServiceError::storage);
  EXPECT_EQ(Refusal(Error{Errc::denied, "cannot open"}).error, ServiceError::storage);
}

}  // namespace
}  // namespace camvault::keystore
