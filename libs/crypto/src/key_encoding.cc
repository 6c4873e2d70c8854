#include "camvault/crypto/key_encoding.h"

#include "camvault/base/byte_writer.h"
#include "camvault/crypto/der_values.h"

namespace camvault::crypto {

namespace {
constexpr std::uint8_t kInteger = 0x02;
constexpr std::uint8_t kBitString = 0x03;
constexpr std::uint8_t kSequence = 0x30;

constexpr std::uint8_t kEcPublicKey[] = {0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
constexpr std::uint8_t kP256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
constexpr std::uint8_t kP384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
constexpr std::uint8_t kP521[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};
constexpr std::uint8_t kEd25519[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
// With the NULL that RFC 3279 2.3.1 demands.
constexpr std::uint8_t kRsaEncryption[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
                                           0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

// X.690 10.1: the shortest form; nothing here is longer than 65535.
Bytes der(std::uint8_t tag, BytesView content) {
  ByteWriter out;
  out.u8(tag);
  if (content.size() < 0x80) {
    out.u8(static_cast<std::uint8_t>(content.size()));
  } else if (content.size() < 0x100) {
    out.u8(0x81);
    out.u8(static_cast<std::uint8_t>(content.size()));
  } else {
    out.u8(0x82);
    out.u16(static_cast<std::uint16_t>(content.size()));
  }
  out.raw(content);
  return out.take();
}

BytesView without_zeros(BytesView number) {
  while (!number.empty() && number.front() == 0) number = number.subspan(1);
  return number;
}

// X.690 8.3: positive, so a zero byte goes in front of a set highest bit.
Bytes der_integer(BytesView number) {
  Bytes content;
  if (number.empty() || (number.front() & 0x80u) != 0) content.push_back(0);
  append(content, number);
  return der(kInteger, content);
}

Bytes spki(BytesView algorithm, BytesView key) {
  Bytes bits = {0};  // no unused bits
  append(bits, key);
  Bytes content = der(kSequence, algorithm);
  append(content, der(kBitString, bits));
  return der(kSequence, content);
}

BytesView curve_of(KeyAlg alg) {
  switch (alg) {
    case KeyAlg::ec_p256:
      return kP256;
    case KeyAlg::ec_p384:
      return kP384;
    case KeyAlg::ec_p521:
      return kP521;
    default:
      return {};
  }
}
}  // namespace

std::size_t coordinate_size(KeyAlg alg) {
  switch (alg) {
    case KeyAlg::ec_p256:
      return 32;
    case KeyAlg::ec_p384:
      return 48;
    case KeyAlg::ec_p521:
      return 66;
    default:
      return 0;
  }
}

std::size_t modulus_bits(KeyAlg alg) {
  switch (alg) {
    case KeyAlg::rsa_2048:
      return 2048;
    case KeyAlg::rsa_3072:
      return 3072;
    case KeyAlg::rsa_4096:
      return 4096;
    default:
      return 0;
  }
}

Result<Bytes> spki_of_point(KeyAlg alg, BytesView point) {
  if (alg == KeyAlg::ed25519) {
    if (point.size() != 32) return fail(Errc::malformed, "an Ed25519 key of another size");
    return spki(kEd25519, point);
  }
  const auto size = coordinate_size(alg);
  // RFC 5480 2.2: uncompressed only; a compressed or hybrid point is not what we asked for.
  if (size == 0 || point.size() != 1 + 2 * size || point.front() != 0x04)
    return fail(Errc::malformed, "a point of another size or form");
  Bytes algorithm = to_bytes(kEcPublicKey);
  append(algorithm, curve_of(alg));
  return spki(algorithm, point);
}

Result<Bytes> spki_of_rsa(KeyAlg alg, BytesView modulus, BytesView exponent) {
  const auto n = without_zeros(modulus);
  const auto e = without_zeros(exponent);
  const auto bits = modulus_bits(alg);
  if (bits == 0 || n.size() * 8 != bits || (n.front() & 0x80u) == 0 || (n.back() & 1u) == 0)
    return fail(Errc::malformed, "a modulus of another size, or an even one");
  // FIPS 186-5 5.4: odd and above 2^16.
  if (e.size() < 3 || e.size() > 8 || (e.back() & 1u) == 0)
    return fail(Errc::malformed, "a bad public exponent");
  Bytes numbers = der_integer(n);
  append(numbers, der_integer(e));
  return spki(kRsaEncryption, der(kSequence, numbers));
}

Result<Bytes> ecdsa_der_of_pair(KeyAlg alg, BytesView r, BytesView s) {
  const auto size = coordinate_size(alg);
  const auto first = without_zeros(r);
  const auto second = without_zeros(s);
  // FIPS 186-5 6.4.1: neither number is zero.
  if (size == 0 || first.empty() || second.empty() || first.size() > size || second.size() > size)
    return fail(Errc::malformed, "a signature of another size, or of zeros");
  Bytes content = der_integer(first);
  append(content, der_integer(second));
  return der(kSequence, content);
}

Result<Bytes> point_of_spki(KeyAlg alg, BytesView info) {
  if (coordinate_size(alg) == 0) return fail(Errc::malformed, "keys of that kind have no point");
  CAM_TRY(auto numbers, read_public_key(alg, info));
  return std::move(numbers.point);
}

}  // namespace camvault::crypto
