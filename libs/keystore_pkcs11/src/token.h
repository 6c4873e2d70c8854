// One token behind one library: found by its URI, logged in, with sessions that are kept for the next call,
// and opened again whenever it turns out to be gone.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "camvault/base/secret.h"
#include "camvault/keystore_engine/backend.h"
#include "camvault/keystore_pkcs11/pkcs11_backend.h"
#include "cryptoki.h"
#include "token_uri.h"

namespace camvault::keystore_pkcs11 {

// What an opened token can do and says of itself.
struct TokenFacts {
  std::vector<keystore::KeyType> key_types;
  std::string description;  // maker, model, label, serial number, firmware
  bool soft = false;        // a token that is known to be a program
  bool hardware_slot = false;
};

class Token;

// A session while somebody uses it. One thread at a time.
class Session {
 public:
  CK_SESSION_HANDLE handle() const { return handle_; }
  const CK_FUNCTION_LIST& library() const { return *library_; }
  std::uint64_t generation() const { return generation_; }  // object handles of another one are void

  // Ok for CKR_OK. After any other the session is closed at the end: a failed operation may still be active
  // in it.
  Status check(const char* function, CK_RV rv);
  void spoil() { failed_ = true; }  // closes it at the end, without saying that the token is gone

 private:
  friend class Token;
  Session(const CK_FUNCTION_LIST& library, CK_SESSION_HANDLE handle, std::uint64_t generation)
      : library_(&library), handle_(handle), generation_(generation) {}

  const CK_FUNCTION_LIST* library_;
  CK_SESSION_HANDLE handle_;
  std::uint64_t generation_;
  bool failed_ = false;
  bool gone_ = false;
};

// Thread-safe.
class Token {
 public:
  static Result<std::shared_ptr<Token>> load(const Pkcs11Options& options);
  ~Token();
  Token(const Token&) = delete;
  Token& operator=(const Token&) = delete;

  void initialize();  // C_Initialize; at the first use if not before

  // `repeatable`: may run twice, when the first time ended because the token was gone.
  enum class Repeat { safe, unsafe };
  template <class T>
  Result<T> use(Repeat repeat, const std::function<Result<T>(Session&)>& work) {
    for (bool repeated = false, restarted = false;;) {
      bool ran = false;
      bool gone = false;
      auto result = [&]() -> Result<T> {
        const auto turn = take_turn();
        CAM_TRY(auto session, lease(repeat));
        ran = true;
        auto done = work(session);
        gone = give_back(session);
        return done;
      }();
      if (result) return result;
      if (ran) {
        if (!gone || repeated || repeat == Repeat::unsafe) return result;
        repeated = true;
      } else {
        if (restarted || !restart()) return result;
        restarted = true;
      }
    }
  }

  void probe();  // looks whether the token is there and notes what it finds; opens it if it came back

  TokenFacts facts() const;                // as seen last
  keystore_engine::Health health() const;  // as seen last

 private:
  Token(const Pkcs11Options& options, TokenUri uri, void* library, CK_FUNCTION_LIST* functions);

  // Held while one of our threads is inside of the library.
  struct Turn {
    std::shared_lock<std::shared_mutex> beside_others;
    std::unique_lock<std::shared_mutex> alone;
  };
  Turn take_turn();

  Result<Session> lease(Repeat repeat);
  bool give_back(Session& session);  // true if the token was gone
  Status open();                     // with mutex_ held
  Result<CK_SLOT_ID> find_slot();
  Status log_in(CK_SESSION_HANDLE session);
  Result<Secret> read_pin();
  Result<TokenFacts> learn(CK_SLOT_ID slot);
  Result<CK_SESSION_HANDLE> open_session();
  void forget();   // with mutex_ held
  bool restart();  // the whole library; not more than once a second
  void note(const Status& opened);

  const Pkcs11Options options_;
  const TokenUri uri_;
  const bool one_at_a_time_;
  void* const library_;
  CK_FUNCTION_LIST* const functions_;

  std::shared_mutex library_in_use_;  // shared by calls into the library, alone for C_Finalize
  mutable std::mutex mutex_;          // guards what follows, up to the next one
  bool initialized_ = false;
  bool opened_ = false;
  CK_SLOT_ID slot_ = 0;
  std::uint64_t generation_ = 0;
  std::vector<CK_SESSION_HANDLE> idle_;
  std::chrono::steady_clock::time_point last_restart_{};
  std::string refused_pin_;  // identity of the file (not its content) whose PIN the token refused

  // Apart, since a library may hang while the other one is held, and these two are asked by those who must
  // not wait.
  mutable std::mutex seen_mutex_;
  TokenFacts facts_;
  keystore_engine::Health health_{.usable = false, .detail = "not looked for yet"};
};

}  // namespace camvault::keystore_pkcs11
