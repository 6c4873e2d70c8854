#include "camvault/keystore_engine/access_rules.h"

#include <algorithm>

#include "camvault/keystore/key_name.h"

namespace camvault::keystore_engine {

using keystore::Operation;

namespace {
bool has(const std::vector<std::uint32_t>& uids, std::uint32_t uid) {
  return std::find(uids.begin(), uids.end(), uid) != uids.end();
}
bool uses(const ApplicationRule& rule, std::uint32_t uid) {
  return rule.uid == uid || has(rule.users, uid);
}
bool belongs(const ApplicationRule& rule, std::uint32_t uid) {
  return uses(rule, uid) || has(rule.managers, uid) || has(rule.provisioners, uid);
}
}  // namespace

Result<AccessRules> AccessRules::make(std::vector<ApplicationRule> rules) {
  if (rules.size() > kMaxApplications) return fail(Errc::limit, "more than 256 applications");
  AccessRules out;
  for (auto& rule : rules) {
    if (!keystore::is_name_part(rule.name))
      return fail(Errc::usage, "an application's name is 1 to 63 of a-z 0-9 . _ -");
    // (uid_t)-1 is what the kernel reports for "no such user here" (user_namespaces(7)): it must never match.
    for (const auto* uids : {&rule.users, &rule.managers, &rule.provisioners}) {
      if (has(*uids, ~0u)) return fail(Errc::usage, "application " + rule.name + " names uid 4294967295");
    }
    if (rule.uid == ~0u) return fail(Errc::usage, "application " + rule.name + " has no uid");
    auto name = rule.name;
    if (!out.rules_.emplace(std::move(name), std::move(rule)).second) {
      return fail(Errc::usage, "an application is named twice");
    }
  }
  return out;
}

const ApplicationRule* AccessRules::find(std::string_view application) const {
  const auto found = rules_.find(application);
  return found == rules_.end() ? nullptr : &found->second;
}

bool AccessRules::is_known(std::uint32_t uid) const {
  return std::any_of(rules_.begin(), rules_.end(),
                     [&](const auto& rule) { return belongs(rule.second, uid); });
}

bool AccessRules::is_member(const Caller& who, std::string_view application) const {
  const auto* rule = find(application);
  return rule != nullptr && belongs(*rule, who.uid);
}

bool AccessRules::may_be_user(std::uint32_t uid, std::string_view application) const {
  const auto* rule = find(application);
  return rule != nullptr && uses(*rule, uid);
}

const char* AccessRules::why_not(const Caller& who, Operation operation, std::string_view application) const {
  if (operation == Operation::status) return nullptr;  // tells nothing about keys of others
  // These name no key: what comes of them is the caller's own.
  if (operation == Operation::random || operation == Operation::list || operation == Operation::tls_share) {
    return is_known(who.uid) ? nullptr : "the uid belongs to no application";
  }
  const auto* rule = find(application);
  if (rule == nullptr) return "no such application";
  if (!belongs(*rule, who.uid)) return "the uid does not belong to the application";
  switch (operation) {
    case Operation::status:
    case Operation::random:
    case Operation::list:
    case Operation::tls_share:
    case Operation::tls_agree:  // what these two work on is what the caller got before
    case Operation::tls_derive:
    case Operation::info:
    case Operation::public_key:
    case Operation::attester:
    case Operation::activate:  // opens what somebody made for the module's attestation key, and nothing else
      return nullptr;
    case Operation::generate:
    case Operation::remove:
    case Operation::move:
    case Operation::backup:
      return has(rule->managers, who.uid) ? nullptr : "the uid does not manage the application's keys";
    case Operation::import_key:
    case Operation::restore:
      if (has(rule->provisioners, who.uid)) return nullptr;
      if (!rule->import) return "imports are not allowed for the application";
      return has(rule->managers, who.uid) ? nullptr : "the uid does not manage the application's keys";
    case Operation::sign_digest:
    case Operation::sign_message:
    case Operation::encrypt:
    case Operation::decrypt:
    case Operation::mac:
    case Operation::attest:
    case Operation::certify:
    case Operation::agree:
    case Operation::compare:
    case Operation::derive:
    case Operation::tls_psk:
    case Operation::read_counter:
    case Operation::increment_counter:
    case Operation::seal:
    case Operation::unseal:
      return uses(*rule, who.uid) ? nullptr : "the uid does not use the application's keys";
  }
  return "unknown operation";
}

const char* AccessRules::why_not_use(const Caller& who, const keystore::KeyPolicy& policy) {
  return has(policy.uids, who.uid) ? nullptr : "the key's policy does not name the uid";
}

}  // namespace camvault::keystore_engine
