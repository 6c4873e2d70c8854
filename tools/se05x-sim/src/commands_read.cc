// Reading, with and without attestation.
#include <algorithm>

#include "camvault/base/byte_writer.h"
#include "card.h"
#include "soft_crypto.h"

namespace camvault::se05x_sim {

namespace {
constexpr std::size_t kFreshness = 16;
constexpr std::size_t kListPage = 128;  // ids in one answer
constexpr std::size_t kCurveList = 17;

Sw<Object*> find(const Call& call, ObjectId id) {
  auto* object = call.card.store.find(id);
  if (object == nullptr) return refuse(status::kConditions);
  return object;
}

bool is_ec(const Object& object) {
  return object.type == ObjectType::ec_pair || object.type == ObjectType::ec_private ||
         object.type == ObjectType::ec_public;
}
bool is_rsa(const Object& object) {
  return object.type >= ObjectType::rsa_pair && object.type <= ObjectType::rsa_public;
}

// Applets 7.x name the curve in the type (AN12413, table "SecureObjectType").
std::uint8_t wire_type(const Card& card, const Object& object) {
  const auto plain = static_cast<std::uint8_t>(object.type);
  if (!card.version.is_7() || !is_ec(object)) return plain;
  const auto base = *object.curve == Curve::ed25519 ? 0x65
                    : *object.curve == Curve::x25519
                        ? 0x69
                        : 0x21 + 4 * (static_cast<std::uint8_t>(*object.curve) - 1);
  return static_cast<std::uint8_t>(base + plain - 1);
}

Bytes attributes(const Card& card, const Object& object) {
  ByteWriter out;
  out.u32(object.id);
  out.u8(wire_type(card, object));
  out.u8(object.auth ? 2 : 1);
  out.u16(object.failed_attempts);
  out.u32(object.owner);
  out.u16(object.max_attempts);
  out.raw(object.policy);
  out.u8(static_cast<std::uint8_t>(object.origin));
  if (card.version.is_7()) out.u32(object.version);
  return out.take();
}

std::uint16_t size_of(const Object& object) {
  if (is_ec(object)) return static_cast<std::uint16_t>(field_size(*object.curve));
  if (is_rsa(object))
    return static_cast<std::uint16_t>((object.part(tag::k2)[0] << 8 | object.part(tag::k2)[1]) / 8);
  switch (object.type) {
    case ObjectType::binary:
      return static_cast<std::uint16_t>(object.part(tag::k4).size());
    case ObjectType::user_id:
    case ObjectType::pcr:
      return static_cast<std::uint16_t>(object.part(tag::k2).size());
    default:
      return static_cast<std::uint16_t>(object.part(tag::k3).size());
  }
}

struct Range {
  std::optional<std::uint16_t> offset;
  std::optional<std::uint16_t> length;
  std::optional<std::uint8_t> component;
};

// What may be read of an object; symmetric and private keys may not.
Sw<Bytes> value_of(const Object& object, const Range& range) {
  if (is_ec(object)) {
    if (object.type == ObjectType::ec_private) return refuse(status::kNotAllowed);
    const auto point = object.part(tag::k4);
    return is_twisted(*object.curve) ? Bytes(point.rbegin(), point.rend()) : to_bytes(point);
  }
  if (is_rsa(object)) {
    const auto value = object.part(range.component.value_or(0) == 0 ? tag::k10 : tag::k8);
    if (value.empty()) return refuse(status::kConditions);
    return to_bytes(value);
  }
  if (object.type == ObjectType::counter) return to_bytes(object.part(tag::k3));
  if (object.type == ObjectType::pcr) return to_bytes(object.part(tag::k2));
  if (object.type != ObjectType::binary) return refuse(status::kNotAllowed);
  const auto content = object.part(tag::k4);
  const std::size_t at = range.offset.value_or(0);
  if (at > content.size()) return refuse(status::kWrongData);
  const std::size_t count = range.length.value_or(0) == 0 ? content.size() - at : *range.length;
  if (count > content.size() - at) return refuse(status::kWrongData);
  if (count > keystore_se05x::kMaxPayload7) return refuse(status::kWrongData);
  return to_bytes(content.subspan(at, count));
}

struct AttestWith {
  ObjectId key = 0;
  std::uint8_t alg = 0;
  Bytes freshness;
};

Sw<AttestWith> read_attest(const Call& call, TlvReader& in) {
  AttestWith out;
  if (!call.attested()) return out;
  CAM_TRY(out.key, field(in.need_u32(tag::k5)));
  CAM_TRY(out.alg, field(in.need_u8(tag::k6)));
  CAM_TRY(const auto freshness, field(in.need(tag::k7)));
  if (freshness.size() != kFreshness) return refuse(status::kWrongData);
  out.freshness = to_bytes(freshness);
  return out;
}

Sw<Bytes> attest_sign(const Call& call, const AttestWith& with, BytesView message) {
  CAM_TRY(const auto* key, use(call, with.key, may::kAttest));
  const auto alg = digest_of_ecdsa(with.alg);
  if (key->type != ObjectType::ec_pair || !alg) return refuse(status::kConditions);
  CAM_TRY(const auto hashed, fitting(digest(*alg, message)));
  return fitting(
      ecdsa_sign({*key->curve, to_bytes(key->part(tag::k3)), {to_bytes(key->part(tag::k4))}}, hashed));
}

// Applets 7.x: the signature covers SHA-256 of the command and the answer's fields as they are sent.
Reply attested_7(const Call& call, const Object& object, const std::optional<Bytes>& value,
                 const AttestWith& with) {
  CommandApdu command = call.command;
  command.cla = 0x80;
  command.extended = true;
  Bytes message = command.header();
  append(message, command.length_field(command.data.size()));
  append(message, command.data);
  CAM_TRY(auto covered, fitting(digest(DigestAlg::sha256, message)));
  TlvWriter out(keystore_se05x::TlvLength::three_bytes);
  if (value) out.put(tag::k1, *value);
  out.put(tag::k2, call.card.state().unique_id);
  out.put(tag::k3, attributes(call.card, object));
  out.u16(tag::k4, size_of(object));
  out.put(tag::kTimestamp, timestamp(call.card));
  append(covered, out.view());
  CAM_TRY(const auto signature, attest_sign(call, with, covered));
  out.put(tag::kSignature, signature);
  return out.take();
}

// Applets 3.x: the signature covers the values.
Reply attested_3(const Call& call, const Object& object, const std::optional<Bytes>& value,
                 const AttestWith& with) {
  TlvWriter out;
  Bytes covered;
  const auto add = [&](std::uint8_t which, BytesView bytes) {
    out.put(which, bytes);
    append(covered, bytes);
  };
  if (value) add(tag::k1, *value);
  add(tag::k2, attributes(call.card, object));
  add(tag::k3, timestamp(call.card));
  add(tag::k4, with.freshness);
  add(tag::k5, call.card.state().unique_id);
  CAM_TRY(const auto signature, attest_sign(call, with, covered));
  out.put(tag::k6, signature);
  return out.take();
}

Reply answer(const Call& call, const Object& object, const std::optional<Bytes>& value,
             const AttestWith& with) {
  return call.card.version.is_7() ? attested_7(call, object, value, with)
                                  : attested_3(call, object, value, with);
}
}  // namespace

Reply read_object(const Call& call) {
  auto in = call.fields();
  Range range;
  CAM_TRY(const auto id, field(in.need_u32(tag::k1)));
  CAM_TRY(range.offset, field(in.maybe_u16(tag::k2)));
  CAM_TRY(range.length, field(in.maybe_u16(tag::k3)));
  CAM_TRY(range.component, field(in.maybe_u8(tag::k4)));
  CAM_TRY(const auto with, read_attest(call, in));
  CAM_TRY_STATUS(field(in.finish()));
  CAM_TRY(const auto* object, find(call, id));
  auto value = is_allowed(call, *object, may::kRead) ? value_of(*object, range)
                                                     : Sw<Bytes>(refuse(status::kNotAllowed));
  if (call.attested()) {
    // What may not be read is attested without its value.
    if (!value && value.error() != status::kNotAllowed) return refuse(value.error());
    return answer(call, *object, value ? std::optional<Bytes>(*value) : std::nullopt, with);
  }
  CAM_TRY(const auto bytes, std::move(value));
  return one(tag::k1, bytes);
}

Reply read_attributes(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto id, field(in.need_u32(tag::k1)));
  CAM_TRY(const auto with, read_attest(call, in));
  CAM_TRY_STATUS(field(in.finish()));
  CAM_TRY(const auto* object, find(call, id));
  if (call.attested()) return answer(call, *object, std::nullopt, with);
  return one(call.card.version.is_7() ? tag::k3 : tag::k2, attributes(call.card, *object));
}

Reply read_list(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto offset, field(in.need_u16(tag::k1)));
  CAM_TRY(const auto filter, field(in.need_u8(tag::k2)));
  CAM_TRY_STATUS(field(in.finish()));
  ByteWriter ids;
  std::size_t index = 0;
  bool more = false;
  for (const auto& [id, object] : call.card.state().objects) {
    if (filter != 0xFF && filter != wire_type(call.card, object)) continue;
    if (index++ < offset) continue;
    if (index > offset + kListPage) {
      more = true;
      break;
    }
    ids.u32(id);
  }
  return TlvWriter().u8(tag::k1, more ? 2 : 1).put(tag::k2, ids.view()).take();
}

Reply read_type(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto id, field(in.need_u32(tag::k1)));
  CAM_TRY_STATUS(field(in.finish()));
  CAM_TRY(const auto* object, find(call, id));
  return TlvWriter().u8(tag::k1, wire_type(call.card, *object)).u8(tag::k2, object->transient ? 2 : 1).take();
}

Reply read_size(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto id, field(in.need_u32(tag::k1)));
  CAM_TRY_STATUS(field(in.finish()));
  CAM_TRY(const auto* object, find(call, id));
  return TlvWriter().u16(tag::k1, size_of(*object)).take();
}

Reply read_curves(const Call& call) {
  if (call.command.p2 == p2::kId) {
    auto in = call.fields();
    CAM_TRY(const auto id, field(in.need_u32(tag::k1)));
    CAM_TRY_STATUS(field(in.finish()));
    CAM_TRY(const auto* object, find(call, id));
    if (!object->curve) return refuse(status::kConditions);
    return TlvWriter().u8(tag::k1, static_cast<std::uint8_t>(*object->curve)).take();
  }
  if (call.command.p2 != p2::kList) return refuse(status::kWrongP1P2);
  Bytes list(kCurveList, 1);
  for (const auto& [curve, parameters] : call.card.state().curves) {
    const auto number = static_cast<std::size_t>(curve);
    if (number <= kCurveList && parameters.size() == 5) list[number - 1] = 2;
  }
  return one(tag::k1, list);
}

Reply object_exists(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto id, field(in.need_u32(tag::k1)));
  CAM_TRY_STATUS(field(in.finish()));
  return yes_or_no(call.card.store.find(id) != nullptr);
}

Reply delete_object(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto id, field(in.need_u32(tag::k1)));
  CAM_TRY_STATUS(field(in.finish()));
  CAM_TRY_STATUS(use(call, id, may::kDelete));
  call.card.state().objects.erase(id);
  call.card.changed = true;
  return Bytes{};
}

// Only in a session that was opened with the factory reset object, and only what users have made.
Reply delete_all(const Call& call) {
  if (call.user != keystore_se05x::object::kFactoryReset) return refuse(status::kSecurity);
  std::erase_if(call.card.state().objects,
                [](const auto& entry) { return entry.second.origin != ObjectOrigin::provisioned; });
  call.card.state().curves.clear();
  call.card.changed = true;
  return Bytes{};
}

}  // namespace camvault::se05x_sim
