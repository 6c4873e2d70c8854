// What keystored states about its own keys. The words are the engine's: a caller chooses key, attester and
// nonce.
#include "camvault/attestation/keystored_statement.h"
#include "camvault/keystore/registry.h"
#include "camvault/keystore_engine/engine.h"

namespace camvault::keystore_engine {

using keystore::ServiceError;

// The attestation key must be one, be the caller's to use, and belong to the application of the key it speaks
// about.
Answer<Engine::RecordPtr> Engine::find_attester(const Caller& who, const KeyName& key,
                                                const KeyName& attester) const {
  if (attester.application() != key.application())
    return keystore::refuse(ServiceError::denied, "the attestation key belongs to another application");
  CAM_TRY(auto record, find(attester));
  if (const auto* why = AccessRules::why_not_use(who, record->info.policy))
    return keystore::refuse(ServiceError::denied, why);
  if (record->info.policy.purpose != keystore::Purpose::attestation)
    return keystore::refuse(ServiceError::wrong_purpose, "the attester is no attestation key");
  return record;
}

Answer<Bytes> Engine::attest(const Caller& who, const KeyName& key, const KeyName& attester,
                             BytesView nonce) {
  const auto& name = key.text();
  if (const auto* why = config_.rules.why_not(who, Operation::attest, key.application()))
    return refuse(who, Operation::attest, name, ServiceError::denied, why);
  const auto record = find(key);
  if (!record) return refuse(who, Operation::attest, name, record.error().error, record.error().why);
  if (const auto* why = AccessRules::why_not_use(who, (*record)->info.policy))
    return refuse(who, Operation::attest, name, ServiceError::denied, why);
  const auto by = find_attester(who, key, attester);
  if (!by) return refuse(who, Operation::attest, name, by.error().error, by.error().why);
  permit(who, Operation::attest, name);

  const auto& info = (*record)->info;
  if ((*record)->spki.empty() || !config_.sha256)
    return keystore::refuse(ServiceError::unsupported, "a symmetric key has no public half to speak about");
  attestation::KeystoredStatement statement;
  statement.spki_sha256 = config_.sha256((*record)->spki);
  statement.origin = static_cast<attestation::KeyOrigin>(keystore::number_of(info.origin));
  statement.purpose = keystore::number_of(info.policy.purpose);
  statement.backend = info.backend;
  const auto* backend = backend_named(info.backend);
  statement.simulator = backend == nullptr || backend->capabilities().simulator;
  statement.created = info.created;
  statement.nonce = to_bytes(nonce);
  statement.stated = from_unix_seconds(to_unix_seconds(config_.clock->now()));
  attestation::KeystoredEvidence evidence;
  auto encoded = attestation::encode_statement(statement);
  if (!encoded) return keystore::refuse(ServiceError::usage, encoded.error().what);
  evidence.statement = std::move(*encoded);
  evidence.attester_spki = (*by)->spki;
  const auto alg = keystore::key_alg_of((*by)->info.type);
  evidence.scheme = crypto::default_scheme(*alg);  // a key that suits the purpose has one
  CAM_TRY(const auto attestation_key, open_key(*by));
  CAM_TRY(evidence.signature,
          attestation_key->sign_message(evidence.scheme, evidence.hash, evidence.statement));
  CAM_TRY(auto bytes, attestation::encode_evidence(evidence));
  return bytes;
}

}  // namespace camvault::keystore_engine
