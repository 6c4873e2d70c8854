// The decisions of the engine. Each writes exactly one audit line, before anything happens.
#include "camvault/keystore_engine/engine.h"

namespace camvault::keystore_engine {

using keystore::Purpose;
using keystore::ServiceError;

namespace {
// What a purpose may do, whatever the policy of the key says.
bool purpose_allows(Purpose purpose, Operation operation) {
  switch (purpose) {
    case Purpose::data_encryption:
      return operation == Operation::encrypt || operation == Operation::decrypt;
    case Purpose::mac:
      return operation == Operation::mac;
    case Purpose::key_agreement:
      return operation == Operation::agree;
    case Purpose::password:
      return operation == Operation::compare;
    case Purpose::wifi_psk:
    case Purpose::key_derivation:
      return operation == Operation::derive;
    case Purpose::rollback_protection:
      return operation == Operation::read_counter || operation == Operation::increment_counter;
    case Purpose::tls_psk:
      return operation == Operation::tls_psk;
    case Purpose::attestation:
      return false;  // signs what keystored itself states, never a caller's bytes (AN13874 2.3)
    case Purpose::device_identity:
    case Purpose::media_signing:
    case Purpose::ca_signing:
    case Purpose::tls:
    case Purpose::audit_signing:
    case Purpose::firmware_signing:
    case Purpose::report_signing:
      return operation == Operation::sign_digest || operation == Operation::sign_message;
  }
  return false;
}
}  // namespace

void Engine::permit(const Caller& who, Operation operation, std::string_view key) {
  if (config_.audit)
    config_.audit({.who = who, .operation = operation, .key = key, .allowed = true, .why = {}});
}

tl::unexpected<keystore::Refusal> Engine::refuse(const Caller& who, Operation operation, std::string_view key,
                                                 ServiceError error, std::string_view why) {
  if (config_.audit)
    config_.audit({.who = who, .operation = operation, .key = key, .allowed = false, .why = why});
  return keystore::refuse(error, std::string(why));
}

Answer<void> Engine::authorise(const Caller& who, Operation operation, std::string_view application,
                               std::string_view key) {
  if (const auto* why = config_.rules.why_not(who, operation, application)) {
    return refuse(who, operation, key, ServiceError::denied, why);
  }
  permit(who, operation, key);
  return {};
}

// The application's rule comes before the look-up: whoever is outside learns nothing about which keys exist.
Answer<Engine::RecordPtr> Engine::authorise_key(const Caller& who, Operation operation, const KeyName& name) {
  if (const auto* why = config_.rules.why_not(who, operation, name.application())) {
    return refuse(who, operation, name.text(), ServiceError::denied, why);
  }
  auto record = find(name);
  if (!record) return refuse(who, operation, name.text(), record.error().error, record.error().why);
  permit(who, operation, name.text());
  return record;
}

Answer<Engine::RecordPtr> Engine::authorise_use(const Caller& who, Operation operation, const KeyUse& use,
                                                const SigningChoice* choice) {
  const auto& key = use.key.text();
  if (const auto* why = config_.rules.why_not(who, operation, use.key.application())) {
    return refuse(who, operation, key, ServiceError::denied, why);
  }
  auto record = find(use.key);
  if (!record) return refuse(who, operation, key, record.error().error, record.error().why);
  const auto& policy = (*record)->info.policy;
  if (const auto* why = AccessRules::why_not_use(who, policy)) {
    return refuse(who, operation, key, ServiceError::denied, why);
  }
  if (policy.purpose != use.purpose || !purpose_allows(policy.purpose, operation)) {
    return refuse(who, operation, key, ServiceError::wrong_purpose, "the key has another purpose");
  }
  if (choice != nullptr) {
    const bool hash_fits =
        choice->scheme == crypto::SignatureScheme::ed25519 || policy.hashes.contains(choice->hash);
    if (!hash_fits || !policy.schemes.contains(choice->scheme)) {
      return refuse(who, operation, key, ServiceError::wrong_algorithm,
                    "the key's policy does not allow the algorithm");
    }
  }
  permit(who, operation, key);
  return record;
}

Answer<Engine::RecordPtr> Engine::authorise_named_use(const Caller& who, Operation operation,
                                                      const KeyName& name) {
  const auto record = find(name);
  return authorise_use(who, operation, {name, record ? (*record)->info.policy.purpose : Purpose::mac});
}

}  // namespace camvault::keystore_engine
