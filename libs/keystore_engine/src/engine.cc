#include "camvault/keystore_engine/engine.h"

namespace camvault::keystore_engine {

using keystore::KeyInfo;
using keystore::ServiceError;

Engine::Engine(EngineConfig config, FileStore store) : config_(std::move(config)), store_(std::move(store)) {}

Result<std::unique_ptr<Engine>> Engine::open(EngineConfig config) {
  if (config.backends.empty() || !config.sealer || !config.clock)
    return fail(Errc::usage, "the engine lacks a part");
  std::set<std::string_view> names;
  for (const auto& backend : config.backends) {
    if (!keystore::is_backend_name(backend->name()) || !names.insert(backend->name()).second)
      return fail(Errc::usage, "two backends of one name, or a name that is none");
  }
  CAM_TRY(auto store, FileStore::open(config.key_folder, config.step));
  std::unique_ptr<Engine> engine(new Engine(std::move(config), std::move(store)));
  CAM_TRY(const auto files, engine->store_.names());
  std::map<Backend*, std::vector<Secret>> handles;
  for (const auto& file : files) {
    const auto name = key_name_of(file);
    if (!name) continue;  // nobody can ask for it
    auto loaded = engine->load(file);
    if (loaded && engine->keys_.at(*name)->info.type == KeyType::counter)
      continue;  // no handle of the module's
    if (loaded) {
      handles[engine->backend_named(engine->keys_.at(*name)->info.backend)].push_back(std::move(*loaded));
    } else {
      engine->damaged_.emplace(*name, loaded.error().what);
    }
  }
  // A damaged file may be mended: what it holds stays.
  if (engine->damaged_.empty()) {
    for (const auto& backend : engine->config_.backends) backend->settle(std::move(handles[backend.get()]));
  }
  return engine;
}

Result<Secret> Engine::load(const std::string& file_name) {
  CAM_TRY(const auto bytes, store_.read(file_name));
  CAM_TRY(auto file, decode_key_file(bytes));
  if (file_name_of(file.record.info.name) != file_name)
    return fail(Errc::invalid, "the file belongs to another key");
  // Authenticated now, so that damage shows at start and not when the key is needed.
  CAM_TRY(auto handle, config_.sealer->open(file.sealed, additional_data(file.metadata)));
  if (backend_named(file.record.info.backend) == nullptr) {
    return fail(Errc::unsupported,
                "the key belongs to backend " + file.record.info.backend + ", which is not here");
  }
  auto name = file.record.info.name;
  keys_.emplace(std::move(name), std::make_shared<const KeyRecord>(std::move(file.record)));
  return handle;
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

Result<Secret> Engine::read_handle(const KeyRecord& record) const {
  CAM_TRY(const auto bytes, store_.read(file_name_of(record.info.name)));
  CAM_TRY(const auto file, decode_key_file(bytes));
  // The file may have been exchanged since it was loaded: only the key that was loaded is used.
  CAM_TRY(const auto expected, encode_metadata(record));
  if (file.metadata != expected) return fail(Errc::invalid, "the key's file has changed");
  return config_.sealer->open(file.sealed, additional_data(file.metadata));
}

// Between the decision and now the name may be moving to another backend: its file is the new one already,
// and the table is about to be. What was decided still holds if the policy is the same. Null if nothing
// moves.
Engine::RecordPtr Engine::record_after_move(const RecordPtr& record) {
  constexpr std::chrono::seconds kTableFollowsFile{2};
  std::unique_lock lock(mutex_);
  RecordPtr now;
  moved_.wait_for(lock, kTableFollowsFile, [&] {
    const auto found = keys_.find(record->info.name);
    now = found == keys_.end() ? nullptr : found->second;
    return now != record || !changing_.contains(record->info.name);
  });
  return now != nullptr && now != record && now->info.policy == record->info.policy ? now : nullptr;
}

Result<std::shared_ptr<const BackendKey>> Engine::open_key(const RecordPtr& record) {
  const auto& name = record->info.name;
  if (auto open = open_keys_.find(name)) return open;
  auto handle = read_handle(*record);
  if (!handle) {
    const auto moved = record_after_move(record);
    return moved ? open_key(moved) : tl::unexpected(std::move(handle).error());
  }
  auto* backend = backend_named(record->info.backend);
  if (backend == nullptr) return fail(Errc::unsupported, "the key's backend is not here");
  CAM_TRY(auto key, backend->open(record->info.type, *handle));
  {
    // A key that was deleted or moved meanwhile must not stay in memory.
    const std::shared_lock lock(mutex_);
    if (const auto still = keys_.find(name); still != keys_.end() && still->second == record)
      open_keys_.insert(name, key);
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
    auto health = backend->health();
    out.push_back({.name = std::string(backend->name()),
                   .kind = std::string(backend->kind()),
                   .simulator = can.simulator,
                   .key_types = std::move(can.key_types),
                   .protection = std::move(can.protection),
                   .usable = health.usable,
                   .health = std::move(health.detail),
                   .module = std::move(health.module),
                   .certification = std::move(can.certification),
                   .free_slots = health.free_slots});
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

Answer<Bytes> Engine::sign_digest(const Caller& who, const KeyUse& use, crypto::SignatureScheme scheme,
                                  crypto::HashAlg hash, const crypto::Digest& digest) {
  const SigningChoice choice{scheme, hash};
  CAM_TRY(const auto record, authorise_use(who, Operation::sign_digest, use, &choice));
  if (digest.size != crypto::digest_size(hash))
    return keystore::refuse(ServiceError::usage, "the digest has another size");
  CAM_TRY(const auto key, open_key(record));
  CAM_TRY(auto signature, key->sign_digest(scheme, hash, digest));
  return signature;
}

Answer<Bytes> Engine::sign_message(const Caller& who, const KeyUse& use, crypto::SignatureScheme scheme,
                                   crypto::HashAlg hash, BytesView message) {
  const SigningChoice choice{scheme, hash};
  CAM_TRY(const auto record, authorise_use(who, Operation::sign_message, use, &choice));
  CAM_TRY(const auto key, open_key(record));
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
  CAM_TRY(const auto key, open_key(record));
  CAM_TRY(auto sealed, key->encrypt(plaintext, additional));
  return sealed;
}

Answer<Secret> Engine::decrypt(const Caller& who, const KeyUse& use, BytesView sealed, BytesView additional) {
  CAM_TRY(const auto record, authorise_use(who, Operation::decrypt, use));
  CAM_TRY(const auto key, open_key(record));
  CAM_TRY(auto plaintext, key->decrypt(sealed, additional));
  return plaintext;
}

Answer<Bytes> Engine::mac(const Caller& who, const KeyUse& use, BytesView message) {
  CAM_TRY(const auto record, authorise_use(who, Operation::mac, use));
  CAM_TRY(const auto key, open_key(record));
  CAM_TRY(auto tag, key->mac(message));
  return tag;
}

bool Engine::is_quick(Operation operation, const KeyName* key) const {
  switch (operation) {
    case Operation::generate:
    case Operation::import_key:
    case Operation::remove:
    case Operation::move:
    case Operation::restore:
    case Operation::backup:
    case Operation::read_counter:
    case Operation::increment_counter:
    case Operation::derive:  // thousands of rounds
    case Operation::tls_psk:
    case Operation::seal:  // their label is no key
    case Operation::unseal:
      return false;  // they wait for the disk, or take long
    case Operation::status:
    case Operation::list:
    case Operation::info:
    case Operation::public_key:
    case Operation::tls_share:
    case Operation::tls_agree:
    case Operation::tls_derive:
      return true;
    case Operation::random:
      // As quick as the shortest use of a key there: a call into this process, or one into a module.
      return config_.backends.front()->is_quick(KeyType::hmac_sha256);
    default:
      break;
  }
  if (key == nullptr) return false;
  const auto record = find(*key);
  if (!record) return true;  // a refusal is short
  const auto* backend = backend_named((*record)->info.backend);
  return backend != nullptr && backend->is_quick((*record)->info.type);
}

std::size_t Engine::lane_of(Operation operation, const KeyName* key, std::string_view backend) const {
  std::string name(backend);
  if (name.empty() && key != nullptr) {
    if (operation == Operation::generate || operation == Operation::import_key ||
        operation == Operation::restore || operation == Operation::seal) {
      if (const auto* rule = config_.rules.find(key->application())) name = rule->backend;
    } else if (const auto record = find(*key)) {
      name = (*record)->info.backend;
    }
  }
  for (std::size_t lane = 0; lane < config_.backends.size(); ++lane) {
    if (config_.backends[lane]->name() == name) return lane;
  }
  return 0;
}

}  // namespace camvault::keystore_engine
