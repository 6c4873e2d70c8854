#include "camvault/keystore_se05x/policy.h"

#include <algorithm>

#include "camvault/base/byte_reader.h"
#include "camvault/base/byte_writer.h"

namespace camvault::keystore_se05x {

namespace {
constexpr std::size_t kPlainRule = 8;
constexpr std::size_t kPcrRule = kPlainRule + 4 + kPcrValue;
}  // namespace

Bytes encode_policy(const std::vector<PolicyRule>& rules) {
  ByteWriter out;
  for (const auto& rule : rules) {
    out.u8(static_cast<std::uint8_t>(rule.pcr ? kPcrRule : kPlainRule));
    out.u32(rule.who);
    out.u32(rule.pcr ? rule.rights | may::kRequirePcr : rule.rights);
    if (rule.pcr) {
      out.u32(rule.pcr->pcr);
      out.raw(rule.pcr->value);
    }
  }
  return out.take();
}

Result<std::vector<PolicyRule>> decode_policy(BytesView bytes) {
  std::vector<PolicyRule> rules;
  ByteReader all(bytes);
  while (!all.at_end()) {
    if (rules.size() == kMaxPolicyRules) return fail(Errc::limit, "policy with too many rules");
    CAM_TRY(const auto size, all.u8());
    CAM_TRY(auto in, all.sub(size));
    PolicyRule rule;
    CAM_TRY(rule.who, in.u32());
    CAM_TRY(rule.rights, in.u32());
    if ((rule.rights & may::kRequirePcr) != 0) {
      PcrCondition pcr;
      CAM_TRY(pcr.pcr, in.u32());
      CAM_TRY(const auto value, in.take(kPcrValue));
      std::copy(value.begin(), value.end(), pcr.value.begin());
      rule.pcr = pcr;
      rule.rights &= ~may::kRequirePcr;
    }
    CAM_TRY_STATUS(in.finish());
    const bool twice =
        std::any_of(rules.begin(), rules.end(), [&](const auto& other) { return other.who == rule.who; });
    if (twice) return fail(Errc::malformed, "policy with two rules for one user");
    rules.push_back(rule);
  }
  return rules;
}

}  // namespace camvault::keystore_se05x
