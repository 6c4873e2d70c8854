// AES-GCM: in one command where it fits, else in steps over a crypto object.
#include <algorithm>

#include "applet_calls.h"

namespace camvault::keystore_se05x {

namespace {
constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;
constexpr std::uint8_t kGood = 1;
constexpr std::uint16_t kScratch = 0x0C02;  // the crypto object that this host makes and removes

Bytes scratch() {
  return TlvWriter().u16(tag::k1, kScratch).take();
}
}  // namespace

// The element makes the nonce.
Result<Applet::Sealed> Applet::seal_gcm(ObjectId id, BytesView plain, BytesView additional) {
  if (plain.size() + additional.size() > kMaxOneShot) return seal_in_steps(id, plain, additional);
  TlvWriter fields;
  fields.u32(tag::k1, id).u8(tag::k2, static_cast<std::uint8_t>(CipherMode::aes_gcm_own_iv));
  if (!plain.empty()) fields.put(tag::k3, plain);
  if (!additional.empty()) fields.put(tag::k4, additional);
  fields.u16(tag::k5, kNonce).u16(tag::k6, kTag);
  CAM_TRY(const auto answer, run(ins::kCrypto, p1::kAead, p2::kEncryptOneShot, fields.take(), Repeat::safe));
  TlvReader in(answer);
  CAM_TRY(const auto data, in.maybe(tag::k1));
  CAM_TRY(const auto mark, in.need(tag::k2));
  CAM_TRY(const auto nonce, in.need(tag::k3));
  CAM_TRY_STATUS(in.finish());
  const auto sealed = data.value_or(BytesView());
  if (sealed.size() != plain.size() || mark.size() != kTag || nonce.size() != kNonce)
    return fail(Errc::malformed, "SE05x: sealed data of another size");
  return Sealed{to_bytes(nonce), to_bytes(sealed), to_bytes(mark)};
}

Result<Secret> Applet::open_gcm(ObjectId id, BytesView nonce, BytesView data, BytesView mark,
                                BytesView additional) {
  if (nonce.size() != kNonce || mark.size() != kTag)
    return fail(Errc::invalid, "sealed data of another form");
  if (data.size() + additional.size() > kMaxOneShot) return open_in_steps(id, nonce, data, mark, additional);
  TlvWriter fields;
  fields.u32(tag::k1, id).u8(tag::k2, static_cast<std::uint8_t>(CipherMode::aes_gcm));
  if (!data.empty()) fields.put(tag::k3, data);
  if (!additional.empty()) fields.put(tag::k4, additional);
  fields.put(tag::k5, nonce).put(tag::k6, mark);
  CAM_TRY(auto answer, run(ins::kCrypto, p1::kAead, p2::kDecryptOneShot, fields.take(), Repeat::safe));
  const WipeOnExit guard{answer};
  TlvReader in(answer);
  CAM_TRY(const auto plain, in.maybe(tag::k1));
  CAM_TRY(const auto result, in.need_u8(tag::k2));
  CAM_TRY_STATUS(in.finish());
  if (result != kGood) return fail(Errc::invalid, "sealed data was changed, or sealed by another key");
  if (plain.value_or(BytesView()).size() != data.size())
    return fail(Errc::malformed, "SE05x: data of another size");
  return Secret(plain.value_or(BytesView()));
}

// A crypto object for one operation. Steps are never repeated: the result would be that of other data.
template <class T>
Result<T> Applet::with_aead(ObjectId id, CipherMode mode, std::uint8_t direction, BytesView nonce,
                            const std::function<Result<T>(BytesView nonce)>& steps) {
  static_cast<void>(  // one that a cut of power has left
      run(ins::kManage, p1::kCryptoObject, p2::kDeleteObject, scratch(), Repeat::safe).has_value());
  auto result = [&]() -> Result<T> {
    CAM_TRY_STATUS(run(ins::kWrite, p1::kCryptoObject, p2::kDefault,
                       TlvWriter()
                           .u16(tag::k1, kScratch)
                           .u8(tag::k2, static_cast<std::uint8_t>(CryptoContext::aead))
                           .u8(tag::k3, static_cast<std::uint8_t>(mode))
                           .take(),
                       Repeat::never));
    TlvWriter fields;
    fields.u32(tag::k1, id).u16(tag::k2, kScratch);
    if (nonce.empty()) {
      fields.u16(tag::k5, kNonce);
      CAM_TRY(const auto made,
              run_for(tag::k3, ins::kCrypto, p1::kAead, direction, fields.take(), Repeat::never));
      if (made.size() != kNonce) return fail(Errc::malformed, "SE05x: nonce of another size");
      return steps(made);
    }
    fields.put(tag::k5, nonce);
    CAM_TRY_STATUS(run(ins::kCrypto, p1::kAead, direction, fields.take(), Repeat::never));
    return steps(nonce);
  }();
  static_cast<void>(
      run(ins::kManage, p1::kCryptoObject, p2::kDeleteObject, scratch(), Repeat::safe).has_value());
  return result;
}

Status Applet::aead_additional(BytesView additional) {
  while (!additional.empty()) {
    const auto piece = additional.first(std::min(kPiece, additional.size()));
    CAM_TRY_STATUS(run(ins::kCrypto, p1::kAead, p2::kUpdate,
                       TlvWriter().u16(tag::k2, kScratch).put(tag::k4, piece).take(), Repeat::never));
    additional = additional.subspan(piece.size());
  }
  return ok();
}

Status Applet::aead_data(BytesView data, std::span<std::uint8_t> out) {
  while (!data.empty()) {
    const auto piece = data.first(std::min(kPiece, data.size()));
    CAM_TRY(auto turned,
            run_for(tag::k1, ins::kCrypto, p1::kAead, p2::kUpdate,
                    TlvWriter().u16(tag::k2, kScratch).put(tag::k3, piece).take(), Repeat::never));
    if (turned.size() != piece.size()) return fail(Errc::malformed, "SE05x: data of another size");
    std::copy(turned.begin(), turned.end(), out.begin());
    wipe(turned.data(), turned.size());
    out = out.subspan(piece.size());
    data = data.subspan(piece.size());
  }
  return ok();
}

Result<Applet::Sealed> Applet::seal_in_steps(ObjectId id, BytesView plain, BytesView additional) {
  return with_aead<Sealed>(
      id, CipherMode::aes_gcm_own_iv, p2::kEncrypt, {}, [&](BytesView nonce) -> Result<Sealed> {
        Sealed out{to_bytes(nonce), Bytes(plain.size()), {}};
        CAM_TRY_STATUS(aead_additional(additional));
        CAM_TRY_STATUS(aead_data(plain, out.data));
        CAM_TRY(out.tag, run_for(tag::k2, ins::kCrypto, p1::kAead, p2::kFinal,
                                 TlvWriter().u16(tag::k2, kScratch).take(), Repeat::never));
        if (out.tag.size() != kTag) return fail(Errc::malformed, "SE05x: tag of another size");
        return out;
      });
}

Result<Secret> Applet::open_in_steps(ObjectId id, BytesView nonce, BytesView data, BytesView mark,
                                     BytesView additional) {
  return with_aead<Secret>(id, CipherMode::aes_gcm, p2::kDecrypt, nonce, [&](BytesView) -> Result<Secret> {
    CAM_TRY_STATUS(aead_additional(additional));
    Status status = ok();
    auto plain =
        Secret::make(data.size(), [&](std::span<std::uint8_t> room) { status = aead_data(data, room); });
    CAM_TRY_STATUS(status);
    // The element has given the plaintext already; nobody sees it before the tag is right.
    CAM_TRY(const auto result,
            run_for(tag::k2, ins::kCrypto, p1::kAead, p2::kFinal,
                    TlvWriter().u16(tag::k2, kScratch).put(tag::k6, mark).take(), Repeat::never));
    if (result.size() != 1 || result[0] != kGood)
      return fail(Errc::invalid, "sealed data was changed, or sealed by another key");
    return plain;
  });
}

}  // namespace camvault::keystore_se05x
