// What makes, ends and moves keys. The file of a key is what decides: it is there before a key is reported,
// and gone before its module is asked to forget it.
#include <algorithm>

#include "camvault/keystore_engine/engine.h"

namespace camvault::keystore_engine {

using keystore::KeyInfo;
using keystore::KeyPolicy;
using keystore::MoveMode;
using keystore::Origin;
using keystore::ServiceError;

Answer<KeyInfo> Engine::generate(const Caller& who, const KeyName& name, KeyType type, KeyPolicy policy,
                                 std::string_view backend) {
  CAM_TRY_STATUS(authorise(who, Operation::generate, name.application(), name.text()));
  CAM_TRY_STATUS(complete_policy(name, type, policy));
  CAM_TRY(auto* chosen, choose_backend(name, backend));
  if (type == KeyType::counter) return add_counter(name, std::move(policy), *chosen);
  return add_key(name, type, std::move(policy), Origin::generated_inside, *chosen,
                 [&] { return chosen->generate(type); });
}

Answer<KeyInfo> Engine::import_key(const Caller& who, const KeyName& name, KeyType type, KeyPolicy policy,
                                   const Secret& key) {
  CAM_TRY_STATUS(authorise(who, Operation::import_key, name.application(), name.text()));
  CAM_TRY_STATUS(complete_policy(name, type, policy));
  if (type == KeyType::counter) return keystore::refuse(ServiceError::unsupported, "counters are not put in");
  const auto& provisioners = config_.rules.find(name.application())->provisioners;
  const bool trusted = std::find(provisioners.begin(), provisioners.end(), who.uid) != provisioners.end();
  CAM_TRY(auto* chosen, choose_backend(name, {}));
  return add_key(name, type, std::move(policy), trusted ? Origin::trust_provisioned : Origin::imported,
                 *chosen, [&] { return chosen->import_key(type, key); });
}

Answer<Backend*> Engine::choose_backend(const KeyName& name, std::string_view wanted) const {
  if (wanted.empty()) wanted = config_.rules.find(name.application())->backend;
  if (wanted.empty()) return config_.backends.front().get();
  auto* backend = backend_named(wanted);
  if (backend == nullptr)
    return keystore::refuse(ServiceError::usage, "there is no backend " + std::string(wanted));
  return backend;
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
  if (keys_.contains(name) || damaged_.contains(name) || changing_.contains(name)) {
    return keystore::refuse(ServiceError::exists, "the name is taken");
  }
  const auto count = std::count_if(keys_.begin(), keys_.end(), [&](const auto& entry) {
    return entry.first.application() == name.application();
  });
  const auto reserved = changing_.size();
  if (keys_.size() + reserved >= kMaxKeys ||
      static_cast<std::size_t>(count) + reserved >= kMaxKeysPerApplication) {
    return keystore::refuse(ServiceError::limit, "too many keys");
  }
  changing_.insert(name);
  return {};
}

Result<Bytes> Engine::sealed_file(const KeyRecord& record, const Secret& handle) {
  CAM_TRY(const auto metadata, encode_metadata(record));
  CAM_TRY(const auto sealed, config_.sealer->seal(handle, additional_data(metadata)));
  return encode_key_file(metadata, sealed);
}

Answer<Engine::RecordPtr> Engine::store_key(KeyRecord record, const Secret& handle) {
  CAM_TRY(const auto file, sealed_file(record, handle));
  const std::lock_guard lock(writing_);
  CAM_TRY_STATUS(store_.create(file_name_of(record.info.name), file));
  return std::make_shared<const KeyRecord>(std::move(record));
}

Answer<KeyInfo> Engine::add_key(const KeyName& name, KeyType type, KeyPolicy policy, Origin origin,
                                Backend& backend, const std::function<Result<NewKey>()>& make) {
  CAM_TRY_STATUS(reserve(name));
  const auto now = from_unix_seconds(to_unix_seconds(config_.clock->now()));
  KeyInfo info{name, type, std::move(policy), origin, now, std::string(backend.name())};
  auto made = [&]() -> Answer<RecordPtr> {
    CAM_TRY(auto key, make());
    auto record = store_key({.info = std::move(info), .spki = std::move(key.spki)}, key.handle);
    // A key that nobody will ever name must not stay in a token. If that fails too, the first failure counts.
    if (!record) static_cast<void>(backend.destroy(type, key.handle).has_value());
    return record;
  }();
  const std::unique_lock lock(mutex_);
  changing_.erase(name);
  if (!made) return tl::unexpected(std::move(made).error());
  keys_.emplace(name, *made);
  return (*made)->info;
}

Answer<void> Engine::begin_change(const KeyName& name) {
  const std::unique_lock lock(mutex_);
  if (!changing_.insert(name).second)
    return keystore::refuse(ServiceError::busy, "the key is being changed right now");
  return {};
}

void Engine::end_change(const KeyName& name) {
  {
    const std::unique_lock lock(mutex_);
    changing_.erase(name);
  }
  moved_.notify_all();
}

Answer<void> Engine::remove(const Caller& who, const KeyName& name) {
  CAM_TRY_STATUS(authorise(who, Operation::remove, name.application(), name.text()));
  CAM_TRY_STATUS(begin_change(name));
  auto removed = remove_file(name);
  end_change(name);
  // The file is gone: whatever the module says, nobody can name the key again. No lock is held: it may be
  // slow.
  if (removed && removed->backend != nullptr && removed->type != KeyType::counter)
    CAM_TRY_STATUS(removed->backend->destroy(removed->type, removed->handle));
  if (!removed) return tl::unexpected(std::move(removed).error());
  return {};
}

Answer<Engine::Removed> Engine::remove_file(const KeyName& name) {
  const auto found = find(name);
  if (!found && found.error().error == ServiceError::not_found) return tl::unexpected(found.error());
  Removed removed;
  // The backend needs the handle to free a token's object; a damaged file has none to give.
  if (found) {
    if (auto handle = read_handle(**found)) {
      removed = {.backend = backend_named((*found)->info.backend),
                 .type = (*found)->info.type,
                 .handle = std::move(*handle)};
    }
  }
  {
    const std::lock_guard writing(writing_);
    CAM_TRY_STATUS(store_.remove(file_name_of(name)));
  }
  const std::unique_lock lock(mutex_);
  keys_.erase(name);
  damaged_.erase(name);
  open_keys_.remove(name);
  return removed;
}

namespace {
// AN13874 2.3: what was outside the module that holds it now is not "generated inside".
Origin origin_after_move(Origin before) {
  return before == Origin::generated_inside ? Origin::imported : before;
}
}  // namespace

Answer<KeyInfo> Engine::move(const Caller& who, const KeyName& name, std::string_view backend,
                             MoveMode mode) {
  CAM_TRY_STATUS(authorise(who, Operation::move, name.application(), name.text()));
  auto* target = backend_named(backend);
  if (target == nullptr)
    return keystore::refuse(ServiceError::usage, "there is no backend " + std::string(backend));
  CAM_TRY_STATUS(begin_change(name));
  auto moved = move_to(*target, name, mode);
  end_change(name);
  return moved;
}

Answer<NewKey> Engine::key_for_move(const KeyRecord& record, const Secret& handle, Backend& target,
                                    MoveMode mode) {
  const auto type = record.info.type;
  if (mode == MoveMode::new_key) {
    if (record.info.policy.purpose == keystore::Purpose::data_encryption)
      return keystore::refuse(ServiceError::unsupported,
                              "what the key encrypted could not be opened any more");
    CAM_TRY(auto made, target.generate(type));
    return made;
  }
  CAM_TRY(const auto key, backend_named(record.info.backend)->take_out(type, handle));
  CAM_TRY(auto made, target.import_key(type, key));
  if (made.spki == record.spki) return made;
  static_cast<void>(target.destroy(type, made.handle).has_value());
  return keystore::refuse(ServiceError::internal, "the other backend made another key of it");
}

Answer<KeyInfo> Engine::move_to(Backend& target, const KeyName& name, MoveMode mode) {
  CAM_TRY(const auto old, find(name));
  if (old->info.backend == target.name()) return old->info;
  if (old->info.type == KeyType::counter)
    return keystore::refuse(ServiceError::unsupported, "a counter stays in its module");
  auto* source = backend_named(old->info.backend);  // load() took no key without its backend
  CAM_TRY(const auto old_handle, read_handle(*old));
  CAM_TRY(auto made, key_for_move(*old, old_handle, target, mode));

  KeyRecord record{.info = old->info, .spki = std::move(made.spki)};
  record.info.backend = target.name();
  if (mode == MoveMode::new_key) {
    record.info.origin = Origin::generated_inside;
    record.info.created = from_unix_seconds(to_unix_seconds(config_.clock->now()));
  } else {
    record.info.origin = origin_after_move(old->info.origin);
  }
  const auto replaced = [&]() -> Answer<void> {
    CAM_TRY(const auto file, sealed_file(record, made.handle));
    const std::lock_guard lock(writing_);
    CAM_TRY_STATUS(store_.replace(file_name_of(name), file));
    return {};
  }();
  if (!replaced) {
    static_cast<void>(target.destroy(old->info.type, made.handle).has_value());
    return tl::unexpected(replaced.error());
  }
  const auto now = std::make_shared<const KeyRecord>(std::move(record));
  {
    const std::unique_lock lock(mutex_);
    keys_.insert_or_assign(name, now);
    open_keys_.remove(name);
  }
  moved_.notify_all();
  // The name is the new key's already. A module that cannot be reached keeps an object that no name leads to.
  static_cast<void>(source->destroy(old->info.type, old_handle).has_value());
  return now->info;
}

}  // namespace camvault::keystore_engine
