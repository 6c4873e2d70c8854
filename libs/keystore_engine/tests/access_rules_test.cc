#include "camvault/keystore_engine/access_rules.h"

#include <gtest/gtest.h>

namespace camvault::keystore_engine {
namespace {

using keystore::Operation;

constexpr Operation kAll[] = {Operation::status,     Operation::list,        Operation::info,
                              Operation::generate,   Operation::import_key,  Operation::remove,
                              Operation::public_key, Operation::sign_digest, Operation::sign_message,
                              Operation::random,     Operation::encrypt,     Operation::decrypt,
                              Operation::mac,        Operation::attest};

ApplicationRule rule(std::string name, std::uint32_t uid) {
  ApplicationRule out;
  out.name = std::move(name);
  out.uid = uid;
  return out;
}

AccessRules example() {
  auto camera = rule("camera", 100);
  camera.users = {101};
  camera.managers = {102};
  camera.provisioners = {103};
  auto open = rule("open", 200);
  open.managers = {200};
  open.import = true;
  return AccessRules::make({camera, open}).value();
}

std::string allowed(const AccessRules& rules, std::uint32_t uid, std::string_view application) {
  std::string out;
  for (const auto operation : kAll) {
    if (rules.why_not({.uid = uid, .gid = 0, .pid = 0}, operation, application) == nullptr) {
      out += std::string(to_string(operation)) + " ";
    }
  }
  return out;
}

// SP-4.2.11: what each role may do, as a table. Whoever is not in it may ask for the status.
TEST(AccessRules, AreATableOfRolesAndOperations) {
  const auto rules = example();
  const std::string use = "sign_digest sign_message random encrypt decrypt mac attest ";
  EXPECT_EQ(allowed(rules, 100, "camera"), "status list info public_key " + use);
  EXPECT_EQ(allowed(rules, 101, "camera"), "status list info public_key " + use);
  EXPECT_EQ(allowed(rules, 102, "camera"), "status list info generate remove public_key random ");
  EXPECT_EQ(allowed(rules, 103, "camera"), "status list info import public_key random ");
  EXPECT_EQ(allowed(rules, 200, "open"), "status list info generate import remove public_key " + use);
  EXPECT_EQ(allowed(rules, 200, "camera"), "status list random ");
  EXPECT_EQ(allowed(rules, 104, "camera"), "status ");
  EXPECT_EQ(allowed(rules, 100, "nobody"), "status list random ");
}

TEST(AccessRules, RootIsAUidLikeAnyOther) {
  EXPECT_EQ(allowed(example(), 0, "camera"), "status ");
  EXPECT_EQ(allowed(example(), ~0u, "camera"), "status ");
}

TEST(AccessRules, WithoutRulesNobodyMayDoAnything) {
  EXPECT_EQ(allowed({}, 0, "camera"), "status ");
}

TEST(AccessRules, TheKeysOwnPolicyNamesItsUsers) {
  keystore::KeyPolicy policy;
  policy.uids = {101};
  EXPECT_EQ(AccessRules::why_not_use({.uid = 101, .gid = 0, .pid = 0}, policy), nullptr);
  EXPECT_NE(AccessRules::why_not_use({.uid = 100, .gid = 0, .pid = 0}, policy), nullptr);
  EXPECT_NE(AccessRules::why_not_use({.uid = 0, .gid = 0, .pid = 0}, policy), nullptr);
  policy.uids = {};
  EXPECT_NE(AccessRules::why_not_use({.uid = 101, .gid = 0, .pid = 0}, policy), nullptr);
}

TEST(AccessRules, RefusesNamesTwiceBadNamesAndTheUidOfNobody) {
  const auto made = [](std::vector<ApplicationRule> rules) {
    return AccessRules::make(std::move(rules)).has_value();
  };
  EXPECT_TRUE(made({rule("a", 1)}));
  EXPECT_FALSE(made({rule("a", 1), rule("a", 2)}));
  EXPECT_FALSE(made({rule("A", 1)}));
  EXPECT_FALSE(made({rule("a", ~0u)}));
  auto bad = rule("a", 1);
  bad.managers = {~0u};
  EXPECT_FALSE(made({bad}));
  std::vector<ApplicationRule> many;
  for (std::uint32_t i = 0; i < 257; ++i) many.push_back(rule(std::to_string(i), i));
  EXPECT_FALSE(made(many));
  many.pop_back();
  EXPECT_TRUE(made(many));
}

}  // namespace
}  // namespace camvault::keystore_engine
