// Use of keys: signatures, key agreement, MACs, AES-GCM, key derivation.
#include <algorithm>

#include "applet_calls.h"

namespace camvault::keystore_se05x {

namespace {
constexpr std::size_t kEd25519Signature = 64;
constexpr std::uint8_t kGood = 1;
constexpr std::uint16_t kScratchMac = 0x0C01;  // the crypto object that this host makes and removes

Secret absorbed(Result<Bytes>& bytes) {
  return Secret::absorb(std::move(*bytes));
}

// Ed25519 signatures come with R and S reversed, each for itself (AN12413, 4.10).
void reverse_halves(Bytes& signature) {
  const auto middle = signature.begin() + static_cast<std::ptrdiff_t>(signature.size() / 2);
  std::reverse(signature.begin(), middle);
  std::reverse(middle, signature.end());
}

tl::unexpected<Error> too_long() {
  return fail(Errc::limit, "SE05x: the element takes at most 800 bytes at once");
}
}  // namespace

Result<Bytes> Applet::sign_ecdsa(ObjectId id, EcdsaAlg alg, BytesView digest) {
  return run_for(
      tag::k1, ins::kCrypto, p1::kSignature, p2::kSign,
      TlvWriter().u32(tag::k1, id).u8(tag::k2, static_cast<std::uint8_t>(alg)).put(tag::k3, digest).take(),
      Repeat::safe);
}

Result<Bytes> Applet::sign_ed25519(ObjectId id, BytesView message) {
  if (message.size() > kMaxOneShot) return too_long();
  CAM_TRY(
      auto signature,
      run_for(tag::k1, ins::kCrypto, p1::kSignature, p2::kSign,
              TlvWriter().u32(tag::k1, id).u8(tag::k2, kEddsa).put(tag::k3, message).take(), Repeat::safe));
  if (signature.size() != kEd25519Signature) return fail(Errc::malformed, "SE05x: signature of another size");
  reverse_halves(signature);
  return signature;
}

// With the message, which the element hashes and pads itself. There is no other way: signing a digest would
// need RSADecrypt without padding, and a key that allows that signs and decrypts anything.
Result<Bytes> Applet::sign_rsa(ObjectId id, RsaAlg alg, BytesView message) {
  if (message.size() > kMaxOneShot) return too_long();
  return run_for(
      tag::k1, ins::kCrypto, p1::kSignature, p2::kSign,
      TlvWriter().u32(tag::k1, id).u8(tag::k2, static_cast<std::uint8_t>(alg)).put(tag::k3, message).take(),
      Repeat::safe);
}

Result<bool> Applet::verify_ecdsa(ObjectId id, EcdsaAlg alg, BytesView digest, BytesView signature) {
  CAM_TRY(const auto result, run_for(tag::k1, ins::kCrypto, p1::kSignature, p2::kVerify,
                                     TlvWriter()
                                         .u32(tag::k1, id)
                                         .u8(tag::k2, static_cast<std::uint8_t>(alg))
                                         .put(tag::k3, digest)
                                         .put(tag::k5, signature)
                                         .take(),
                                     Repeat::safe));
  return result.size() == 1 && result[0] == kGood;
}

Result<Secret> Applet::agree(ObjectId id, Curve curve, BytesView peer) {
  auto secret = run_for(
      tag::k1, ins::kCrypto, p1::kEc, p2::kDh,
      TlvWriter().u32(tag::k1, id).put(tag::k2, is_reversed(curve) ? reversed(peer) : to_bytes(peer)).take(),
      Repeat::safe);
  if (!secret) return tl::unexpected(std::move(secret).error());
  auto coordinate = absorbed(secret);
  // Zeros at its beginning belong to it: what is shorter would be another key.
  const auto size = is_reversed(curve) ? peer.size() : (peer.size() - 1) / 2;
  if (coordinate.size() != size) return fail(Errc::malformed, "SE05x: shared secret of another size");
  return coordinate;
}

Status Applet::agree_into(ObjectId id, Curve curve, BytesView peer, ObjectId target) {
  CAM_TRY_STATUS(run(ins::kCrypto, p1::kEc, p2::kDh,
                     TlvWriter()
                         .u32(tag::k1, id)
                         .put(tag::k2, is_reversed(curve) ? reversed(peer) : to_bytes(peer))
                         .u32(tag::k7, target)
                         .take(),
                     Repeat::safe));
  return ok();
}

Result<Bytes> Applet::mac(ObjectId id, MacAlg alg, BytesView message) {
  if (message.size() > kMaxOneShot) return mac_in_steps(id, alg, message);
  return run_for(
      tag::k1, ins::kCrypto, p1::kMac, p2::kGenerateOneShot,
      TlvWriter().u32(tag::k1, id).u8(tag::k2, static_cast<std::uint8_t>(alg)).put(tag::k3, message).take(),
      Repeat::safe);
}

// A step whose answer is lost must not be taken twice: the MAC would be that of another message.
Result<Bytes> Applet::mac_in_steps(ObjectId id, MacAlg alg, BytesView message) {
  const auto scratch = [] { return TlvWriter().u16(tag::k1, kScratchMac).take(); };
  static_cast<void>(  // one that a cut of power has left
      run(ins::kManage, p1::kCryptoObject, p2::kDeleteObject, scratch(), Repeat::safe).has_value());
  auto result = [&]() -> Result<Bytes> {
    // Sub-types of MACs are the algorithms' own numbers (AN12413, table "CryptoObject").
    CAM_TRY_STATUS(run(ins::kWrite, p1::kCryptoObject, p2::kDefault,
                       TlvWriter()
                           .u16(tag::k1, kScratchMac)
                           .u8(tag::k2, static_cast<std::uint8_t>(CryptoContext::signature))
                           .u8(tag::k3, static_cast<std::uint8_t>(alg))
                           .take(),
                       Repeat::never));
    CAM_TRY_STATUS(run(ins::kCrypto, p1::kMac, p2::kGenerate,
                       TlvWriter().u32(tag::k1, id).u16(tag::k2, kScratchMac).take(), Repeat::never));
    while (message.size() > kPiece) {
      CAM_TRY_STATUS(run(ins::kCrypto, p1::kMac, p2::kUpdate,
                         TlvWriter().put(tag::k1, message.first(kPiece)).u16(tag::k2, kScratchMac).take(),
                         Repeat::never));
      message = message.subspan(kPiece);
    }
    return run_for(tag::k1, ins::kCrypto, p1::kMac, p2::kFinal,
                   TlvWriter().put(tag::k1, message).u16(tag::k2, kScratchMac).take(), Repeat::never);
  }();
  static_cast<void>(
      run(ins::kManage, p1::kCryptoObject, p2::kDeleteObject, scratch(), Repeat::safe).has_value());
  return result;
}

Result<Secret> Applet::hkdf(ObjectId id, DigestAlg alg, BytesView salt, BytesView info, std::uint16_t size) {
  TlvWriter fields;
  fields.u32(tag::k1, id).u8(tag::k2, static_cast<std::uint8_t>(alg));
  if (!salt.empty()) fields.put(tag::k3, salt);
  if (!info.empty()) fields.put(tag::k4, info);
  fields.u16(tag::k5, size);
  auto derived = run_for(tag::k1, ins::kCrypto, p1::kDefault, p2::kHkdf, fields.take(), Repeat::safe);
  if (!derived) return tl::unexpected(std::move(derived).error());
  return absorbed(derived);
}

Result<Secret> Applet::pbkdf2(ObjectId id, MacAlg alg, BytesView salt, std::uint16_t rounds,
                              std::uint16_t size) {
  TlvWriter fields;
  fields.u32(tag::k1, id).put(tag::k2, salt).u16(tag::k3, rounds).u16(tag::k4, size);
  if (alg != MacAlg::hmac_sha1) fields.u8(tag::k5, static_cast<std::uint8_t>(alg));
  auto derived = run_for(tag::k1, ins::kCrypto, p1::kDefault, p2::kPbkdf2, fields.take(), Repeat::safe);
  if (!derived) return tl::unexpected(std::move(derived).error());
  return absorbed(derived);
}

}  // namespace camvault::keystore_se05x
