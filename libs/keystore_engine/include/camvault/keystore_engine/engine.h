// keystored without its socket: every operation takes the caller, decides, writes the audit line, and only
// then acts.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <shared_mutex>
#include <string>
#include <vector>

#include "camvault/base/time.h"
#include "camvault/keystore/keystore.h"
#include "camvault/keystore/operation.h"
#include "camvault/keystore_engine/access_rules.h"
#include "camvault/keystore_engine/backend.h"
#include "camvault/keystore_engine/file_store.h"
#include "camvault/keystore_engine/key_cache.h"
#include "camvault/keystore_engine/key_file.h"
#include "camvault/keystore_engine/tries.h"

namespace camvault::keystore_engine {

using keystore::Answer;
using keystore::KeyName;
using keystore::KeyUse;
using keystore::Operation;

struct Decision {
  Caller who;
  Operation operation;
  std::string_view key;  // or the application, or empty; a view: valid during the call
  bool allowed = false;
  std::string_view why;  // if not
};

// Called for each decision before it takes effect; on any thread.
using AuditSink = std::function<void(const Decision&)>;

struct EngineConfig {
  std::filesystem::path key_folder;
  AccessRules rules;
  // The first one takes new keys unless a rule or the caller names another, and gives random numbers.
  std::vector<std::shared_ptr<Backend>> backends;
  std::shared_ptr<Sealer> sealer;
  std::shared_ptr<const Clock> clock;
  AuditSink audit;
  StepHook step;  // tests only
  // SHA-256, for what the engine states about keys; without it there are no statements.
  std::function<crypto::Digest(BytesView)> sha256 = {};
  // CMS for the owner of an application (docs/formats/keystore-backup.md); without it there are no backups.
  std::function<Result<Bytes>(BytesView owner_certificate, const Secret& plain)> encrypt_to_owner = {};
};

// Thread-safe. Operations that write (generate, import, remove) follow one another; others run side by side.
class Engine {
 public:
  static constexpr std::size_t kMaxKeys = 4096;
  static constexpr std::size_t kMaxKeysPerApplication = 1024;
  static constexpr std::size_t kMaxOpenKeys = 256;

  // Reads and authenticates all key files. A damaged one is set aside and named; the others work.
  static Result<std::unique_ptr<Engine>> open(EngineConfig config);

  struct Counts {
    std::uint64_t keys = 0;
    std::vector<std::string> damaged;  // of the caller's applications
  };
  Answer<Counts> counts(const Caller& who);
  std::vector<keystore::BackendStatus> backends() const;
  std::string root_key() const { return config_.sealer->describe(); }

  // Keys of the caller's applications after the given name, ascending; at most `limit`.
  Answer<std::vector<keystore::KeyInfo>> list(const Caller& who, const std::string& after, std::size_t limit);
  Answer<keystore::KeyInfo> info(const Caller& who, const KeyName& name);
  Answer<keystore::KeyInfo> generate(const Caller& who, const KeyName& name, KeyType type,
                                     keystore::KeyPolicy policy, std::string_view backend = {});
  Answer<keystore::KeyInfo> import_key(const Caller& who, const KeyName& name, KeyType type,
                                       keystore::KeyPolicy policy, const Secret& key);
  Answer<void> remove(const Caller& who, const KeyName& name);
  // Keystore::move says what moves and what does not.
  Answer<keystore::KeyInfo> move(const Caller& who, const KeyName& name, std::string_view backend,
                                 keystore::MoveMode mode);
  Answer<Bytes> public_key(const Caller& who, const KeyName& name);
  Answer<Bytes> sign_digest(const Caller& who, const KeyUse& use, crypto::SignatureScheme scheme,
                            crypto::HashAlg hash, const crypto::Digest& digest);
  Answer<Bytes> sign_message(const Caller& who, const KeyUse& use, crypto::SignatureScheme scheme,
                             crypto::HashAlg hash, BytesView message);
  Answer<Bytes> random(const Caller& who, std::size_t count);
  Answer<Bytes> encrypt(const Caller& who, const KeyUse& use, BytesView plaintext, BytesView additional);
  Answer<Secret> decrypt(const Caller& who, const KeyUse& use, BytesView sealed, BytesView additional);
  Answer<Bytes> mac(const Caller& who, const KeyUse& use, BytesView message);
  // What the engine itself states about a key: attestation::KeystoredEvidence. Both keys must be the caller's
  // to use, of one application.
  Answer<Bytes> attest(const Caller& who, const KeyName& key, const KeyName& attester, BytesView nonce);

  // What the key's module says itself: attestation::ModuleEvidence.
  Answer<Bytes> certify(const Caller& who, const KeyName& key, BytesView nonce);
  Answer<Bytes> attester(const Caller& who, const KeyName& key);
  Answer<Secret> activate(const Caller& who, const KeyName& key, BytesView credential);

  Answer<Secret> agree(const Caller& who, const KeyUse& use, BytesView peer_spki);
  // Slowed down after wrong tries (Tries): ServiceError::busy, whatever the candidate.
  Answer<bool> compare(const Caller& who, const KeyUse& use, BytesView candidate);
  Answer<Secret> derive(const Caller& who, const KeyUse& use, const keystore::Derivation& derivation);

  // Secrets of handshakes are no keys of ours (keystore_tls): the engine says only who may have some, and
  // gives the one that is stored. ServiceError::unsupported if it is in a module that gives nothing away.
  Answer<void> permit_tls_share(const Caller& who);
  Answer<Secret> tls_psk(const Caller& who, const KeyUse& use);

  Answer<std::uint64_t> read_counter(const Caller& who, const KeyName& name);
  Answer<std::uint64_t> increment_counter(const Caller& who, const KeyName& name);

  // Data for the platform's state and a label of the caller's application; nothing is stored.
  Answer<Bytes> seal(const Caller& who, const KeyName& label, BytesView plain, std::string_view backend);
  Answer<Secret> unseal(const Caller& who, const KeyName& label, BytesView sealed);

  Answer<Bytes> backup(const Caller& who, const KeyName& name);
  Answer<keystore::KeyInfo> restore(const Caller& who, const KeyName& name, KeyType type,
                                    keystore::KeyPolicy policy, const Secret& key);

  bool knows(std::uint32_t uid) const {
    return config_.rules.is_known(uid);
  }  // some application's rule names it

  // True if the operation is certain to be short, so that a single thread may do it between others. A hint.
  bool is_quick(Operation operation, const KeyName* key) const;
  // Which backend, as an index into EngineConfig::backends, the operation keeps busy: each has a queue of its
  // own, so that a module that hangs holds up its own keys only. `backend`: the one that the request names,
  // if any.
  std::size_t lane_of(Operation operation, const KeyName* key, std::string_view backend) const;

 private:
  using RecordPtr = std::shared_ptr<const KeyRecord>;
  struct SigningChoice {
    crypto::SignatureScheme scheme;
    crypto::HashAlg hash;
  };

  explicit Engine(EngineConfig config, FileStore store);
  Result<Secret> load(const std::string& file_name);  // the key's handle

  // Decisions; each writes its audit line.
  Answer<void> authorise(const Caller& who, Operation operation, std::string_view application,
                         std::string_view key);
  Answer<RecordPtr> authorise_key(const Caller& who, Operation operation, const KeyName& name);
  Answer<RecordPtr> find_attester(const Caller& who, const KeyName& key, const KeyName& attester) const;
  Answer<RecordPtr> authorise_use(const Caller& who, Operation operation, const KeyUse& use,
                                  const SigningChoice* choice = nullptr);
  tl::unexpected<keystore::Refusal> refuse(const Caller& who, Operation operation, std::string_view key,
                                           keystore::ServiceError error, std::string_view why);
  void permit(const Caller& who, Operation operation, std::string_view key);

  Answer<RecordPtr> find(const KeyName& name) const;
  Answer<void> complete_policy(const KeyName& name, KeyType type, keystore::KeyPolicy& policy) const;
  // Makes the key (by `make`), seals it, writes its file and only then lets it be seen.
  Answer<keystore::KeyInfo> add_key(const KeyName& name, KeyType type, keystore::KeyPolicy policy,
                                    keystore::Origin origin, Backend& backend,
                                    const std::function<Result<NewKey>()>& make);
  Answer<RecordPtr> store_key(KeyRecord record, const Secret& handle);
  Result<Bytes> sealed_file(const KeyRecord& record, const Secret& handle);
  Answer<void> reserve(const KeyName& name);
  // One change of a name at a time; ends with end_change, or in add_key.
  Answer<void> begin_change(const KeyName& name);
  void end_change(const KeyName& name);
  struct Removed {
    Backend* backend = nullptr;  // null: nothing to destroy there
    KeyType type{};
    Secret handle;
  };
  Answer<Removed> remove_file(const KeyName& name);
  Answer<keystore::KeyInfo> move_to(Backend& target, const KeyName& name, keystore::MoveMode mode);
  Answer<NewKey> key_for_move(const KeyRecord& record, const Secret& handle, Backend& target,
                              keystore::MoveMode mode);
  Answer<Backend*> choose_backend(const KeyName& name, std::string_view wanted) const;
  Result<Secret> read_handle(const KeyRecord& record) const;
  Result<std::shared_ptr<const BackendKey>> open_key(const RecordPtr& record);
  // The key of a name, if the caller may use it and its purpose allows the operation.
  Answer<RecordPtr> authorise_named_use(const Caller& who, Operation operation, const KeyName& name);
  // Counters: a number in a module, or (software backend) the value itself in the key's file.
  Answer<keystore::KeyInfo> add_counter(const KeyName& name, keystore::KeyPolicy policy, Backend& backend);
  Answer<std::uint32_t> free_counter(const Backend& backend) const;
  Answer<std::uint64_t> stored_counter(const RecordPtr& record, bool increment);
  Answer<std::uint64_t> use_counter(const RecordPtr& record, bool increment);
  RecordPtr record_after_move(const RecordPtr& record);
  Backend* backend_named(std::string_view name) const;

  EngineConfig config_;
  KeyCache open_keys_{kMaxOpenKeys};

  mutable std::shared_mutex mutex_;  // guards the three tables below
  std::map<KeyName, RecordPtr> keys_;
  std::map<KeyName, std::string> damaged_;  // name -> what is wrong
  std::set<KeyName> changing_;              // being made, removed or moved right now
  std::condition_variable_any moved_;       // a key stands under its name in another backend

  std::mutex counters_;  // one choice of a number, or change of a stored value, at a time; before writing_
  Tries tries_;
  std::mutex writing_;  // guards store_'s create and remove
  FileStore store_;
};

}  // namespace camvault::keystore_engine
