// AES, MACs, key derivation and digests in one step.
#include <algorithm>

#include "card.h"
#include "soft_crypto.h"

namespace camvault::se05x_sim {

namespace {
constexpr std::size_t kGcmIv = 12;
constexpr std::size_t kMaxSalt = 64;
constexpr std::size_t kMaxInfo = 80;
constexpr std::size_t kMaxDerived = 512;
constexpr std::uint16_t kMaxRounds = 0x7FFF;

Sw<Object*> key_of(const Call& call, ObjectId id, std::uint32_t right, ObjectType type) {
  CAM_TRY(auto* object, use(call, id, right));
  if (object->type != type) return refuse(status::kConditions);
  return object;
}

// Derived bytes go to the host, or into the object with this id.
Reply give(const Call& call, Bytes derived, std::optional<std::uint32_t> into) {
  if (into.value_or(0) == 0) return one(tag::k1, derived);
  CAM_TRY(auto* target, use(call, *into, may::kWrite));
  if (target->type != ObjectType::hmac && target->type != ObjectType::aes) return refuse(status::kConditions);
  target->parts[tag::k3] = std::move(derived);
  target->origin = ObjectOrigin::internal;
  call.card.changed = true;
  return Bytes{};
}

Sw<Bytes> salt_of(const Call& call, std::optional<BytesView> salt, std::optional<std::uint32_t> id) {
  if (id.value_or(0) != 0) {
    CAM_TRY(const auto* object, key_of(call, *id, may::kHkdf, ObjectType::hmac));
    return to_bytes(object->part(tag::k3));
  }
  if (salt && salt->size() > kMaxSalt) return refuse(status::kWrongData);
  return salt ? to_bytes(*salt) : Bytes{};
}
}  // namespace

Reply cipher_one_shot(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto id, field(in.need_u32(tag::k1)));
  CAM_TRY(const auto mode, field(in.need_u8(tag::k2)));
  CAM_TRY(const auto data, field(in.need(tag::k3)));
  CAM_TRY(const auto iv, field(in.maybe(tag::k4)));
  CAM_TRY_STATUS(field(in.finish()));
  const bool encrypt = call.command.p2 == p2::kEncryptOneShot;
  CAM_TRY(const auto* key, key_of(call, id, encrypt ? may::kEncrypt : may::kDecrypt, ObjectType::aes));
  CAM_TRY(const auto out, fitting(aes_crypt(key->part(tag::k3), static_cast<CipherMode>(mode),
                                            iv.value_or(BytesView()), data, encrypt)));
  return one(tag::k1, out);
}

Reply aead_one_shot(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto id, field(in.need_u32(tag::k1)));
  CAM_TRY(const auto mode, field(in.need_u8(tag::k2)));
  CAM_TRY(const auto data, field(in.maybe(tag::k3)));
  CAM_TRY(const auto additional, field(in.maybe(tag::k4)));
  CAM_TRY(const auto iv, field(in.maybe(tag::k5)));
  CAM_TRY(const auto tag_field, field(in.need(tag::k6)));
  CAM_TRY_STATUS(field(in.finish()));
  const bool own_iv = static_cast<CipherMode>(mode) == CipherMode::aes_gcm_own_iv;
  if (!own_iv && static_cast<CipherMode>(mode) != CipherMode::aes_gcm) return refuse(status::kConditions);
  const auto plain = data.value_or(BytesView());
  const auto more = additional.value_or(BytesView());
  if (call.command.p2 == p2::kDecryptOneShot) {
    CAM_TRY(const auto* key, key_of(call, id, may::kDecrypt, ObjectType::aes));
    if (!iv || own_iv) return refuse(status::kConditions);
    CAM_TRY(const auto opened, fitting(gcm_decrypt(key->part(tag::k3), *iv, more, plain, tag_field)));
    TlvWriter out;
    if (opened) out.put(tag::k1, *opened);
    return out.u8(tag::k2, opened ? 1 : 2).take();
  }
  CAM_TRY(const auto* key, key_of(call, id, may::kEncrypt, ObjectType::aes));
  if (tag_field.size() != 2 || tag_field[0] != 0) return refuse(status::kWrongData);
  if (own_iv && (!iv || iv->size() != 2 || (*iv)[0] != 0 || (*iv)[1] != kGcmIv))
    return refuse(status::kWrongData);
  if (!iv) return refuse(status::kConditions);
  const Bytes vector = own_iv ? random_bytes(kGcmIv) : to_bytes(*iv);
  CAM_TRY(const auto sealed, fitting(gcm_encrypt(key->part(tag::k3), vector, more, plain, tag_field[1])));
  TlvWriter out;
  out.put(tag::k1, sealed.data).put(tag::k2, sealed.tag);
  if (own_iv) out.put(tag::k3, vector);
  return out.take();
}

Reply mac_one_shot(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto id, field(in.need_u32(tag::k1)));
  CAM_TRY(const auto alg, field(in.need_u8(tag::k2)));
  CAM_TRY(const auto data, field(in.maybe(tag::k3)));
  CAM_TRY(const auto given, field(in.maybe(tag::k5)));
  CAM_TRY_STATUS(field(in.finish()));
  const bool generate = call.command.p2 == p2::kGenerateOneShot;
  const auto which = static_cast<MacAlg>(alg);
  CAM_TRY(const auto* key, key_of(call, id, generate ? may::kSign : may::kVerify,
                                  which == MacAlg::cmac ? ObjectType::aes : ObjectType::hmac));
  CAM_TRY(const auto computed, fitting(mac(which, key->part(tag::k3), data.value_or(BytesView()))));
  if (generate) return one(tag::k1, computed);
  return yes_or_no(given && equal_constant_time(*given, computed));
}

Reply hkdf(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto id, field(in.need_u32(tag::k1)));
  CAM_TRY(const auto number, field(in.need_u8(tag::k2)));
  CAM_TRY(const auto salt, field(in.maybe(tag::k3)));
  CAM_TRY(const auto info, field(in.maybe(tag::k4)));
  CAM_TRY(const auto size, field(in.need_u16(tag::k5)));
  CAM_TRY(const auto salt_id, field(in.maybe_u32(tag::k6)));
  CAM_TRY(const auto into, field(in.maybe_u32(tag::k7)));
  CAM_TRY_STATUS(field(in.finish()));
  if (size > kMaxDerived || (info && info->size() > kMaxInfo)) return refuse(status::kWrongData);
  CAM_TRY(const auto* object, key_of(call, id, may::kHkdf, ObjectType::hmac));
  const auto alg = static_cast<DigestAlg>(number);
  Bytes key = to_bytes(object->part(tag::k3));
  if (call.command.p2 == p2::kHkdf) {
    CAM_TRY(const auto bytes, salt_of(call, salt, salt_id));
    CAM_TRY(key, fitting(hkdf_extract(alg, bytes, key)));
  }
  CAM_TRY(auto derived, fitting(hkdf_expand(alg, key, info.value_or(BytesView()), size)));
  return give(call, std::move(derived), into);
}

Reply pbkdf2_command(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto id, field(in.need_u32(tag::k1)));
  CAM_TRY(const auto salt, field(in.maybe(tag::k2)));
  CAM_TRY(const auto rounds, field(in.need_u16(tag::k3)));
  CAM_TRY(const auto size, field(in.need_u16(tag::k4)));
  CAM_TRY(const auto number, field(in.maybe_u8(tag::k5)));
  CAM_TRY(const auto salt_id, field(in.maybe_u32(tag::k6)));
  CAM_TRY(const auto into, field(in.maybe_u32(tag::k7)));
  CAM_TRY_STATUS(field(in.finish()));
  if (rounds == 0 || rounds > kMaxRounds || size == 0 || size > kMaxDerived)
    return refuse(status::kWrongData);
  CAM_TRY(const auto* object, key_of(call, id, may::kPbkdf, ObjectType::hmac));
  CAM_TRY(const auto bytes, salt_of(call, salt, salt_id));
  const auto alg = number ? static_cast<MacAlg>(*number) : MacAlg::hmac_sha1;
  CAM_TRY(auto derived, fitting(pbkdf2(alg, object->part(tag::k3), bytes, rounds, size)));
  return give(call, std::move(derived), into);
}

Reply digest_one_shot(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto number, field(in.need_u8(tag::k1)));
  CAM_TRY(const auto data, field(in.need(tag::k2)));
  CAM_TRY_STATUS(field(in.finish()));
  CAM_TRY(const auto out, fitting(digest(static_cast<DigestAlg>(number), data)));
  return one(tag::k1, out);
}

}  // namespace camvault::se05x_sim
