// A key on its way to its owner, and back. Only keys whose policy says so; encrypted before it leaves.
#include "camvault/codec/cbor.h"
#include "camvault/keystore/encoding.h"
#include "camvault/keystore_engine/engine.h"

namespace camvault::keystore_engine {

using keystore::KeyInfo;
using keystore::Origin;
using keystore::ServiceError;

Answer<Bytes> Engine::backup(const Caller& who, const KeyName& name) {
  const auto& text = name.text();
  if (const auto* why = config_.rules.why_not(who, Operation::backup, name.application()))
    return refuse(who, Operation::backup, text, ServiceError::denied, why);
  const auto record = find(name);
  if (!record) return refuse(who, Operation::backup, text, record.error().error, record.error().why);
  const auto& info = (*record)->info;
  if (info.policy.purpose == keystore::Purpose::device_identity)
    return refuse(who, Operation::backup, text, ServiceError::denied, "a device identity is in no backup");
  if (!info.policy.backup)
    return refuse(who, Operation::backup, text, ServiceError::denied, "the key's policy allows no backup");
  const auto& owner = config_.rules.find(name.application())->owner;
  if (owner.empty() || !config_.encrypt_to_owner)
    return refuse(who, Operation::backup, text, ServiceError::denied, "the application has no owner");
  permit(who, Operation::backup, text);

  CAM_TRY(const auto handle, read_handle(**record));
  CAM_TRY(const auto key, backend_named(info.backend)->take_out(info.type, handle));
  codec::CborWriter out;
  out.begin_map();
  out.text(keystore::backup_tag::kName, keystore::kBackupName);
  out.unsigned_integer(keystore::backup_tag::kVersion, keystore::kBackupVersion);
  out.key(keystore::backup_tag::kInfo);
  keystore::write_key_info(out, info);
  out.key(keystore::backup_tag::kKey);
  key.reveal([&](BytesView bytes) { out.bytes(bytes); });
  out.end();
  CAM_TRY(auto plain, out.take());
  CAM_TRY(auto message, config_.encrypt_to_owner(owner, Secret::absorb(std::move(plain))));
  return message;
}

Answer<KeyInfo> Engine::restore(const Caller& who, const KeyName& name, KeyType type,
                                keystore::KeyPolicy policy, const Secret& key) {
  CAM_TRY_STATUS(authorise(who, Operation::restore, name.application(), name.text()));
  CAM_TRY_STATUS(complete_policy(name, type, policy));
  if (policy.purpose == keystore::Purpose::device_identity)
    return keystore::refuse(ServiceError::denied, "a device identity comes from no backup");
  CAM_TRY(auto* chosen, choose_backend(name, {}));
  return add_key(name, type, std::move(policy), Origin::imported, *chosen,
                 [&] { return chosen->import_key(type, key); });
}

}  // namespace camvault::keystore_engine
