// Signatures, key agreement, RSA.
#include <algorithm>

#include "card.h"
#include "soft_crypto.h"

namespace camvault::se05x_sim {

namespace {
EcKey ec_of(const Object& object) {
  return {*object.curve, to_bytes(object.part(tag::k3)), to_bytes(object.part(tag::k4))};
}
RsaKey rsa_of(const Object& object) {
  const auto part = [&](std::uint8_t which) { return to_bytes(object.part(which)); };
  return {part(tag::k10), part(tag::k8), part(tag::k9), part(tag::k3),
          part(tag::k4),  part(tag::k5), part(tag::k6), part(tag::k7)};
}

// Ed25519 signatures travel with R and S reversed, each for itself.
Bytes halves_reversed(BytesView signature) {
  Bytes out = to_bytes(signature);
  std::reverse(out.begin(), out.begin() + 32);
  std::reverse(out.begin() + 32, out.end());
  return out;
}

struct Signing {
  ObjectId id = 0;
  std::uint8_t alg = 0;
  BytesView input;
};
Sw<Signing> read_signing(TlvReader& in) {
  Signing out;
  CAM_TRY(out.id, field(in.need_u32(tag::k1)));
  CAM_TRY(out.alg, field(in.need_u8(tag::k2)));
  CAM_TRY(out.input, field(in.need(tag::k3)));
  return out;
}

Sw<Bytes> sign_with(const Object& object, const Signing& what) {
  switch (object.type) {
    case ObjectType::ec_pair:
    case ObjectType::ec_private:
      break;
    case ObjectType::rsa_pair:
    case ObjectType::rsa_pair_crt:
    case ObjectType::rsa_private:
    case ObjectType::rsa_private_crt:
      return fitting(rsa_sign(rsa_of(object), what.alg, what.input));
    default:
      return refuse(status::kConditions);
  }
  if (*object.curve == Curve::ed25519) {
    if (what.alg != keystore_se05x::kEddsa) return refuse(status::kConditions);
    CAM_TRY(const auto signature, fitting(ed25519_sign(ec_of(object), what.input)));
    return halves_reversed(signature);
  }
  const auto hash = digest_of_ecdsa(what.alg);
  if (!hash || what.input.size() != digest_size(*hash)) return refuse(status::kConditions);
  return fitting(ecdsa_sign(ec_of(object), what.input));
}

Sw<bool> verify_with(const Object& object, const Signing& what, BytesView signature) {
  switch (object.type) {
    case ObjectType::ec_pair:
    case ObjectType::ec_public:
      break;
    case ObjectType::rsa_pair:
    case ObjectType::rsa_pair_crt:
    case ObjectType::rsa_public:
      return fitting(rsa_verify(rsa_of(object), what.alg, what.input, signature));
    default:
      return refuse(status::kConditions);
  }
  if (*object.curve == Curve::ed25519) {
    if (what.alg != keystore_se05x::kEddsa) return refuse(status::kConditions);
    if (signature.size() != 64) return false;
    return fitting(ed25519_verify(ec_of(object), what.input, halves_reversed(signature)));
  }
  const auto hash = digest_of_ecdsa(what.alg);
  if (!hash || what.input.size() != digest_size(*hash)) return refuse(status::kConditions);
  return fitting(ecdsa_verify(ec_of(object), what.input, signature));
}
}  // namespace

Reply sign(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto what, read_signing(in));
  CAM_TRY_STATUS(field(in.finish()));
  CAM_TRY(const auto* object, use(call, what.id, may::kSign));
  CAM_TRY(const auto signature, sign_with(*object, what));
  return one(tag::k1, signature);
}

Reply verify(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto what, read_signing(in));
  CAM_TRY(const auto signature, field(in.need(tag::k5)));
  CAM_TRY_STATUS(field(in.finish()));
  CAM_TRY(const auto* object, use(call, what.id, may::kVerify));
  CAM_TRY(const auto good, verify_with(*object, what, signature));
  return yes_or_no(good);
}

// The secret goes to the host, or (7) into an HMAC key that exists and may be written.
Reply key_agreement(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto id, field(in.need_u32(tag::k1)));
  CAM_TRY(const auto peer, field(in.need(tag::k2)));
  CAM_TRY(const auto into, field(in.maybe_u32(tag::k7)));
  CAM_TRY_STATUS(field(in.finish()));
  CAM_TRY(const auto* object, use(call, id, may::kKeyAgreement));
  if ((object->type != ObjectType::ec_pair && object->type != ObjectType::ec_private) ||
      *object->curve == Curve::ed25519)
    return refuse(status::kConditions);
  const bool reversed = is_twisted(*object->curve);
  const Bytes point = reversed ? Bytes(peer.rbegin(), peer.rend()) : to_bytes(peer);
  CAM_TRY(auto secret, fitting(ecdh(ec_of(*object), point)));
  if (!into) return one(tag::k1, secret);
  CAM_TRY(auto* target, use(call, *into, may::kWrite));
  if (target->type != ObjectType::hmac) return refuse(status::kConditions);
  target->parts[tag::k3] = std::move(secret);
  target->origin = ObjectOrigin::internal;
  call.card.changed = true;
  return Bytes{};
}

Reply rsa_cipher(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto what, read_signing(in));
  CAM_TRY_STATUS(field(in.finish()));
  const bool encrypt = call.command.p2 == p2::kEncryptOneShot;
  CAM_TRY(const auto* object, use(call, what.id, encrypt ? may::kEncrypt : may::kDecrypt));
  const auto padding = static_cast<RsaCipher>(what.alg);
  if (padding != RsaCipher::none && padding != RsaCipher::pkcs1 && padding != RsaCipher::oaep)
    return refuse(status::kConditions);
  if (object->type < ObjectType::rsa_pair || object->type > ObjectType::rsa_public)
    return refuse(status::kConditions);
  CAM_TRY(const auto out, fitting(rsa_crypt(rsa_of(*object), padding, what.input, encrypt)));
  return one(tag::k1, out);
}

}  // namespace camvault::se05x_sim
