// Keys that are made or put in, and their public halves.
#include <algorithm>

#include "applet_calls.h"
#include "curve_parameters.h"

namespace camvault::keystore_se05x {

namespace {
constexpr std::uint8_t kModulus = 0;
constexpr std::uint8_t kExponent = 1;
constexpr std::uint32_t kNoVersion = 0;

std::size_t point_size(Curve curve) {
  switch (curve) {
    case Curve::p256:
      return 65;
    case Curve::p384:
      return 97;
    case Curve::p521:
      return 133;
    default:
      return 32;
  }
}

const CurveParameters* parameters_of(Curve curve) {
  switch (curve) {
    case Curve::p256:
      return &kP256;
    case Curve::p384:
      return &kP384;
    case Curve::p521:
      return &kP521;
    default:
      return nullptr;
  }
}
}  // namespace

// Applets know a curve when all its parameters have been set; elements leave the factory with few of them.
Status Applet::need_curve(Curve curve) {
  const auto* parameters = parameters_of(curve);
  if (parameters == nullptr) return ok();  // Ed25519 and X25519 are built in
  CAM_TRY(const auto list, run_for(tag::k1, ins::kRead, p1::kCurve, p2::kList, {}, Repeat::safe));
  const auto index = static_cast<std::size_t>(curve) - 1;
  if (index < list.size() && list[index] == 2) return ok();
  // It may have been created already, by a host that was cut off before it had set everything.
  const auto number = static_cast<std::uint8_t>(curve);
  static_cast<void>(
      run(ins::kWrite, p1::kCurve, p2::kCreate, TlvWriter().u8(tag::k1, number).take(), Repeat::safe)
          .has_value());
  for (const auto& [which, hex] : *parameters) {
    CAM_TRY(const auto value, from_hex(hex));
    CAM_TRY_STATUS(run(ins::kWrite, p1::kCurve, p2::kParam,
                       TlvWriter().u8(tag::k1, number).u8(tag::k2, which).put(tag::k3, value).take(),
                       Repeat::safe));
  }
  return ok();
}

namespace {
Status not_taken(Result<bool> exists) {
  CAM_TRY(const bool there, std::move(exists));
  if (there) return fail(Errc::exists, "SE05x: the number is taken");
  return ok();
}
}  // namespace

Status Applet::generate_ec(ObjectId id, Curve curve, const std::vector<PolicyRule>& policy) {
  CAM_TRY_STATUS(not_taken(exists(id)));
  CAM_TRY_STATUS(need_curve(curve));
  auto fields = with_policy(policy, id);
  fields.u8(tag::k2, static_cast<std::uint8_t>(curve));
  if (element_.version().is_7()) fields.u32(tag::k11, kNoVersion);
  return make(id, ins::kWrite, p1::kPair | p1::kEc, p2::kDefault, fields.take());
}

Status Applet::import_ec(ObjectId id, Curve curve, const Secret& scalar, BytesView point,
                         const std::vector<PolicyRule>& policy) {
  CAM_TRY_STATUS(not_taken(exists(id)));
  CAM_TRY_STATUS(need_curve(curve));
  auto fields = with_policy(policy, id);
  fields.u8(tag::k2, static_cast<std::uint8_t>(curve));
  scalar.reveal([&](BytesView bytes) {
    auto wire = curve == Curve::x25519 ? reversed(bytes) : to_bytes(bytes);
    fields.put(tag::k3, wire);
    wipe(wire.data(), wire.size());
  });
  fields.put(tag::k4, is_reversed(curve) ? reversed(point) : to_bytes(point));
  if (element_.version().is_7()) fields.u32(tag::k11, kNoVersion);
  return make(id, ins::kWrite, p1::kPair | p1::kEc, p2::kDefault, fields.take());
}

Status Applet::generate_rsa(ObjectId id, unsigned bits, const std::vector<PolicyRule>& policy) {
  CAM_TRY_STATUS(not_taken(exists(id)));
  auto fields = with_policy(policy, id);
  fields.u16(tag::k2, static_cast<std::uint16_t>(bits));
  if (element_.version().is_7()) fields.u32(tag::k11, kNoVersion);
  return make(id, ins::kWrite, p1::kPair | p1::kRsa, p2::kDefault, fields.take());
}

// One component in each command; the first one makes the object. No half keys stay behind.
Status Applet::import_rsa(ObjectId id, unsigned bits, const RsaPrivate& key,
                          const std::vector<PolicyRule>& policy) {
  CAM_TRY_STATUS(not_taken(exists(id)));
  const auto put = [&](std::uint8_t which, BytesView value, bool first) -> Status {
    auto fields = first ? with_policy(policy, id) : with_policy({}, id);
    if (first) fields.u16(tag::k2, static_cast<std::uint16_t>(bits));
    fields.put(which, value);
    if (element_.version().is_7()) fields.u32(tag::k11, kNoVersion);
    CAM_TRY_STATUS(run(ins::kWrite, p1::kPair | p1::kRsa, p2::kDefault, fields.take(),
                       first ? Repeat::never : Repeat::safe));
    return ok();
  };
  auto all = [&]() -> Status {
    const std::pair<std::uint8_t, const Secret*> parts[] = {
        {tag::k3, &key.p}, {tag::k4, &key.q}, {tag::k5, &key.dp}, {tag::k6, &key.dq}, {tag::k7, &key.qinv}};
    const std::size_t half = bits / 16;
    bool first = true;
    for (const auto& [which, part] : parts) {
      if (part->size() > half) return fail(Errc::invalid, "a key whose numbers are too long");
      // Numbers that begin with zeros keep them: an element may want each as long as half the modulus.
      const auto whole = part->reveal([&](BytesView bytes) {
        return Secret::make(half, [&](std::span<std::uint8_t> out) {
          std::fill(out.begin(), out.end(), std::uint8_t{0});
          std::copy(bytes.rbegin(), bytes.rend(), out.rbegin());
        });
      });
      CAM_TRY_STATUS(whole.reveal([&](BytesView bytes) { return put(which, bytes, first); }));
      first = false;
    }
    return put(tag::k8, key.exponent, false);
  }();
  if (!all) static_cast<void>(remove(id).has_value());
  return all;
}

Status Applet::import_symmetric(ObjectId id, bool aes, const Secret& key,
                                const std::vector<PolicyRule>& policy, bool for_login) {
  CAM_TRY_STATUS(not_taken(exists(id)));
  auto fields = with_policy(policy, id);
  key.reveal([&](BytesView bytes) { fields.put(tag::k3, bytes); });
  if (element_.version().is_7()) fields.u32(tag::k11, kNoVersion);
  const auto what = static_cast<std::uint8_t>(for_login ? ins::kWrite | ins::kAuthObject : ins::kWrite);
  return make(id, what, aes ? p1::kAes : p1::kHmac, p2::kDefault, fields.take());
}

Status Applet::import_user_id(ObjectId id, const Secret& value, std::uint16_t attempts,
                              const std::vector<PolicyRule>& policy) {
  CAM_TRY_STATUS(not_taken(exists(id)));
  TlvWriter fields;
  if (!policy.empty()) fields.put(tag::kPolicy, encode_policy(policy));
  if (attempts != 0) fields.u16(tag::kMaxAttempts, attempts);
  fields.u32(tag::k1, id);
  value.reveal([&](BytesView bytes) { fields.put(tag::k2, bytes); });
  return make(id, ins::kWrite | ins::kAuthObject, p1::kUserId, p2::kDefault, fields.take());
}

Result<Bytes> Applet::ec_point(ObjectId id, Curve curve) {
  CAM_TRY(auto point, run_for(tag::k1, ins::kRead, p1::kDefault, p2::kDefault,
                              TlvWriter().u32(tag::k1, id).take(), Repeat::safe));
  if (point.size() != point_size(curve)) return fail(Errc::malformed, "SE05x: public key of another size");
  if (is_reversed(curve)) std::reverse(point.begin(), point.end());
  return point;
}

Result<RsaPublic> Applet::rsa_public(ObjectId id) {
  const auto part = [&](std::uint8_t which) {
    return run_for(tag::k1, ins::kRead, p1::kDefault, p2::kDefault,
                   TlvWriter().u32(tag::k1, id).u8(tag::k4, which).take(), Repeat::safe);
  };
  RsaPublic out;
  CAM_TRY(out.modulus, part(kModulus));
  CAM_TRY(out.exponent, part(kExponent));
  return out;
}

}  // namespace camvault::keystore_se05x
