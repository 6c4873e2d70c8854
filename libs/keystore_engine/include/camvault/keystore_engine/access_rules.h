// Which uid may do what in which application's namespace. Deny by default; uid 0 is a uid like any other.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "camvault/base/bytes.h"
#include "camvault/keystore/key_policy.h"
#include "camvault/keystore/operation.h"

namespace camvault::keystore_engine {

// Who asks, as the kernel says (SO_PEERCRED).
struct Caller {
  std::uint32_t uid = ~0u;
  std::uint32_t gid = ~0u;
  std::int32_t pid = 0;  // for the audit only: it may name another process by the time somebody looks
};

struct ApplicationRule {
  std::string name;
  std::uint32_t uid = ~0u;                  // the application itself: uses its keys
  std::vector<std::uint32_t> users;         // further uids that a key's policy may name
  std::vector<std::uint32_t> managers;      // make and delete keys; they do not use them
  std::vector<std::uint32_t> provisioners;  // put keys in whose origin is then trust_provisioned
  bool import = false;                      // managers may import too; origin is then imported
  std::string backend;                      // for new keys; empty: the first backend
  Bytes owner = {};  // certificate, DER, that backups are encrypted to; empty: no backups
};

class AccessRules {
 public:
  static constexpr std::size_t kMaxApplications = 256;

  AccessRules() = default;  // nobody may do anything but ask for the status
  static Result<AccessRules> make(std::vector<ApplicationRule> rules);

  // Null if allowed, else the reason for the log. Operations without a key pass an empty application.
  const char* why_not(const Caller& who, keystore::Operation operation, std::string_view application) const;
  // The second half for operations that use a key: its own policy, and the purpose the caller claims.
  static const char* why_not_use(const Caller& who, const keystore::KeyPolicy& policy);

  bool is_known(std::uint32_t uid) const;  // to any application
  bool is_member(const Caller& who, std::string_view application) const;
  bool may_be_user(std::uint32_t uid, std::string_view application) const;
  const ApplicationRule* find(std::string_view application) const;

 private:
  std::map<std::string, ApplicationRule, std::less<>> rules_;
};

}  // namespace camvault::keystore_engine
