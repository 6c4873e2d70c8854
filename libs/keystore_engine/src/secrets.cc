// Use of secrets and of keys that agree.
#include "camvault/crypto/key_encoding.h"
#include "camvault/keystore_engine/engine.h"

namespace camvault::keystore_engine {

using keystore::Kdf;
using keystore::Purpose;
using keystore::ServiceError;

Answer<Secret> Engine::agree(const Caller& who, const KeyUse& use, BytesView peer_spki) {
  CAM_TRY(const auto record, authorise_use(who, Operation::agree, use));
  const auto alg = keystore::public_alg_of(record->info.type);
  if (!alg) return keystore::refuse(ServiceError::unsupported, "keys of this type do not agree");
  const auto point = crypto::point_of_spki(*alg, peer_spki);
  if (!point) return keystore::refuse(ServiceError::usage, "the other half is no key of the same curve");
  CAM_TRY(const auto key, open_key(record));
  CAM_TRY(auto shared, key->agree(*point));
  return shared;
}

Answer<bool> Engine::compare(const Caller& who, const KeyUse& use, BytesView candidate) {
  CAM_TRY(const auto record, authorise_use(who, Operation::compare, use));
  if (!tries_.begin(use.key, std::chrono::steady_clock::now()))
    return keystore::refuse(ServiceError::busy, "too many wrong tries: wait");
  const auto key = open_key(record);
  const auto same = key ? (*key)->compare(candidate) : Result<bool>(tl::unexpected(key.error()));
  if (!same) {
    tries_.was_none(use.key);
    return tl::unexpected(keystore::Refusal(same.error()));
  }
  if (*same) tries_.was_right(use.key);
  return *same;
}

Answer<Secret> Engine::derive(const Caller& who, const KeyUse& use, const keystore::Derivation& derivation) {
  CAM_TRY(const auto record, authorise_use(who, Operation::derive, use));
  // What a purpose derives: a passphrase gives keys of networks only, other secrets everything else.
  const bool for_wifi = derivation.kdf == Kdf::wpa_psk;
  if (for_wifi != (record->info.policy.purpose == Purpose::wifi_psk))
    return keystore::refuse(ServiceError::wrong_algorithm, "the secret's purpose has another derivation");
  if (const auto fits = keystore::check_derivation(derivation); !fits)
    return keystore::refuse(ServiceError::usage, fits.error().what);
  CAM_TRY(const auto key, open_key(record));
  CAM_TRY(auto derived, key->derive(derivation));
  return derived;
}

Answer<void> Engine::permit_tls_share(const Caller& who) {
  return authorise(who, Operation::tls_share, {}, {});
}

Answer<Secret> Engine::tls_psk(const Caller& who, const KeyUse& use) {
  CAM_TRY(const auto record, authorise_use(who, Operation::tls_psk, use));
  CAM_TRY(const auto handle, read_handle(*record));
  auto* backend = backend_named(record->info.backend);
  if (backend == nullptr) return keystore::refuse(ServiceError::unsupported, "the key's backend is not here");
  CAM_TRY(auto psk, backend->take_out(record->info.type, handle));
  return psk;
}

}  // namespace camvault::keystore_engine
