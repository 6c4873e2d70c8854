// Policies of objects in the element (AN12413, 3.7): who may do what. Set when the object is made, for good.
#pragma once

#include <optional>
#include <vector>

#include "camvault/base/bytes.h"
#include "camvault/keystore_se05x/codes.h"

namespace camvault::keystore_se05x {

inline constexpr std::size_t kMaxPolicyRules = 8;
inline constexpr std::size_t kPcrValue = 32;

struct PcrCondition {
  ObjectId pcr = 0;
  std::array<std::uint8_t, kPcrValue> value{};
  friend bool operator==(const PcrCondition&, const PcrCondition&) = default;
};

struct PolicyRule {
  ObjectId who = 0;  // the authentication object of the session; 0: everybody
  std::uint32_t rights = 0;
  std::optional<PcrCondition> pcr = std::nullopt;  // only while the register has this value
  friend bool operator==(const PolicyRule&, const PolicyRule&) = default;
};

Bytes encode_policy(const std::vector<PolicyRule>& rules);
Result<std::vector<PolicyRule>> decode_policy(BytesView bytes);

}  // namespace camvault::keystore_se05x
