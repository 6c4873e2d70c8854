#include "axis/attestation.h"

#include <algorithm>

#include "camvault/base/byte_reader.h"
#include "camvault/base/byte_writer.h"

namespace camvault::signed_video::axis {

namespace {

constexpr std::size_t kMaxCertificates = 8;  // Axis' cameras send two; the root never travels
constexpr std::size_t kChipIdSize = 18;
constexpr std::string_view kCommonNamePrefix = "Axis Edge Vault Attestation ";
constexpr std::array<std::uint8_t, 4> kChipIdPrefix = {0x04, 0x00, 0x50, 0x01};
// DER of a P-256 SubjectPublicKeyInfo up to the uncompressed point (RFC 5480).
constexpr std::array<std::uint8_t, 26> kP256Prefix = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                                      0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                                      0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
constexpr std::size_t kPointSize = 65;

// What the element was asked: read an object with attestation, with this freshness value.
constexpr std::array<std::uint8_t, 40> kCommand = {
    0x80, 0x22, 0x00, 0x00, 0x00, 0x00, 0x21, 0x41, 0x04, 0x7b, 0x00, 0x02, 0x01, 0x45,
    0x04, 0xf0, 0x00, 0x00, 0x12, 0x46, 0x01, 0x21, 0x47, 0x10, 0x92, 0xbb, 0xed, 0xfb,
    0x98, 0x82, 0xac, 0x16, 0xc7, 0xf0, 0x1a, 0xe4, 0x59, 0x05, 0x96, 0x04};
// The object's attributes: a key that was made inside and never leaves.
constexpr std::array<std::uint8_t, 37> kAttributes = {
    0x7b, 0x00, 0x02, 0x01, 0x29, 0x01, 0x00, 0x00, 0x7b, 0x00, 0x00, 0x03, 0x00,
    0x00, 0x08, 0x7b, 0x00, 0x00, 0x03, 0x1f, 0x3c, 0x00, 0x00, 0x08, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x20, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00};
constexpr std::size_t kTimestampSize = 12;

Result<Bytes> chip_id_of(const crypto::Certificate& leaf) {
  const std::string_view name = leaf.common_name;
  if (!name.starts_with(kCommonNamePrefix))
    return fail(Errc::malformed, "the attestation certificate does not name a chip");
  CAM_TRY(auto id, from_hex(name.substr(kCommonNamePrefix.size())));
  if (id.size() != kChipIdSize || !equal(BytesView(id).first(kChipIdPrefix.size()), kChipIdPrefix))
    return fail(Errc::malformed, "the attestation certificate names no chip that Axis uses");
  return id;
}

}  // namespace

Result<Attestation> read_attestation(const crypto::Engine& engine, const AxisFields& fields) {
  Attestation attestation;
  CAM_TRY(attestation.chain, engine.certificates_from_pem(fields.attestation_chain, kMaxCertificates));
  if (attestation.chain.empty() || attestation.chain.front().key == nullptr)
    return fail(Errc::malformed, "attestation without a certificate");
  attestation.factory_provisioned = fields.attestation.empty();
  if (attestation.factory_provisioned) return attestation;
  ByteReader in(fields.attestation);
  CAM_TRY_STATUS(in.skip(2 + 2 + 4));  // header, version, object id
  CAM_TRY(const auto items, in.u8());
  if (items != 1) return fail(Errc::malformed, "attestation of more than one object");
  CAM_TRY(const auto timestamp, in.take(kTimestampSize));
  CAM_TRY(const auto size, in.u16());
  CAM_TRY(const auto signature, in.take(size));
  CAM_TRY_STATUS(in.finish());
  attestation.timestamp = to_bytes(timestamp);
  attestation.signature = to_bytes(signature);
  return attestation;
}

std::string mismatch_of(const crypto::Engine& engine, const Attestation& attestation,
                        const crypto::PublicKey& key) {
  const auto& leaf = attestation.chain.front();
  const auto spki = key.spki_der();
  if (attestation.factory_provisioned) {
    return leaf.key->spki_der() == spki ? std::string()
                                        : "the certificate in the clip belongs to another key";
  }
  if (spki.size() != kP256Prefix.size() + kPointSize ||
      !equal(BytesView(spki).first(kP256Prefix.size()), kP256Prefix)) {
    return "the signing key is not of the kind that the attestation speaks about";
  }
  const auto chip = chip_id_of(leaf);
  if (!chip) return chip.error().what;
  ByteWriter out;
  const auto field = [&](std::uint8_t tag, BytesView value) {
    out.u8(tag);
    out.u8(0x82);  // a length of two bytes follows
    out.u16(static_cast<std::uint16_t>(value.size()));
    out.raw(value);
  };
  constexpr std::array<std::uint8_t, 2> kObjectSize = {0x00, 0x20};
  out.raw(engine.digest(crypto::HashAlg::sha256, kCommand).view());
  field(0x41, BytesView(spki).subspan(kP256Prefix.size()));
  field(0x42, *chip);
  field(0x43, kAttributes);
  field(0x44, kObjectSize);
  field(0x4f, attestation.timestamp);
  const auto digest = engine.digest(crypto::HashAlg::sha256, out.view());
  const bool good = crypto::is_ecdsa(leaf.key->alg()) &&
                    leaf.key->verify_digest(crypto::SignatureScheme::ecdsa, crypto::HashAlg::sha256, digest,
                                            attestation.signature);
  return good ? std::string() : "the attestation does not vouch for the signing key";
}

std::string serial_of(const Attestation& attestation) {
  const auto& leaf = attestation.chain.front();
  if (!attestation.factory_provisioned) return leaf.device_serial;
  // Axis' factory names them "axis-SERIAL-...": the text between the first two hyphens, in capitals.
  if (!leaf.common_name.starts_with("axis-")) return leaf.device_serial;
  const auto begin = leaf.common_name.find('-');
  if (begin == std::string::npos) return {};
  const auto end = leaf.common_name.find('-', begin + 1);
  if (end == std::string::npos) return {};
  auto serial = leaf.common_name.substr(begin + 1, end - begin - 1);
  for (auto& c : serial) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return serial;
}

}  // namespace camvault::signed_video::axis
