// Operations in several steps over crypto objects: MACs, digests, AES, AES-GCM. What came is collected and
// worked on at the end, or as far as whole answers can be given.
#include <algorithm>

#include "camvault/base/byte_writer.h"
#include "card.h"
#include "soft_crypto.h"

namespace camvault::se05x_sim {

namespace {
using keystore_se05x::CryptoContext;

constexpr std::size_t kMaxCryptoObjects = 16;
constexpr std::size_t kMaxCollected = 256 * 1024;
constexpr std::size_t kGcmIv = 12;

Sw<CryptoObject*> find(const Call& call, std::uint16_t id) {
  const auto found = call.card.crypto_objects.find(id);
  if (found == call.card.crypto_objects.end()) return refuse(status::kConditions);
  return &found->second;
}

Sw<void> collect(Bytes& into, BytesView more) {
  if (more.size() > kMaxCollected - into.size()) return refuse(status::kFull);
  append(into, more);
  return {};
}

void restart(CryptoObject& object) {
  object = {.context = object.context, .subtype = object.subtype, .iv = {}, .additional = {}, .data = {}};
}

Sw<const Object*> key_for(const Call& call, const CryptoObject& object, std::uint32_t right) {
  CAM_TRY(const Object* key, use(call, object.key, right));
  return key;
}

Sw<CryptoObject*> started(const Call& call, std::uint16_t id, CryptoContext context) {
  CAM_TRY(auto* object, find(call, id));
  if (!object->started || object->context != static_cast<std::uint8_t>(context))
    return refuse(status::kConditions);
  return object;
}

// Init of a MAC, a cipher or an AEAD: key, crypto object, perhaps a vector.
Reply begin(const Call& call, CryptoContext context, std::uint32_t right) {
  auto in = call.fields();
  CAM_TRY(const auto key, field(in.need_u32(tag::k1)));
  CAM_TRY(const auto id, field(in.need_u16(tag::k2)));
  CAM_TRY(const auto iv4, field(in.maybe(tag::k4)));
  CAM_TRY(const auto iv5, field(in.maybe(tag::k5)));
  CAM_TRY_STATUS(field(in.finish()));
  CAM_TRY(auto* object, find(call, id));
  if (object->context != static_cast<std::uint8_t>(context)) return refuse(status::kConditions);
  CAM_TRY_STATUS(use(call, key, right));
  restart(*object);
  object->started = true;
  object->operation = call.command.p2;
  object->key = key;
  const bool own = context == CryptoContext::aead &&
                   static_cast<CipherMode>(object->subtype) == CipherMode::aes_gcm_own_iv &&
                   call.command.p2 == p2::kEncrypt;
  if (own) {
    object->iv = random_bytes(kGcmIv);
    return one(tag::k3, object->iv);
  }
  object->iv =
      to_bytes(context == CryptoContext::aead ? iv5.value_or(BytesView()) : iv4.value_or(BytesView()));
  return Bytes{};
}

Reply mac_step(const Call& call) {
  if (call.command.p2 == p2::kGenerate) return begin(call, CryptoContext::signature, may::kSign);
  if (call.command.p2 == p2::kValidate) return begin(call, CryptoContext::signature, may::kVerify);
  auto in = call.fields();
  CAM_TRY(const auto data, field(in.maybe(tag::k1)));
  CAM_TRY(const auto id, field(in.need_u16(tag::k2)));
  CAM_TRY(const auto given, field(in.maybe(tag::k3)));
  CAM_TRY_STATUS(field(in.finish()));
  CAM_TRY(auto* object, started(call, id, CryptoContext::signature));
  CAM_TRY_STATUS(collect(object->data, data.value_or(BytesView())));
  if (call.command.p2 == p2::kUpdate) return Bytes{};
  const bool generate = object->operation == p2::kGenerate;
  CAM_TRY(const auto* key, key_for(call, *object, generate ? may::kSign : may::kVerify));
  auto computed = fitting(mac(static_cast<MacAlg>(object->subtype), key->part(tag::k3), object->data));
  restart(*object);
  CAM_TRY(const auto bytes, std::move(computed));
  if (generate) return one(tag::k1, bytes);
  return yes_or_no(given && equal_constant_time(*given, bytes));
}

Reply digest_step(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto id, field(in.need_u16(tag::k2)));
  CAM_TRY(const auto data, field(in.maybe(tag::k3)));
  CAM_TRY_STATUS(field(in.finish()));
  CAM_TRY(auto* object, find(call, id));
  if (object->context != static_cast<std::uint8_t>(CryptoContext::digest)) return refuse(status::kConditions);
  if (call.command.p2 == p2::kInit) {
    restart(*object);
    object->started = true;
    return Bytes{};
  }
  if (!object->started) return refuse(status::kConditions);
  CAM_TRY_STATUS(collect(object->data, data.value_or(BytesView())));
  if (call.command.p2 == p2::kUpdate) return Bytes{};
  auto computed = fitting(digest(static_cast<DigestAlg>(object->subtype), object->data));
  restart(*object);
  CAM_TRY(const auto bytes, std::move(computed));
  return one(tag::k1, bytes);
}

// Whole blocks are answered at once; the modes here give the same bytes for a prefix as for the whole.
Sw<Bytes> more_output(CryptoObject& object, const Bytes& all, bool final) {
  const auto end = final ? all.size() : all.size() / 16 * 16;
  Bytes out(all.begin() + static_cast<std::ptrdiff_t>(object.given),
            all.begin() + static_cast<std::ptrdiff_t>(end));
  object.given = end;
  return out;
}

Reply cipher_step(const Call& call) {
  if (call.command.p2 == p2::kEncrypt) return begin(call, CryptoContext::cipher, may::kEncrypt);
  if (call.command.p2 == p2::kDecrypt) return begin(call, CryptoContext::cipher, may::kDecrypt);
  auto in = call.fields();
  CAM_TRY(const auto id, field(in.need_u16(tag::k2)));
  CAM_TRY(const auto data, field(in.maybe(tag::k3)));
  CAM_TRY_STATUS(field(in.finish()));
  CAM_TRY(auto* object, started(call, id, CryptoContext::cipher));
  CAM_TRY_STATUS(collect(object->data, data.value_or(BytesView())));
  const bool final = call.command.p2 == p2::kFinal;
  const bool encrypt = object->operation == p2::kEncrypt;
  CAM_TRY(const auto* key, key_for(call, *object, encrypt ? may::kEncrypt : may::kDecrypt));
  const auto mode = static_cast<CipherMode>(object->subtype);
  const bool whole_blocks_only = mode != CipherMode::aes_ctr && !final;
  const auto size = whole_blocks_only ? object->data.size() / 16 * 16 : object->data.size();
  CAM_TRY(const auto all, fitting(aes_crypt(key->part(tag::k3), mode, object->iv,
                                            BytesView(object->data).first(size), encrypt)));
  CAM_TRY(const auto out, more_output(*object, all, final));
  if (final) restart(*object);
  return one(tag::k1, out);
}

// Plaintext of a decryption is given before its tag is checked, as the applet does: the host must wait for
// Final.
Reply aead_step(const Call& call) {
  if (call.command.p2 == p2::kEncrypt) return begin(call, CryptoContext::aead, may::kEncrypt);
  if (call.command.p2 == p2::kDecrypt) return begin(call, CryptoContext::aead, may::kDecrypt);
  auto in = call.fields();
  CAM_TRY(const auto id, field(in.need_u16(tag::k2)));
  CAM_TRY(const auto data, field(in.maybe(tag::k3)));
  CAM_TRY(const auto additional, field(in.maybe(tag::k4)));
  CAM_TRY(const auto given, field(in.maybe(tag::k6)));
  CAM_TRY_STATUS(field(in.finish()));
  CAM_TRY(auto* object, started(call, id, CryptoContext::aead));
  if (additional && !object->data.empty()) return refuse(status::kConditions);
  CAM_TRY_STATUS(collect(object->additional, additional.value_or(BytesView())));
  CAM_TRY_STATUS(collect(object->data, data.value_or(BytesView())));
  if (additional && !data) return Bytes{};
  const bool encrypt = object->operation == p2::kEncrypt;
  CAM_TRY(const auto* key, key_for(call, *object, encrypt ? may::kEncrypt : may::kDecrypt));
  const BytesView secret = key->part(tag::k3);
  if (call.command.p2 == p2::kUpdate) {
    // GCM is counter mode: the operation that encrypts decrypts as well.
    CAM_TRY(const auto all, fitting(gcm_encrypt(secret, object->iv, object->additional, object->data, 16)));
    CAM_TRY(const auto out, more_output(*object, all.data, true));
    return one(tag::k1, out);
  }
  if (!encrypt) {
    if (!given) return refuse(status::kConditions);
    auto opened = fitting(gcm_decrypt(secret, object->iv, object->additional, object->data, *given));
    restart(*object);
    CAM_TRY(const auto result, std::move(opened));
    return TlvWriter().u8(tag::k2, result.has_value() ? 1 : 2).take();
  }
  auto sealed = fitting(gcm_encrypt(secret, object->iv, object->additional, object->data, 16));
  restart(*object);
  CAM_TRY(const auto result, std::move(sealed));
  return one(tag::k2, result.tag);
}
}  // namespace

Reply crypto_object(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto id, field(in.need_u16(tag::k1)));
  if ((call.command.ins & ins::kMask) == ins::kManage) {
    CAM_TRY_STATUS(field(in.finish()));
    return call.card.crypto_objects.erase(id) == 1 ? Reply(Bytes{}) : Reply(refuse(status::kConditions));
  }
  CAM_TRY(const auto context, field(in.need_u8(tag::k2)));
  CAM_TRY(const auto subtype, field(in.need_u8(tag::k3)));
  CAM_TRY_STATUS(field(in.finish()));
  if (id == 0 || call.card.crypto_objects.contains(id)) return refuse(status::kConditions);
  if (call.card.crypto_objects.size() >= kMaxCryptoObjects) return refuse(status::kFull);
  call.card.crypto_objects[id] = {
      .context = context, .subtype = subtype, .iv = {}, .additional = {}, .data = {}};
  return Bytes{};
}

Reply crypto_object_list(const Call& call) {
  ByteWriter list;
  for (const auto& [id, object] : call.card.crypto_objects) {
    list.u16(id);
    list.u8(object.context);
    list.u8(object.subtype);
  }
  return one(tag::k1, list.view());
}

Reply multi_step(const Call& call) {
  switch (call.command.p1) {
    case p1::kDefault:
      return digest_step(call);
    case p1::kMac:
      return mac_step(call);
    case p1::kCipher:
      return cipher_step(call);
    case p1::kAead:
      return aead_step(call);
    default:
      return refuse(status::kWrongP1P2);
  }
}

}  // namespace camvault::se05x_sim
