// One connection to one TPM, with the storage primary in it. Not thread-safe: the worker's thread owns it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "camvault/base/secret.h"
#include "camvault/keystore/key_type.h"
#include "esys.h"

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

  struct Loaded {
    ESYS_TR object = ESYS_TR_NONE;
    ESYS_TR session = ESYS_TR_NONE;  // bound to the object
  };
  // The object, loaded and ready; the one used last stays until another is wanted. `id` tells blobs apart:
  // not 0, and never used for two of them.
  Result<Loaded> load(std::uint64_t id, const Blob& blob);
  void unload();                                // makes room for something else
  Result<ESYS_TR> load_once(const Blob& blob);  // the caller flushes it

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
  Result<TPMS_CAPABILITY_DATA> capability(TPM2_CAP capability, UINT32 property, UINT32 count);
  std::vector<keystore::KeyType> find_key_types();

  Bytes tcti_;  // the TCTI context: memory whose size it says itself
  ESYS_CONTEXT* esys_ = nullptr;
  ESYS_TR primary_ = ESYS_TR_NONE;
  ESYS_TR storage_session_ = ESYS_TR_NONE;  // for commands to the primary
  TpmFacts facts_;
  bool lost_ = false;
  std::uint64_t loaded_id_ = 0;
  Loaded loaded_;
};

}  // namespace camvault::keystore_tpm2
