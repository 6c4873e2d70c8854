// One connection to one TPM, with the storage primary in it. Not thread-safe: the worker sees to that.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "camvault/base/secret.h"
#include "camvault/keystore/key_type.h"
#include "esys.h"
#include "session.h"

namespace camvault::keystore_tpm2 {

// Where a TPM is: checked here, opened below.
struct TctiName {
  enum class Kind { device, swtpm } kind = Kind::device;
  std::string configuration;  // for the TCTI: a device's path, or "path=SOCKET"
  std::string path;           // device or socket
};
Result<TctiName> parse_tcti(const std::string& text);

struct TpmFacts {
  std::string description;  // maker, vendor string, firmware
  bool soft = false;        // known to be a program
  bool in_lockout = false;
  std::uint32_t lockout_seconds = 0;  // how long one wrong try is remembered
  std::vector<keystore::KeyType> key_types;
};

// A key or sealed object as it is kept outside: two blobs, and the value that authorises its use.
struct Blob {
  TPM2B_PUBLIC public_area{};
  TPM2B_PRIVATE private_area{};
  Secret authorisation;
};

class Tpm {
 public:
  static Result<std::unique_ptr<Tpm>> open(const TctiName& where);
  ~Tpm();
  Tpm(const Tpm&) = delete;
  Tpm& operator=(const Tpm&) = delete;

  ESYS_CONTEXT* esys() const { return esys_; }
  ESYS_TR primary() const { return primary_; }
  const TpmFacts& facts() const { return facts_; }
  Status refresh_lockout();

  // After an error that makes everything in here void the connection is to be thrown away.
  bool is_lost() const { return lost_; }
  Status run(const char* command, TSS2_RC rc) {
    lost_ = lost_ || means_gone(rc);
    return check(command, rc);
  }

  // A session salted by the primary; bound to `bind` unless that is ESYS_TR_NONE. `attributes`:
  // TPMA_SESSION_*.
  Result<ESYS_TR> start_session(TPM2_SE type, ESYS_TR bind, TPMA_SESSION attributes);
  Status set_attributes(ESYS_TR session, TPMA_SESSION attributes);
  void flush(ESYS_TR object);

  // A session bound to the object, which is loaded and ready; it is valid until the next call here. The two
  // that were used last stay loaded, with their sessions. `id` tells blobs apart: never used for two of them.
  Result<KeySession*> load(std::uint64_t id, const Blob& blob);
  // Makes room for one more object: of those that are loaded, only the one used last stays.
  void make_room();
  void make_all_room();  // none stays
  Result<ESYS_TR> load_once(const Blob& blob);  // the caller flushes it
  // For commands with a KeySession: prepared and completed in there.
  TSS2_SYS_CONTEXT* system() const { return system_; }

  // A key that the hierarchy's seed and the template give, the same one each time. The caller flushes it.
  struct Primary {
    ESYS_TR object = ESYS_TR_NONE;
    TPM2B_PUBLIC public_area{};
  };
  Result<Primary> create_primary(ESYS_TR hierarchy, const TPM2B_PUBLIC& public_template);

  Result<Blob> create(const TPM2B_PUBLIC& public_template, BytesView authorisation, BytesView data);
  Result<TPM2B_PRIVATE> import(const TPM2B_PUBLIC& public_area, const TPM2B_DATA& encryption_key,
                               const TPM2B_PRIVATE& duplicate);
  Status random(std::span<std::uint8_t> out);

 private:
  Tpm() = default;
  Status connect(const TctiName& where);
  Status learn(const TctiName& where);
  Status clear_leftovers();
  Status make_primary();
  Result<KeySession> start_bound(Entity to, const Secret& authorisation);
  Result<Entity> load_under_primary(const Blob& blob);
  void unload(const KeySession& session);
  Result<TPMS_CAPABILITY_DATA> capability(TPM2_CAP capability, UINT32 property, UINT32 count);
  std::vector<keystore::KeyType> find_key_types();

  Bytes tcti_;  // the TCTI context: memory whose size it says itself
  ESYS_CONTEXT* esys_ = nullptr;
  ESYS_TR primary_ = ESYS_TR_NONE;
  TSS2_SYS_CONTEXT* system_ = nullptr;  // of esys_
  Entity primary_entity_;
  TPM2B_PUBLIC primary_public_{};
  // Bound to the primary. With those of two keys, or of one and a policy, these are the three that every TPM
  // holds.
  std::optional<KeySession> storage_;
  TpmFacts facts_;
  bool lost_ = false;
  struct Loaded {
    std::uint64_t id;
    KeySession session;
  };
  std::vector<Loaded> loaded_;  // the one used last at the end
};

}  // namespace camvault::keystore_tpm2
