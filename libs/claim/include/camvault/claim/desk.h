// The camera's side of a claim: judges codes, few of them and slowly, and writes the owner down once.
#pragma once

#include <filesystem>

#include "camvault/base/file.h"
#include "camvault/claim/claim.h"
#include "camvault/http/message.h"
#include "camvault/keystore/keystore.h"

namespace camvault::claim {

inline constexpr const char* kClaimKey = "camera/claim";  // in the keystore: key_of_code(), purpose mac
inline constexpr std::string_view kClaimFile = "claim.json";
inline constexpr std::string_view kLockFile = "claim.lock";
inline constexpr unsigned kMaxWrong = 10;  // then it is locked until a factory reset

// What a wrong code costs: 1, 2, 4, ... seconds, an hour at most.
std::chrono::seconds wait_after(unsigned wrong);

// Thread-confined; one process at a time (Errc::unavailable). Engine and keystore must outlive it.
class Desk {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;
  // `now`: what was tried before a restart is waited for again. Errc::not_found without a code, Errc::exists
  // if there is an owner.
  static Result<Desk> open(const crypto::Engine& engine, keystore::Keystore& keystore,
                           const std::filesystem::path& folder, SteadyTime now);

  // An answer to whatever came. 200: the owner is on the disk (brski/onboarding_state.h).
  http::Response answer(const http::Request& request, BytesView channel_binding, SteadyTime now);
  bool claimed() const { return claimed_; }

 private:
  Desk(const crypto::Engine& engine, keystore::Keystore& keystore, std::filesystem::path folder,
       UniqueFd lock)
      : engine_(&engine), keystore_(&keystore), folder_(std::move(folder)), lock_(std::move(lock)) {}
  Result<Bytes> proof_of(Side side, const Terms& terms);
  Status write_wrong();
  http::Response judge(const Request& request, BytesView channel_binding, SteadyTime now);

  const crypto::Engine* engine_;
  keystore::Keystore* keystore_;
  std::filesystem::path folder_;
  UniqueFd lock_;
  unsigned wrong_ = 0;
  SteadyTime open_from_{};
  bool claimed_ = false;
};

// A new code for a camera that has none yet: its key goes into the keystore, the code is for the label.
// Errc::exists.
Result<Secret> make_code(const crypto::Engine& engine, keystore::Keystore& keystore, std::string_view serial);

// Factory reset, as far as an owner goes: keys and certificates of his, and the count of wrong codes. The
// identity and the code of the factory stay.
Status forget_everything(keystore::Keystore& keystore, const std::filesystem::path& folder);

}  // namespace camvault::claim
