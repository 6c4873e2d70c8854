// The registry of numbers that stand for enumerators in key files and in messages to keystored. A number,
// once used, keeps its meaning for ever; 0 is never used. docs/formats/keystore-ipc.md prints the same table.
#pragma once

#include <cstdint>
#include <optional>

#include "camvault/keystore/derivation.h"
#include "camvault/keystore/key_policy.h"
#include "camvault/keystore/key_type.h"
#include "camvault/keystore/tls_secrets.h"

namespace camvault::keystore {

std::uint64_t number_of(KeyType type);
std::uint64_t number_of(Origin origin);
std::uint64_t number_of(Purpose purpose);
std::uint64_t number_of(crypto::SignatureScheme scheme);
std::uint64_t number_of(crypto::HashAlg hash);
std::uint64_t number_of(Kdf kdf);
std::uint64_t number_of(TlsGroup group);
std::uint64_t number_of(TlsStep step);

// Nothing for a number that is not in the registry.
template <class E>
std::optional<E> from_number(std::uint64_t number);

template <>
std::optional<Kdf> from_number(std::uint64_t number);
template <>
std::optional<TlsGroup> from_number(std::uint64_t number);
template <>
std::optional<TlsStep> from_number(std::uint64_t number);
template <>
std::optional<KeyType> from_number(std::uint64_t number);
template <>
std::optional<Origin> from_number(std::uint64_t number);
template <>
std::optional<Purpose> from_number(std::uint64_t number);
template <>
std::optional<crypto::SignatureScheme> from_number(std::uint64_t number);
template <>
std::optional<crypto::HashAlg> from_number(std::uint64_t number);

}  // namespace camvault::keystore
