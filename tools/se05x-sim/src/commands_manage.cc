// The applet itself: version, random numbers, memory, locks. And the table of commands.
#include "camvault/base/byte_writer.h"
#include "card.h"
#include "soft_crypto.h"

namespace camvault::se05x_sim {

namespace {
constexpr std::uint16_t kFeatures = 0x3FFF;
constexpr std::uint16_t kSecureBox = 0x010B;
constexpr std::uint32_t kFreeMemory = 32 * 1024;
constexpr std::size_t kExtendedVersion = 37;
constexpr std::size_t kMaxRandom = 1016;

Bytes version_bytes(const Version& version) {
  ByteWriter out;
  out.u8(version.major);
  out.u8(version.minor);
  out.u8(version.patch);
  out.u16(kFeatures);
  out.u16(kSecureBox);
  return out.take();
}

Reply random_command(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto size, field(in.need_u16(tag::k1)));
  CAM_TRY_STATUS(field(in.finish()));
  if (size == 0 || size > kMaxRandom) return refuse(status::kWrongData);
  return one(tag::k1, random_bytes(size));
}

Reply platform_request(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto wanted, field(in.need_u8(tag::k1)));
  CAM_TRY_STATUS(field(in.finish()));
  if (call.user != keystore_se05x::object::kPlatformScp) return refuse(status::kSecurity);
  if (wanted != 1 && wanted != 2) return refuse(status::kWrongData);
  call.card.state().platform_required = wanted == 1;
  call.card.changed = true;
  return Bytes{};
}

Reply lock_command(const Call& call) {
  auto in = call.fields();
  CAM_TRY_STATUS(field(in.need_u8(tag::k1)));
  CAM_TRY(const auto wanted, field(in.need_u8(tag::k2)));
  CAM_TRY_STATUS(field(in.finish()));
  if (call.command.p2 == p2::kTransport) {
    if (call.user != keystore_se05x::object::kTransport) return refuse(status::kSecurity);
    call.card.state().locked = wanted == 1;
  } else {
    call.card.state().restricted = wanted;
  }
  call.card.changed = true;
  return Bytes{};
}
}  // namespace

Reply manage(const Call& call) {
  switch (call.command.p2) {
    case p2::kVersion:
      return one(tag::k1, version_bytes(call.card.version));
    case p2::kVersionExt: {
      auto bytes = version_bytes(call.card.version);
      bytes.resize(kExtendedVersion);
      return one(tag::k1, bytes);
    }
    case p2::kRandom:
      return random_command(call);
    case p2::kTime:
      return one(tag::k1, timestamp(call.card));
    case p2::kMemory:
      return call.card.version.is_7()
                 ? TlvWriter().u32(tag::k1, kFreeMemory).take()
                 : TlvWriter().u16(tag::k1, static_cast<std::uint16_t>(kFreeMemory)).take();
    case p2::kExist:
      return object_exists(call);
    case p2::kDeleteObject:
      return delete_object(call);
    case p2::kDeleteAll:
      return delete_all(call);
    case p2::kScp:
      return platform_request(call);
    case p2::kTransport:
    case p2::kRestrict:
      return lock_command(call);
    default:
      return refuse(status::kWrongP1P2);
  }
}

namespace {
Reply write_command(const Call& call) {
  switch (call.command.p1 & p1::kTypeMask) {
    case p1::kEc:
      return write_ec_key(call);
    case p1::kRsa:
      return write_rsa_key(call);
    case p1::kAes:
    case p1::kHmac:
      return write_symmetric_key(call);
    case p1::kBinary:
      return write_binary(call);
    case p1::kUserId:
      return write_user_id(call);
    case p1::kCounter:
      return write_counter(call);
    case p1::kPcr:
      return write_pcr(call);
    case p1::kCurve:
      return write_curve(call);
    case p1::kCryptoObject:
      return crypto_object(call);
    default:
      return refuse(status::kWrongP1P2);
  }
}

Reply read_command(const Call& call) {
  if (call.command.p1 == p1::kCurve) return read_curves(call);
  if (call.command.p1 == p1::kCryptoObject) return crypto_object_list(call);
  if (call.command.p1 != p1::kDefault) return refuse(status::kWrongP1P2);
  switch (call.command.p2) {
    case p2::kDefault:
      return read_object(call);
    case p2::kList:
      return read_list(call);
    case p2::kType:
      return read_type(call);
    case p2::kSize:
      return read_size(call);
    case p2::kAttributes:
      return read_attributes(call);
    default:
      return refuse(status::kWrongP1P2);
  }
}

Reply crypto_command(const Call& call) {
  const auto second = call.command.p2;
  const bool one_shot = second == p2::kEncryptOneShot || second == p2::kDecryptOneShot;
  switch (call.command.p1) {
    case p1::kSignature:
      return second == p2::kSign     ? sign(call)
             : second == p2::kVerify ? verify(call)
                                     : Reply(refuse(status::kWrongP1P2));
    case p1::kEc:
      return second == p2::kDh ? key_agreement(call) : Reply(refuse(status::kWrongP1P2));
    case p1::kRsa:
      return one_shot ? rsa_cipher(call) : Reply(refuse(status::kWrongP1P2));
    case p1::kCipher:
      return one_shot ? cipher_one_shot(call) : multi_step(call);
    case p1::kAead:
      return one_shot ? aead_one_shot(call) : multi_step(call);
    case p1::kMac:
      return second == p2::kGenerateOneShot || second == p2::kValidateOneShot ? mac_one_shot(call)
                                                                              : multi_step(call);
    case p1::kDefault:
      if (second == p2::kHkdf || second == p2::kHkdfExpand) return hkdf(call);
      if (second == p2::kPbkdf2) return pbkdf2_command(call);
      if (second == p2::kOneShot) return digest_one_shot(call);
      return multi_step(call);
    default:
      return refuse(status::kWrongP1P2);
  }
}

Reply dispatch(const Call& call) {
  if (call.command.cla != 0x80) return refuse(status::kUnknownClass);
  switch (call.command.ins & ins::kMask) {
    case ins::kWrite:
      return write_command(call);
    case ins::kRead:
      return read_command(call);
    case ins::kCrypto:
      return crypto_command(call);
    case ins::kManage:
      if (call.command.p1 == p1::kCryptoObject) return crypto_object(call);
      return manage(call);
    default:
      return refuse(status::kUnknownInstruction);
  }
}
}  // namespace

ResponseApdu run(Card& card, const CommandApdu& command, ObjectId user, bool secure) {
  auto reply = dispatch({card, command, user, secure});
  if (!reply) return {{}, reply.error()};
  if (reply->size() > keystore_se05x::kMaxResponseData) return {{}, status::kLength};
  if (!card.commit()) return {{}, status::kFull};
  return {std::move(*reply), status::kOk};
}

}  // namespace camvault::se05x_sim
