#include "se05x_answer.h"

#include <algorithm>

#include "camvault/base/byte_reader.h"
#include "camvault/crypto/key_encoding.h"

namespace camvault::attestation {

using crypto::KeyAlg;

namespace {
constexpr std::uint8_t kTag1 = 0x41;
constexpr std::uint8_t kTag2 = 0x42;
constexpr std::uint8_t kTag3 = 0x43;
constexpr std::uint8_t kTag4 = 0x44;
constexpr std::uint8_t kTag5 = 0x45;
constexpr std::uint8_t kTag6 = 0x46;
constexpr std::uint8_t kTag7 = 0x47;
constexpr std::uint8_t kTimestamp = 0x4f;

constexpr std::uint32_t kRequirePcr = 0x00010000;
// WRAP, WRITE, GEN, IMPORT_EXPORT: whoever has one of these takes the key out or puts another in its place.
constexpr std::uint32_t kMayLeave = 0x00400000 | 0x00100000 | 0x00080000 | 0x00001000;

constexpr std::size_t kFreshness = 16;
constexpr std::size_t kUniqueId = 18;
constexpr std::size_t kTime = 12;
constexpr std::size_t kMaxRules = 8;
constexpr std::size_t kPcrCondition = 4 + 32;
constexpr std::uint8_t kNotForLogin = 1;

tl::unexpected<Error> malformed(const char* what) {
  return fail(Errc::malformed, std::string("attestation: ") + what);
}

// One byte of tag, a BER length of one to three bytes, the value.
Result<BytesView> read_field(ByteReader& in, std::uint8_t wanted) {
  CAM_TRY(const auto tag, in.u8());
  if (tag != wanted) return malformed("another field of the element than the one that belongs here");
  CAM_TRY(const auto first, in.u8());
  std::size_t size = first;
  if (first == 0x81) {
    CAM_TRY(size, in.u8());
  } else if (first == 0x82) {
    CAM_TRY(size, in.u16());
  } else if (first > 0x7f) {
    return malformed("a length of the element");
  }
  return in.take(size);
}
bool is_next(ByteReader in, std::uint8_t tag) {
  const auto next = in.u8();
  return next && *next == tag;
}

struct Command {
  std::uint32_t object = 0;
  Bytes freshness;
};

// 80 22 00 00, three bytes of length, fields.
Result<Command> read_command(BytesView bytes) {
  ByteReader in(bytes);
  CAM_TRY(const auto header, in.u32());
  if (header != 0x80220000) return malformed("not an attested read");
  CAM_TRY(const auto size, in.u24());
  if (size != in.remaining()) return malformed("a command of another length");
  Command out;
  CAM_TRY(const auto object, read_field(in, kTag1));
  ByteReader id(object);
  CAM_TRY(out.object, id.u32());
  CAM_TRY_STATUS(id.finish());
  CAM_TRY_STATUS(read_field(in, kTag5));  // the attester: who it is says its certificate
  CAM_TRY(const auto alg, read_field(in, kTag6));
  if (alg.size() != 1 || alg[0] != 0x21) return malformed("an algorithm other than ECDSA with SHA-256");
  CAM_TRY(const auto freshness, read_field(in, kTag7));
  if (freshness.size() != kFreshness) return malformed("a freshness of another size");
  out.freshness = to_bytes(freshness);
  CAM_TRY_STATUS(in.finish());
  return out;
}

Result<bool> policy_lets_go(BytesView policy) {
  ByteReader all(policy);
  bool leaves = policy.empty();  // no policy: the applet's default, which allows nearly everything
  for (std::size_t rules = 0; !all.at_end(); ++rules) {
    if (rules == kMaxRules) return malformed("a policy with too many rules");
    CAM_TRY(const auto size, all.u8());
    CAM_TRY(auto rule, all.sub(size));
    CAM_TRY_STATUS(rule.u32());  // for whom
    CAM_TRY(const auto rights, rule.u32());
    leaves = leaves || (rights & kMayLeave) != 0;
    if ((rights & kRequirePcr) != 0) CAM_TRY_STATUS(rule.skip(kPcrCondition));
    CAM_TRY_STATUS(rule.finish());
  }
  return leaves;
}

Result<KeyOrigin> origin_of(std::uint8_t number) {
  switch (number) {
    case 1:
      return KeyOrigin::imported;
    case 2:
      return KeyOrigin::generated_inside;
    case 3:
      return KeyOrigin::trust_provisioned;  // by the element's maker
    default:
      return malformed("an origin that the element does not have");
  }
}

// id, type, login, attempts, owner, limit, policy, origin and, of applets 7.x, a version.
Status read_attributes(BytesView bytes, const Command& command, unsigned generation, Se05xAnswer& out) {
  const std::size_t tail = generation == 7 ? 5 : 1;
  ByteReader in(bytes);
  CAM_TRY(const auto id, in.u32());
  if (id != command.object) return malformed("attributes of another object");
  CAM_TRY(out.type, in.u8());
  CAM_TRY(const auto login, in.u8());
  if (login != kNotForLogin) return malformed("an object for logging in, not a key");
  CAM_TRY_STATUS(in.skip(2 + 4 + 2));
  if (in.remaining() < tail) return malformed("attributes that are too short");
  CAM_TRY(const auto policy, in.take(in.remaining() - tail));
  CAM_TRY(out.leaves, policy_lets_go(policy));
  CAM_TRY(const auto origin, in.u8());
  CAM_TRY(out.origin, origin_of(origin));
  return ok();
}

Status read_fixed(ByteReader& in, std::uint8_t tag, std::size_t size) {
  CAM_TRY(const auto value, read_field(in, tag));
  return value.size() == size ? ok() : Status(malformed("a field of the element of another size"));
}

// Applets 7.x name the curve in the type: pairs are 0x21, 0x25, ... and 0x65 for Ed25519.
bool is_pair_of(std::uint8_t type, KeyAlg alg) {
  if (crypto::is_rsa(alg)) return type == 0x04 || type == 0x05;
  if (type == 0x01) return true;
  switch (alg) {
    case KeyAlg::ec_p256:
      return type == 0x29;
    case KeyAlg::ec_p384:
      return type == 0x2d;
    case KeyAlg::ec_p521:
      return type == 0x31;
    case KeyAlg::ed25519:
      return type == 0x65;
    default:
      return false;
  }
}
}  // namespace

Result<Se05xAnswer> read_se05x_answer(const ModuleEvidence& evidence) {
  CAM_TRY(const auto command, read_command(evidence.context));
  Se05xAnswer out;
  ByteReader in(evidence.statement);
  if (is_next(in, kTag1)) {
    CAM_TRY(const auto value, read_field(in, kTag1));
    out.value = to_bytes(value);
  }
  if (evidence.generation == 7) {
    CAM_TRY_STATUS(read_fixed(in, kTag2, kUniqueId));
    CAM_TRY(const auto attributes, read_field(in, kTag3));
    CAM_TRY_STATUS(read_attributes(attributes, command, 7, out));
    CAM_TRY_STATUS(read_fixed(in, kTag4, 2));
    CAM_TRY_STATUS(read_fixed(in, kTimestamp, kTime));
    out.freshness = command.freshness;  // signed within the command
  } else {
    CAM_TRY(const auto attributes, read_field(in, kTag2));
    CAM_TRY_STATUS(read_attributes(attributes, command, 3, out));
    CAM_TRY_STATUS(read_fixed(in, kTag3, kTime));
    CAM_TRY(const auto freshness, read_field(in, kTag4));
    out.freshness = to_bytes(freshness);
    CAM_TRY_STATUS(read_fixed(in, kTag5, kUniqueId));
  }
  CAM_TRY_STATUS(in.finish());
  return out;
}

Result<Bytes> se05x_signed_bytes(const ModuleEvidence& evidence,
                                 const std::function<crypto::Digest(BytesView)>& sha256) {
  if (evidence.generation == 7) {
    auto covered = to_bytes(sha256(evidence.context).view());
    append(covered, evidence.statement);
    return covered;
  }
  Bytes covered;
  ByteReader in(evidence.statement);
  for (const auto tag : {kTag1, kTag2, kTag3, kTag4, kTag5}) {
    if (tag == kTag1 && !is_next(in, kTag1)) continue;
    CAM_TRY(const auto value, read_field(in, tag));
    append(covered, value);
  }
  CAM_TRY_STATUS(in.finish());
  return covered;
}

Result<Bytes> se05x_spki(const Se05xAnswer& answer, KeyAlg alg) {
  if (!is_pair_of(answer.type, alg)) return malformed("the element's object is no key pair of that kind");
  constexpr std::uint8_t kUsualExponent[] = {0x01, 0x00, 0x01};
  if (crypto::is_rsa(alg)) return crypto::spki_of_rsa(alg, answer.value, kUsualExponent);
  auto point = answer.value;
  if (alg == KeyAlg::ed25519) std::reverse(point.begin(), point.end());  // the element's order
  return crypto::spki_of_point(alg, point);
}

}  // namespace camvault::attestation
