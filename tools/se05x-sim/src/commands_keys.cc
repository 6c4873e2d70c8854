// Keys that are made or put in.
#include <algorithm>

#include "card.h"
#include "soft_crypto.h"

namespace camvault::se05x_sim {

namespace {
constexpr std::size_t kMaxHmacKey = 256;

Bytes reversed(BytesView bytes) {
  return Bytes(bytes.rbegin(), bytes.rend());
}

// RFC order from the wire's: Ed25519 and X25519 public keys travel reversed, X25519 private ones too.
EcKey from_wire(Curve curve, std::optional<BytesView> scalar, std::optional<BytesView> point) {
  EcKey key{curve, {}, {}};
  if (scalar) key.scalar = curve == Curve::x25519 ? reversed(*scalar) : to_bytes(*scalar);
  if (point) key.point = is_twisted(curve) ? reversed(*point) : to_bytes(*point);
  return key;
}

// Curves of applets 7.x are there when all their parameters have been set; those of 3.x at once.
bool is_set(Card& card, Curve curve) {
  const auto found = card.state().curves.find(curve);
  return found != card.state().curves.end() && (is_twisted(curve) || found->second.size() == 5);
}

bool is_known(Curve curve) {
  return is_twisted(curve) || curve == Curve::p256 || curve == Curve::p384 || curve == Curve::p521;
}
}  // namespace

Reply write_ec_key(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto target, read_target(in));
  CAM_TRY(const auto curve, field(in.maybe_u8(tag::k2)));
  CAM_TRY(const auto scalar, field(in.maybe(tag::k3)));
  CAM_TRY(const auto point, field(in.maybe(tag::k4)));
  CAM_TRY(const auto version, field(in.maybe_u32(tag::k11)));
  CAM_TRY_STATUS(field(in.finish()));
  const bool generate = !scalar && !point;
  const auto part = call.part();
  const auto type = part == p1::kPublic    ? ObjectType::ec_public
                    : part == p1::kPrivate ? ObjectType::ec_private
                                           : ObjectType::ec_pair;
  if (generate && type != ObjectType::ec_pair) return refuse(status::kConditions);
  if (type == ObjectType::ec_public ? scalar.has_value() : !generate && !scalar)
    return refuse(status::kConditions);
  CAM_TRY(auto object, begin_write(call, target, type, generate ? may::kGenerate : may::kWrite));
  if (!object.curve && !curve) return refuse(status::kConditions);
  const auto wanted = curve ? static_cast<Curve>(*curve) : *object.curve;
  if (!is_known(wanted) || (object.curve && *object.curve != wanted) || !is_set(call.card, wanted))
    return refuse(status::kConditions);
  object.curve = wanted;
  CAM_TRY(const auto key,
          fitting(generate ? ec_generate(wanted) : ec_complete(from_wire(wanted, scalar, point))));
  object.parts = {{tag::k4, key.point}};
  if (!key.scalar.empty()) object.parts[tag::k3] = key.scalar;
  object.origin = generate ? ObjectOrigin::internal : ObjectOrigin::external;
  object.version = version.value_or(0);
  return finish_write(call, std::move(object));
}

namespace {
RsaKey rsa_of(const Object& object) {
  const auto part = [&](std::uint8_t which) { return to_bytes(object.part(which)); };
  return {part(tag::k10), part(tag::k8), part(tag::k9), part(tag::k3),
          part(tag::k4),  part(tag::k5), part(tag::k6), part(tag::k7)};
}

void store_rsa(Object& object, const RsaKey& key) {
  object.parts[tag::k10] = key.n;
  object.parts[tag::k8] = key.e;
  object.parts[tag::k9] = key.d;
  object.parts[tag::k3] = key.p;
  object.parts[tag::k4] = key.q;
  object.parts[tag::k5] = key.dp;
  object.parts[tag::k6] = key.dq;
  object.parts[tag::k7] = key.qinv;
}

ObjectType rsa_type(std::uint8_t part, bool crt) {
  if (part == p1::kPublic) return ObjectType::rsa_public;
  if (part == p1::kPrivate) return crt ? ObjectType::rsa_private_crt : ObjectType::rsa_private;
  return crt ? ObjectType::rsa_pair_crt : ObjectType::rsa_pair;
}
}  // namespace

// Components come one per command; the key can be used when the last one is there.
Reply write_rsa_key(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto target, read_target(in));
  CAM_TRY(const auto bits, field(in.maybe_u16(tag::k2)));
  std::map<std::uint8_t, Bytes> given;
  for (std::uint8_t which = tag::k3; which <= tag::k10; ++which) {
    CAM_TRY(const auto value, field(in.maybe(which)));
    if (value) given[which] = to_bytes(*value);
  }
  CAM_TRY(const auto version, field(in.maybe_u32(tag::k11)));
  CAM_TRY_STATUS(field(in.finish()));
  const bool crt = call.command.p2 != p2::kRaw;
  const auto type = rsa_type(call.part(), crt);
  const bool is_new = call.card.store.find(target.id) == nullptr;
  const bool generate = given.empty();
  if (generate && (call.part() != p1::kPair || !bits)) return refuse(status::kConditions);
  CAM_TRY(auto object, begin_write(call, target, type, generate ? may::kGenerate : may::kWrite));
  if (is_new) {
    if (!bits || (*bits != 1024 && *bits != 1152 && *bits != 2048 && *bits != 3072 && *bits != 4096))
      return refuse(status::kConditions);
    object.parts[tag::k2] = {static_cast<std::uint8_t>(*bits >> 8), static_cast<std::uint8_t>(*bits & 0xFF)};
  }
  object.version = version.value_or(0);
  const unsigned size = static_cast<unsigned>(object.part(tag::k2)[0] << 8 | object.part(tag::k2)[1]);
  if (generate) {
    CAM_TRY(const auto key, fitting(rsa_generate(size)));
    store_rsa(object, key);
    object.origin = ObjectOrigin::internal;
    return finish_write(call, std::move(object));
  }
  for (auto& [which, value] : given) {
    if (value.size() > size / 8) return refuse(status::kConditions);
    object.parts[which] = std::move(value);
  }
  const bool whole = !object.part(tag::k3).empty() && !object.part(tag::k4).empty() &&
                     !object.part(tag::k5).empty() && !object.part(tag::k6).empty() &&
                     !object.part(tag::k7).empty() && !object.part(tag::k8).empty();
  if (crt && call.part() == p1::kPair && whole && object.part(tag::k9).empty()) {
    CAM_TRY(const auto key, fitting(rsa_complete(rsa_of(object))));
    if (key.n.size() != size / 8) return refuse(status::kConditions);
    store_rsa(object, key);
  }
  object.origin = ObjectOrigin::external;
  return finish_write(call, std::move(object));
}

Reply write_symmetric_key(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto target, read_target(in));
  CAM_TRY(const auto wrapping, field(in.maybe_u32(tag::k2)));
  CAM_TRY(const auto value, field(in.maybe(tag::k3)));
  CAM_TRY_STATUS(field(in.maybe_u16(tag::k4)));  // shortest tag and shortest output: not simulated
  CAM_TRY_STATUS(field(in.maybe_u16(tag::k5)));
  CAM_TRY(const auto version, field(in.maybe_u32(tag::k11)));
  CAM_TRY_STATUS(field(in.finish()));
  const bool aes = (call.command.p1 & p1::kTypeMask) == p1::kAes;
  if (!value || wrapping.value_or(0) != 0)
    return refuse(status::kConditions);  // wrapped keys are not simulated
  if (aes ? value->size() != 16 && value->size() != 24 && value->size() != 32
          : value->empty() || value->size() > kMaxHmacKey)
    return refuse(status::kWrongData);
  CAM_TRY(auto object, begin_write(call, target, aes ? ObjectType::aes : ObjectType::hmac, may::kWrite));
  object.parts[tag::k3] = to_bytes(*value);
  object.origin = ObjectOrigin::external;
  object.version = version.value_or(0);
  return finish_write(call, std::move(object));
}

Reply write_curve(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto number, field(in.need_u8(tag::k1)));
  const auto curve = static_cast<Curve>(number);
  auto& curves = call.card.state().curves;
  if (call.command.p2 == p2::kCreate) {
    CAM_TRY_STATUS(field(in.finish()));
    if (!is_known(curve)) return refuse(status::kConditions);
    if (!curves.emplace(curve, std::set<std::uint8_t>{}).second) return refuse(status::kConditions);
    call.card.changed = true;
    return Bytes{};
  }
  if (call.command.p2 != p2::kParam) return refuse(status::kWrongP1P2);
  CAM_TRY(const auto which, field(in.need_u8(tag::k2)));
  CAM_TRY(const auto value, field(in.need(tag::k3)));
  CAM_TRY_STATUS(field(in.finish()));
  const auto found = curves.find(curve);
  if (found == curves.end() || is_twisted(curve)) return refuse(status::kConditions);
  CAM_TRY(const auto expected, or_status(curve_parameter(curve, which), status::kWrongData));
  if (!equal(value, expected)) return refuse(status::kWrongData);
  found->second.insert(which);
  call.card.changed = true;
  return Bytes{};
}

}  // namespace camvault::se05x_sim
