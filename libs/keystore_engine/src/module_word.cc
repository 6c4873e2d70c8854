// What modules say about their keys themselves, and how a factory gets to know who says so.
#include "camvault/keystore_engine/engine.h"

namespace camvault::keystore_engine {

using keystore::ServiceError;

namespace {
constexpr std::size_t kMinNonce = 8;
constexpr std::size_t kMaxNonce = 64;
}  // namespace

Answer<Bytes> Engine::certify(const Caller& who, const KeyName& key, BytesView nonce) {
  const auto& name = key.text();
  if (const auto* why = config_.rules.why_not(who, Operation::certify, key.application()))
    return refuse(who, Operation::certify, name, ServiceError::denied, why);
  const auto record = find(key);
  if (!record) return refuse(who, Operation::certify, name, record.error().error, record.error().why);
  if (const auto* why = AccessRules::why_not_use(who, (*record)->info.policy))
    return refuse(who, Operation::certify, name, ServiceError::denied, why);
  permit(who, Operation::certify, name);
  if (nonce.size() < kMinNonce || nonce.size() > kMaxNonce)
    return keystore::refuse(ServiceError::usage, "a nonce has 8 to 64 bytes");
  auto* backend = backend_named((*record)->info.backend);
  if (backend == nullptr || (*record)->spki.empty())
    return keystore::refuse(ServiceError::unsupported, "a symmetric key has no public half to speak about");
  CAM_TRY(const auto handle, read_handle(**record));
  CAM_TRY(auto evidence, backend->attest((*record)->info.type, handle, nonce));
  return evidence;
}

Answer<Bytes> Engine::attester(const Caller& who, const KeyName& key) {
  CAM_TRY(const auto record, authorise_key(who, Operation::attester, key));
  auto* backend = backend_named(record->info.backend);
  if (backend == nullptr) return keystore::refuse(ServiceError::unsupported, "the key's backend is not here");
  CAM_TRY(auto description, backend->describe_attester());
  return description;
}

Answer<Secret> Engine::activate(const Caller& who, const KeyName& key, BytesView credential) {
  CAM_TRY(const auto record, authorise_key(who, Operation::activate, key));
  auto* backend = backend_named(record->info.backend);
  if (backend == nullptr) return keystore::refuse(ServiceError::unsupported, "the key's backend is not here");
  CAM_TRY(auto opened, backend->activate_credential(credential));
  return opened;
}

}  // namespace camvault::keystore_engine
