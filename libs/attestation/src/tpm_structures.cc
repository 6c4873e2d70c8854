#include "tpm_structures.h"

#include "camvault/base/byte_reader.h"
#include "camvault/crypto/key_encoding.h"

namespace camvault::attestation {

using crypto::KeyAlg;

namespace {
constexpr std::uint16_t kAlgRsa = 0x0001;
constexpr std::uint16_t kAlgSha256 = 0x000b;
constexpr std::uint16_t kAlgNull = 0x0010;
constexpr std::uint16_t kAlgRsaes = 0x0015;
constexpr std::uint16_t kAlgEcc = 0x0023;
constexpr std::uint32_t kGenerated = 0xff544347;  // TPM_GENERATED_VALUE
constexpr std::uint16_t kAttestCertify = 0x8017;
constexpr std::uint32_t kUsualExponent = 65537;  // stands as 0
constexpr std::size_t kMaxField = 1024;

tl::unexpected<Error> malformed(const char* what) {
  return fail(Errc::malformed, std::string("attestation: ") + what);
}

Result<BytesView> read_2b(ByteReader& in) {
  CAM_TRY(const auto size, in.u16());
  if (size > kMaxField) return malformed("a field of the TPM that is too long");
  return in.take(size);
}

// TPMT_SYM_DEF_OBJECT, 11.1.7: an algorithm, and with one its key bits and mode.
Status skip_symmetric(ByteReader& in) {
  CAM_TRY(const auto alg, in.u16());
  return alg == kAlgNull ? ok() : in.skip(4);
}
// A scheme and, for all but a few, its hash (11.2.1.5 and 11.2.3.3).
Status skip_scheme(ByteReader& in) {
  CAM_TRY(const auto alg, in.u16());
  return alg == kAlgNull || alg == kAlgRsaes ? ok() : in.skip(2);
}

Result<KeyAlg> alg_of_curve(std::uint16_t curve) {
  switch (curve) {
    case 0x0003:
      return KeyAlg::ec_p256;
    case 0x0004:
      return KeyAlg::ec_p384;
    case 0x0005:
      return KeyAlg::ec_p521;
    default:
      return fail(Errc::unsupported, "attestation: a curve that this version does not know");
  }
}
Result<KeyAlg> alg_of_bits(std::uint16_t bits) {
  switch (bits) {
    case 2048:
      return KeyAlg::rsa_2048;
    case 3072:
      return KeyAlg::rsa_3072;
    case 4096:
      return KeyAlg::rsa_4096;
    default:
      return fail(Errc::unsupported, "attestation: an RSA key of a size that this version does not know");
  }
}

Status append_coordinate(Bytes& point, BytesView number, std::size_t size) {
  if (number.size() > size) return malformed("a point that is too long");
  point.resize(point.size() + size - number.size());  // may come without its leading zeros
  append(point, number);
  return ok();
}

Status read_ecc(ByteReader& in, TpmPublic& out) {
  CAM_TRY_STATUS(skip_symmetric(in));
  CAM_TRY_STATUS(skip_scheme(in));
  CAM_TRY(const auto curve, in.u16());
  CAM_TRY_STATUS(skip_scheme(in));  // of key derivation: the same form
  CAM_TRY(out.alg, alg_of_curve(curve));
  CAM_TRY(const auto x, read_2b(in));
  CAM_TRY(const auto y, read_2b(in));
  const auto size = crypto::coordinate_size(out.alg);
  Bytes point = {0x04};
  CAM_TRY_STATUS(append_coordinate(point, x, size));
  CAM_TRY_STATUS(append_coordinate(point, y, size));
  CAM_TRY(out.spki, crypto::spki_of_point(out.alg, point));
  return ok();
}

Status read_rsa(ByteReader& in, TpmPublic& out) {
  CAM_TRY_STATUS(skip_symmetric(in));
  CAM_TRY_STATUS(skip_scheme(in));
  CAM_TRY(const auto bits, in.u16());
  CAM_TRY(const auto written, in.u32());
  CAM_TRY(out.alg, alg_of_bits(bits));
  CAM_TRY(const auto modulus, read_2b(in));
  const auto exponent = written == 0 ? kUsualExponent : written;
  const std::uint8_t bytes[] = {
      static_cast<std::uint8_t>(exponent >> 24), static_cast<std::uint8_t>(exponent >> 16),
      static_cast<std::uint8_t>(exponent >> 8), static_cast<std::uint8_t>(exponent)};
  CAM_TRY(out.spki, crypto::spki_of_rsa(out.alg, modulus, bytes));
  return ok();
}
}  // namespace

Result<TpmPublic> read_tpm_public(BytesView area) {
  ByteReader in(area);
  CAM_TRY(const auto type, in.u16());
  CAM_TRY(const auto name_alg, in.u16());
  // The name is what the TPM signs: with another hash it would be another one than we compute.
  if (name_alg != kAlgSha256) return fail(Errc::unsupported, "attestation: a name that is no SHA-256");
  TpmPublic out;
  CAM_TRY(out.attributes, in.u32());
  CAM_TRY(const auto policy, read_2b(in));
  out.has_policy = !policy.empty();
  if (type != kAlgEcc && type != kAlgRsa)
    return fail(Errc::unsupported, "attestation: a key of the TPM that is no pair");
  CAM_TRY_STATUS(type == kAlgEcc ? read_ecc(in, out) : read_rsa(in, out));
  CAM_TRY_STATUS(in.finish());
  return out;
}

Result<TpmCertify> read_tpm_certify(BytesView attest) {
  constexpr std::size_t kClockInfo = 17;
  constexpr std::size_t kFirmware = 8;
  ByteReader in(attest);
  CAM_TRY(const auto magic, in.u32());
  // Nothing but the TPM itself gets these four bytes signed by a restricted key (part 1, 23.1).
  if (magic != kGenerated) return malformed("not made by a TPM");
  CAM_TRY(const auto type, in.u16());
  if (type != kAttestCertify) return malformed("a TPM's statement about something else than a key");
  CAM_TRY_STATUS(read_2b(in));  // qualified name of the attester: proven by its certificate
  TpmCertify out;
  CAM_TRY(const auto extra, read_2b(in));
  out.extra_data = to_bytes(extra);
  CAM_TRY_STATUS(in.skip(kClockInfo + kFirmware));
  CAM_TRY(const auto name, read_2b(in));
  out.name = to_bytes(name);
  CAM_TRY_STATUS(read_2b(in));  // qualified name
  CAM_TRY_STATUS(in.finish());
  return out;
}

}  // namespace camvault::attestation
