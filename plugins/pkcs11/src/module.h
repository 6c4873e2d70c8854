// The token as one process has it between C_Initialize and C_Finalize: sessions, objects, what is being
// signed. No key and no login: keystored decides by the uid of the process, at each signature.
#pragma once

#include <functional>
#include <mutex>
#include <unordered_map>

#include "camvault/keystore/keystore.h"
#include "mechanisms.h"
#include "objects.h"

namespace camvault::pkcs11_module {

inline constexpr CK_SLOT_ID kSlot = 0;  // the only one
inline constexpr std::size_t kMaxSessions = 1024;

// All functions return PKCS#11's codes; any number of threads may call them. No lock is held while keystored
// works.
class Module {
 public:
  using Connect = std::function<Result<std::shared_ptr<keystore::Keystore>>()>;
  // `connect` is called when keystored is first needed, and again while it is not there.
  Module(Connect connect, std::filesystem::path root)
      : connect_(std::move(connect)), objects_(std::move(root)) {}

  bool is_token_there();  // somebody answers

  CK_RV open_session(CK_FLAGS flags, CK_SESSION_HANDLE* handle);
  CK_RV close_session(CK_SESSION_HANDLE handle);
  void close_all_sessions();
  CK_RV has_session(CK_SESSION_HANDLE handle);
  CK_RV session_info(CK_SESSION_HANDLE handle, CK_SESSION_INFO& info);

  CK_RV start_search(CK_SESSION_HANDLE handle, const std::vector<Asked>& wanted);
  // At most `room` handles; none: the search is over.
  CK_RV search(CK_SESSION_HANDLE handle, CK_ULONG room, std::vector<CK_OBJECT_HANDLE>& found);
  CK_RV end_search(CK_SESSION_HANDLE handle);
  CK_RV object(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object, std::shared_ptr<const Object>& found);

  CK_RV start_signature(CK_SESSION_HANDLE handle, const CK_MECHANISM& mechanism, CK_OBJECT_HANDLE key);
  CK_RV add_to_message(CK_SESSION_HANDLE handle, BytesView part);
  // C_Sign (`data`) and C_SignFinal (none). PKCS#11 5.2: with `signature` null the size is told and the
  // operation goes on; with too little room too (CKR_BUFFER_TOO_SMALL); otherwise it ends.
  CK_RV finish_signature(CK_SESSION_HANDLE handle, const BytesView* data, std::uint8_t* signature,
                         CK_ULONG& size);

  CK_RV random(CK_SESSION_HANDLE handle, std::uint8_t* out, CK_ULONG size);

 private:
  struct Signing {
    keystore::KeyInfo key;
    SignPlan plan;
    Bytes message;
    bool in_parts = false;
  };
  struct Session {
    CK_FLAGS flags = 0;
    std::optional<std::vector<CK_OBJECT_HANDLE>> search;  // what is not given out yet, last first
    std::optional<Signing> signing;
  };

  Result<std::shared_ptr<keystore::Keystore>> keystore();
  CK_RV refresh_objects();
  static CK_RV sign(keystore::Keystore& keystore, const Signing& signing, BytesView data, Bytes& signature);

  const Connect connect_;
  std::mutex mutex_;  // for everything below; never held while keystored is asked
  std::shared_ptr<keystore::Keystore> keystore_;
  std::unordered_map<CK_SESSION_HANDLE, Session> sessions_;
  CK_SESSION_HANDLE next_session_ = 1;
  std::mutex objects_mutex_;  // taken before mutex_, and held while the table is read anew
  ObjectTable objects_;
};

// What the application hears for an error of keystored's.
CK_RV code_of(const Error& error);

}  // namespace camvault::pkcs11_module
