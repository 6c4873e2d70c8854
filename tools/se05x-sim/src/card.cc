#include "card.h"

#include "camvault/base/byte_writer.h"

namespace camvault::se05x_sim {

namespace {
constexpr ObjectId kFirstReserved = 0x7FFF0000;
constexpr ObjectId kLastReserved = 0x7FFFFFFF;

// What objects without a policy allow to everybody.
constexpr std::uint32_t kDefaultRights =
    ~(may::kForbidAll | may::kAttest | may::kImportExport | may::kRequireSecureMessaging | may::kRequirePcr);

bool holds(const Call& call, const keystore_se05x::PolicyRule& rule) {
  if ((rule.rights & may::kForbidAll) != 0) return false;
  if ((rule.rights & may::kRequireSecureMessaging) != 0 && !call.secure) return false;
  if (!rule.pcr) return true;
  const auto* pcr = call.card.store.find(rule.pcr->pcr);
  return pcr != nullptr && pcr->type == ObjectType::pcr && equal(pcr->part(tag::k2), rule.pcr->value);
}
}  // namespace

bool is_allowed(const Call& call, const Object& object, std::uint32_t rights) {
  if (object.policy.empty()) return !object.auth && (rights & kDefaultRights) != 0;
  const auto rules = keystore_se05x::decode_policy(object.policy);
  if (!rules) return false;
  for (const auto& rule : *rules) {
    if ((rule.who == 0 || rule.who == call.user) && (rule.rights & rights) != 0 && holds(call, rule))
      return true;
  }
  return false;
}

Sw<Object*> use(const Call& call, ObjectId id, std::uint32_t rights) {
  auto* object = call.card.store.find(id);
  if (object == nullptr) return refuse(status::kConditions);
  if (!is_allowed(call, *object, rights)) return refuse(status::kNotAllowed);
  return object;
}

Sw<Target> read_target(TlvReader& in) {
  Target out;
  CAM_TRY(const auto policy, field(in.maybe(tag::kPolicy)));
  CAM_TRY(const auto attempts, field(in.maybe_u16(tag::kMaxAttempts)));
  CAM_TRY_STATUS(field(in.maybe(tag::kPolicyCheck)));
  CAM_TRY(out.id, field(in.need_u32(tag::k1)));
  if (policy) out.policy = to_bytes(*policy);
  out.max_attempts = attempts.value_or(0);
  return out;
}

Sw<Object> begin_write(const Call& call, const Target& target, ObjectType type, std::uint32_t write_right) {
  if (target.id == 0) return refuse(status::kConditions);
  if (const auto* old = call.card.store.find(target.id)) {
    if (old->type != type) return refuse(status::kConditions);
    if (!target.policy.empty()) return refuse(status::kBadPolicy);  // policies are for good
    if (!is_allowed(call, *old, write_right)) return refuse(status::kNotAllowed);
    return *old;
  }
  const bool for_sessions = (call.command.ins & ins::kAuthObject) != 0;
  // Of the applet's own numbers, those of authentication objects are for users to fill.
  if (!for_sessions && target.id >= kFirstReserved && target.id <= kLastReserved)
    return refuse(status::kNotAllowed);
  if (call.card.state().restricted != 0) return refuse(status::kNotAllowed);
  if (call.card.state().objects.size() >= kMaxObjects) return refuse(status::kFull);
  if (!target.policy.empty() && !keystore_se05x::decode_policy(target.policy))
    return refuse(status::kBadPolicy);
  Object object;
  object.id = target.id;
  object.type = type;
  object.auth = for_sessions;
  object.transient = (call.command.ins & ins::kTransient) != 0;
  object.policy = target.policy;
  object.max_attempts = target.max_attempts;
  object.owner = call.user;
  return object;
}

Reply finish_write(const Call& call, Object object) {
  const auto id = object.id;
  call.card.changed = true;
  call.card.state().objects.insert_or_assign(id, std::move(object));
  return Bytes{};
}

// Ticks since the first start: never the same twice, never smaller.
Bytes timestamp(Card& card) {
  ByteWriter out;
  out.u32(card.state().resets);
  out.u64(++card.ticks);
  return out.take();
}

}  // namespace camvault::se05x_sim
