#include "camvault/keystore/registry.h"

#include <utility>

namespace camvault::keystore {

using crypto::HashAlg;
using crypto::SignatureScheme;

namespace {
template <class E>
using Row = std::pair<std::uint64_t, E>;

constexpr Row<KeyType> kKeyTypes[] = {
    {1, KeyType::ec_p256},     {2, KeyType::ec_p384},    {3, KeyType::ec_p521},    {4, KeyType::rsa_2048},
    {5, KeyType::rsa_3072},    {6, KeyType::rsa_4096},   {7, KeyType::ed25519},    {8, KeyType::aes_256},
    {9, KeyType::hmac_sha256}, {10, KeyType::ecdh_p256}, {11, KeyType::ecdh_p384}, {12, KeyType::secret},
    {13, KeyType::counter}};

constexpr Row<Origin> kOrigins[] = {
    {1, Origin::generated_inside}, {2, Origin::trust_provisioned}, {3, Origin::imported}};

constexpr Row<Purpose> kPurposes[] = {{1, Purpose::device_identity},
                                      {2, Purpose::media_signing},
                                      {3, Purpose::ca_signing},
                                      {4, Purpose::tls},
                                      {5, Purpose::attestation},
                                      {6, Purpose::audit_signing},
                                      {7, Purpose::firmware_signing},
                                      {8, Purpose::data_encryption},
                                      {9, Purpose::mac},
                                      {10, Purpose::report_signing},
                                      {11, Purpose::key_agreement},
                                      {12, Purpose::password},
                                      {13, Purpose::wifi_psk},
                                      {14, Purpose::key_derivation},
                                      {15, Purpose::rollback_protection},
                                      {16, Purpose::tls_psk}};

constexpr Row<SignatureScheme> kSchemes[] = {{1, SignatureScheme::ecdsa},
                                             {2, SignatureScheme::rsa_pss},
                                             {3, SignatureScheme::rsa_pkcs1v15},
                                             {4, SignatureScheme::ed25519}};

constexpr Row<Kdf> kKdfs[] = {{1, Kdf::hkdf_sha256}, {2, Kdf::pbkdf2_sha256}, {3, Kdf::wpa_psk}};

constexpr Row<TlsGroup> kTlsGroups[] = {{1, TlsGroup::x25519}, {2, TlsGroup::secp256r1}};

constexpr Row<TlsStep> kTlsSteps[] = {
    {1, TlsStep::prf_1_2}, {2, TlsStep::extract_1_3}, {3, TlsStep::expand_1_3}, {4, TlsStep::mac_1_3}};

constexpr Row<HashAlg> kHashes[] = {{1, HashAlg::sha256}, {2, HashAlg::sha384}, {3, HashAlg::sha512}};

template <class E, std::size_t N>
std::uint64_t number_in(const Row<E> (&rows)[N], E value) {
  for (const auto& row : rows) {
    if (row.second == value) return row.first;
  }
  return 0;  // an enumerator that was cast from a number outside its type
}

template <class E, std::size_t N>
std::optional<E> value_in(const Row<E> (&rows)[N], std::uint64_t number) {
  for (const auto& row : rows) {
    if (row.first == number) return row.second;
  }
  return std::nullopt;
}
}  // namespace

std::uint64_t number_of(KeyType type) {
  return number_in(kKeyTypes, type);
}
std::uint64_t number_of(Origin origin) {
  return number_in(kOrigins, origin);
}
std::uint64_t number_of(Purpose purpose) {
  return number_in(kPurposes, purpose);
}
std::uint64_t number_of(SignatureScheme scheme) {
  return number_in(kSchemes, scheme);
}
std::uint64_t number_of(HashAlg hash) {
  return number_in(kHashes, hash);
}

std::uint64_t number_of(Kdf kdf) {
  return number_in(kKdfs, kdf);
}
std::uint64_t number_of(TlsGroup group) {
  return number_in(kTlsGroups, group);
}
std::uint64_t number_of(TlsStep step) {
  return number_in(kTlsSteps, step);
}

template <>
std::optional<Kdf> from_number(std::uint64_t number) {
  return value_in(kKdfs, number);
}
template <>
std::optional<TlsGroup> from_number(std::uint64_t number) {
  return value_in(kTlsGroups, number);
}
template <>
std::optional<TlsStep> from_number(std::uint64_t number) {
  return value_in(kTlsSteps, number);
}
template <>
std::optional<KeyType> from_number(std::uint64_t number) {
  return value_in(kKeyTypes, number);
}
template <>
std::optional<Origin> from_number(std::uint64_t number) {
  return value_in(kOrigins, number);
}
template <>
std::optional<Purpose> from_number(std::uint64_t number) {
  return value_in(kPurposes, number);
}
template <>
std::optional<SignatureScheme> from_number(std::uint64_t number) {
  return value_in(kSchemes, number);
}
template <>
std::optional<HashAlg> from_number(std::uint64_t number) {
  return value_in(kHashes, number);
}

}  // namespace camvault::keystore
