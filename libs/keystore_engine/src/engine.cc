#include "camvault/keystore_engine/engine.h"

#include <algorithm>

namespace camvault::keystore_engine {

using keystore::KeyInfo;
using keystore::KeyPolicy;
using keystore::Origin;
using keystore::ServiceError;

Engine::Engine(EngineConfig config, FileStore store) : config_(std::move(config)), store_(std::move(store)) {}

Result<std::unique_ptr<Engine>> Engine::open(EngineConfig config) {
  if (config.backends.empty() || !config.sealer || !config.clock)
    return fail(Errc::usage, "the engine lacks a part");
  CAM_TRY(auto store, FileStore::open(config.key_folder, config.step));
  std::unique_ptr<Engine> engine(new Engine(std::move(config), std::move(store)));
  CAM_TRY(const auto files, engine->store_.names());
  for (const auto& file : files) {
    const auto name = key_name_of(file);
    if (!name) continue;  // nobody can ask for it
    if (const auto loaded = engine->load(file); !loaded) engine->damaged_.emplace(*name, loaded.error().what);
  }
  return engine;
}

Status Engine::load(const std::string& file_name) {
  CAM_TRY(const auto bytes, store_.read(file_name));
  CAM_TRY(auto file, decode_key_file(bytes));
  if (file_name_of(file.record.info.name) != file_name)
    return fail(Errc::invalid, "the file belongs to another key");
  // Authenticated now, so that damage shows at start and not when the key is needed.
  CAM_TRY(const auto handle, config_.sealer->open(file.sealed, additional_data(file.metadata)));
  if (backend_named(file.record.info.backend) == nullptr) {
    return fail(Errc::unsupported,
                "the key belongs to backend " + file.record.info.backend + ", which is not here");
  }
  auto name = file.record.info.name;
  keys_.emplace(std::move(name), std::make_shared<const KeyRecord>(std::move(file.record)));
  return ok();
}

Backend* Engine::backend_named(std::string_view name) const {
  for (const auto& backend : config_.backends) {
    if (backend->name() == name) return backend.get();
  }
  return nullptr;
}

Answer<Engine::RecordPtr> Engine::find(const KeyName& name) const {
  const std::shared_lock lock(mutex_);
  if (const auto found = keys_.find(name); found != keys_.end()) return found->second;
  if (const auto damaged = damaged_.find(name); damaged != damaged_.end()) {
    return keystore::refuse(ServiceError::damaged, damaged->second);
  }
  return keystore::refuse(ServiceError::not_found, "no such key");
}

Result<std::shared_ptr<const BackendKey>> Engine::open_key(const KeyRecord& record) {
  const auto& name = record.info.name;
  if (auto open = open_keys_.find(name)) return open;
  CAM_TRY(const auto bytes, store_.read(file_name_of(name)));
  CAM_TRY(const auto file, decode_key_file(bytes));
  // The file may have been exchanged since it was loaded: only the key that was loaded is used.
  CAM_TRY(const auto expected, encode_metadata(record));
  if (file.metadata != expected) return fail(Errc::invalid, "the key's file has changed");
  CAM_TRY(const auto handle, config_.sealer->open(file.sealed, additional_data(file.metadata)));
  auto* backend = backend_named(record.info.backend);
  if (backend == nullptr) return fail(Errc::unsupported, "the key's backend is not here");
  CAM_TRY(auto key, backend->open(record.info.type, handle));
  {
    // A key that was deleted meanwhile must not stay in memory.
    const std::shared_lock lock(mutex_);
    if (keys_.contains(name)) open_keys_.insert(name, key);
  }
  return key;
}

Answer<Engine::Counts> Engine::counts(const Caller& who) {
  CAM_TRY_STATUS(authorise(who, Operation::status, {}, {}));
  const std::shared_lock lock(mutex_);
  Counts counts;
  counts.keys = keys_.size();
  for (const auto& [name, what] : damaged_) {
    if (config_.rules.is_member(who, name.application())) counts.damaged.push_back(name.text() + ": " + what);
  }
  return counts;
}

std::vector<keystore::BackendStatus> Engine::backends() const {
  std::vector<keystore::BackendStatus> out;
  for (const auto& backend : config_.backends) {
    auto can = backend->capabilities();
    out.push_back({.name = std::string(backend->name()),
                   .simulator = can.simulator,
                   .key_types = std::move(can.key_types),
                   .protection = std::move(can.protection)});
  }
  return out;
}

Answer<std::vector<KeyInfo>> Engine::list(const Caller& who, const std::string& after, std::size_t limit) {
  CAM_TRY_STATUS(authorise(who, Operation::list, {}, {}));
  const std::shared_lock lock(mutex_);
  std::vector<KeyInfo> out;
  auto next = keys_.begin();
  if (!after.empty()) {
    CAM_TRY(const auto name, KeyName::parse(after));
    next = keys_.upper_bound(name);
  }
  for (; next != keys_.end() && out.size() < limit; ++next) {
    if (config_.rules.is_member(who, next->first.application())) out.push_back(next->second->info);
  }
  return out;
}

Answer<KeyInfo> Engine::info(const Caller& who, const KeyName& name) {
  CAM_TRY(const auto record, authorise_key(who, Operation::info, name));
  return record->info;
}

Answer<Bytes> Engine::public_key(const Caller& who, const KeyName& name) {
  CAM_TRY(const auto record, authorise_key(who, Operation::public_key, name));
  if (record->spki.empty())
    return keystore::refuse(ServiceError::unsupported, "a symmetric key has no public half");
  return record->spki;
}

Answer<KeyInfo> Engine::generate(const Caller& who, const KeyName& name, KeyType type, KeyPolicy policy) {
  CAM_TRY_STATUS(authorise(who, Operation::generate, name.application(), name.text()));
  CAM_TRY_STATUS(complete_policy(name, type, policy));
  return add_key(name, type, std::move(policy), Origin::generated_inside,
                 [&](Backend& backend) { return backend.generate(type); });
}

Answer<KeyInfo> Engine::import_key(const Caller& who, const KeyName& name, KeyType type, KeyPolicy policy,
                                   const Secret& key) {
  CAM_TRY_STATUS(authorise(who, Operation::import_key, name.application(), name.text()));
  CAM_TRY_STATUS(complete_policy(name, type, policy));
  const auto& provisioners = config_.rules.find(name.application())->provisioners;
  const bool trusted = std::find(provisioners.begin(), provisioners.end(), who.uid) != provisioners.end();
  return add_key(name, type, std::move(policy), trusted ? Origin::trust_provisioned : Origin::imported,
                 [&](Backend& backend) { return backend.import_key(type, key); });
}

Answer<void> Engine::complete_policy(const KeyName& name, KeyType type, KeyPolicy& policy) const {
  CAM_TRY_STATUS(keystore::check_policy(type, policy));
  const auto* rule = config_.rules.find(name.application());
  if (policy.uids.empty()) policy.uids = {rule->uid};
  for (const auto uid : policy.uids) {
    if (!config_.rules.may_be_user(uid, name.application())) {
      return keystore::refuse(ServiceError::denied,
                              "the policy names a uid that the application does not have");
    }
  }
  return {};
}

Answer<void> Engine::reserve(const KeyName& name) {
  const std::unique_lock lock(mutex_);
  if (keys_.contains(name) || damaged_.contains(name) || reserved_.contains(name)) {
    return keystore::refuse(ServiceError::exists, "the name is taken");
  }
  const auto count = std::count_if(keys_.begin(), keys_.end(), [&](const auto& entry) {
    return entry.first.application() == name.application();
  });
  const auto reserved = reserved_.size();
  if (keys_.size() + reserved >= kMaxKeys ||
      static_cast<std::size_t>(count) + reserved >= kMaxKeysPerApplication) {
    return keystore::refuse(ServiceError::limit, "too many keys");
  }
  reserved_.insert(name);
  return {};
}

Answer<Engine::RecordPtr> Engine::store_key(KeyRecord record, const Secret& handle) {
  CAM_TRY(const auto metadata, encode_metadata(record));
  CAM_TRY(const auto sealed, config_.sealer->seal(handle, additional_data(metadata)));
  CAM_TRY(const auto file, encode_key_file(metadata, sealed));
  const std::lock_guard lock(writing_);
  CAM_TRY_STATUS(store_.create(file_name_of(record.info.name), file));
  return std::make_shared<const KeyRecord>(std::move(record));
}

Answer<KeyInfo> Engine::add_key(const KeyName& name, KeyType type, KeyPolicy policy, Origin origin,
                                const std::function<Result<NewKey>(Backend&)>& make) {
  const auto& wanted = config_.rules.find(name.application())->backend;
  auto* backend = wanted.empty() ? config_.backends.front().get() : backend_named(wanted);
  if (backend == nullptr) return keystore::refuse(ServiceError::unsupported, "no backend " + wanted);
  CAM_TRY_STATUS(reserve(name));
  const auto now = from_unix_seconds(to_unix_seconds(config_.clock->now()));
  KeyInfo info{name, type, std::move(policy), origin, now, std::string(backend->name())};
  auto made = [&]() -> Answer<RecordPtr> {
    CAM_TRY(auto key, make(*backend));
    auto record = store_key({.info = std::move(info), .spki = std::move(key.spki)}, key.handle);
    // A key that nobody will ever name must not stay in a token. If that fails too, the first failure counts.
    if (!record) static_cast<void>(backend->destroy(type, key.handle).has_value());
    return record;
  }();
  const std::unique_lock lock(mutex_);
  reserved_.erase(name);
  if (!made) return tl::unexpected(std::move(made).error());
  keys_.emplace(name, *made);
  return (*made)->info;
}

Answer<void> Engine::remove(const Caller& who, const KeyName& name) {
  CAM_TRY_STATUS(authorise(who, Operation::remove, name.application(), name.text()));
  const std::lock_guard writing(writing_);
  const auto found = find(name);
  if (!found && found.error().error == ServiceError::not_found) return tl::unexpected(found.error());
  // The backend needs the handle to free a token's object; a damaged file has none to give.
  Secret handle;
  if (found) {
    CAM_TRY(const auto bytes, store_.read(file_name_of(name)));
    if (const auto file = decode_key_file(bytes)) {
      if (auto opened = config_.sealer->open(file->sealed, additional_data(file->metadata)))
        handle = std::move(*opened);
    }
  }
  CAM_TRY_STATUS(store_.remove(file_name_of(name)));
  {
    const std::unique_lock lock(mutex_);
    keys_.erase(name);
    damaged_.erase(name);
    open_keys_.remove(name);
  }
  if (found && !handle.empty()) {
    if (auto* backend = backend_named((*found)->info.backend)) {
      CAM_TRY_STATUS(backend->destroy((*found)->info.type, handle));
    }
  }
  return {};
}

Answer<Bytes> Engine::sign_digest(const Caller& who, const KeyUse& use, crypto::SignatureScheme scheme,
                                  crypto::HashAlg hash, const crypto::Digest& digest) {
  const SigningChoice choice{scheme, hash};
  CAM_TRY(const auto record, authorise_use(who, Operation::sign_digest, use, &choice));
  if (digest.size != crypto::digest_size(hash))
    return keystore::refuse(ServiceError::usage, "the digest has another size");
  CAM_TRY(const auto key, open_key(*record));
  CAM_TRY(auto signature, key->sign_digest(scheme, hash, digest));
  return signature;
}

Answer<Bytes> Engine::sign_message(const Caller& who, const KeyUse& use, crypto::SignatureScheme scheme,
                                   crypto::HashAlg hash, BytesView message) {
  const SigningChoice choice{scheme, hash};
  CAM_TRY(const auto record, authorise_use(who, Operation::sign_message, use, &choice));
  CAM_TRY(const auto key, open_key(*record));
  CAM_TRY(auto signature, key->sign_message(scheme, hash, message));
  return signature;
}

Answer<Bytes> Engine::random(const Caller& who, std::size_t count) {
  CAM_TRY_STATUS(authorise(who, Operation::random, {}, {}));
  if (count == 0 || count > keystore::kMaxRandom)
    return keystore::refuse(ServiceError::limit, "1 to 4096 random bytes");
  Bytes out(count);
  CAM_TRY_STATUS(config_.backends.front()->random(out));
  return out;
}

Answer<Bytes> Engine::encrypt(const Caller& who, const KeyUse& use, BytesView plaintext,
                              BytesView additional) {
  CAM_TRY(const auto record, authorise_use(who, Operation::encrypt, use));
  CAM_TRY(const auto key, open_key(*record));
  CAM_TRY(auto sealed, key->encrypt(plaintext, additional));
  return sealed;
}

Answer<Secret> Engine::decrypt(const Caller& who, const KeyUse& use, BytesView sealed, BytesView additional) {
  CAM_TRY(const auto record, authorise_use(who, Operation::decrypt, use));
  CAM_TRY(const auto key, open_key(*record));
  CAM_TRY(auto plaintext, key->decrypt(sealed, additional));
  return plaintext;
}

Answer<Bytes> Engine::mac(const Caller& who, const KeyUse& use, BytesView message) {
  CAM_TRY(const auto record, authorise_use(who, Operation::mac, use));
  CAM_TRY(const auto key, open_key(*record));
  CAM_TRY(auto tag, key->mac(message));
  return tag;
}

bool Engine::is_quick(Operation operation, const KeyName* key) const {
  switch (operation) {
    case Operation::generate:
    case Operation::import_key:
    case Operation::remove:
      return false;  // they wait for the disk
    case Operation::status:
    case Operation::list:
    case Operation::info:
    case Operation::public_key:
      return true;
    case Operation::random:
      return true;
    default:
      break;
  }
  if (key == nullptr) return false;
  const auto record = find(*key);
  if (!record) return true;  // a refusal is short
  const auto* backend = backend_named((*record)->info.backend);
  return backend != nullptr && backend->is_quick((*record)->info.type);
}

}  // namespace camvault::keystore_engine
