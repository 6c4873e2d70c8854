#include "camvault/crypto/der_values.h"

#include <algorithm>

namespace camvault::crypto {

namespace {
constexpr std::uint8_t kInteger = 0x02;
constexpr std::uint8_t kBitString = 0x03;
constexpr std::uint8_t kOctetString = 0x04;
constexpr std::uint8_t kObjectIdentifier = 0x06;
constexpr std::uint8_t kSequence = 0x30;
constexpr std::uint8_t kVersion = 0xa0;  // [0] EXPLICIT

struct Value {
  std::uint8_t tag = 0;
  BytesView content;
  BytesView whole;  // with tag and length
};

// `data` must be what `in` reads: views of whole values are cut from it.
Result<Value> next(BytesView data, ByteReader& in) {
  const auto begin = in.position();
  Value value;
  CAM_TRY(value.tag, in.u8());
  CAM_TRY(std::size_t size, in.u8());
  if (size >= 0x80) {
    const auto bytes = size & 0x7f;
    if (bytes == 0 || bytes > 3) return fail(Errc::malformed, "a DER length of another form");
    size = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      CAM_TRY(const auto byte, in.u8());
      size = size << 8 | byte;
    }
    if (size < 0x80 || size >> (8 * (bytes - 1)) == 0)
      return fail(Errc::malformed, "a DER length that is not the shortest");
  }
  CAM_TRY(value.content, in.take(size));
  value.whole = data.subspan(begin, in.position() - begin);
  return value;
}

Result<Value> expect(BytesView data, ByteReader& in, std::uint8_t tag) {
  CAM_TRY(const auto value, next(data, in));
  if (value.tag != tag) return fail(Errc::malformed, "another DER type than expected");
  return value;
}

// One value and nothing behind it.
Result<Value> only(BytesView data, std::uint8_t tag) {
  ByteReader in(data);
  CAM_TRY(const auto value, expect(data, in, tag));
  CAM_TRY_STATUS(in.finish());
  return value;
}

// X.690 8.3: not negative, no needless zero; without the zero that only says "not negative".
Result<BytesView> natural(BytesView content) {
  if (content.empty() || (content[0] & 0x80u) != 0)
    return fail(Errc::malformed, "a number that is negative or empty");
  if (content.size() > 1 && content[0] == 0) {
    if ((content[1] & 0x80u) == 0) return fail(Errc::malformed, "a number with needless zeros");
    return content.subspan(1);
  }
  return content;
}

std::size_t coordinate_size(KeyAlg type) {
  return type == KeyAlg::ec_p256 ? 32 : type == KeyAlg::ec_p384 ? 48 : type == KeyAlg::ec_p521 ? 66 : 0;
}

Status put_number(Bytes& out, std::size_t at, std::size_t size, BytesView content) {
  CAM_TRY(const auto number, natural(content));
  if (number.size() > size) return fail(Errc::malformed, "a number that is longer than the curve's");
  std::copy(number.begin(), number.end(),
            out.begin() + static_cast<std::ptrdiff_t>(at + size - number.size()));
  return ok();
}
}  // namespace

Result<PublicNumbers> read_public_key(KeyAlg type, BytesView spki) {
  CAM_TRY(const auto outer, only(spki, kSequence));
  ByteReader in(outer.content);
  CAM_TRY(const auto algorithm, expect(outer.content, in, kSequence));
  CAM_TRY(const auto bits, expect(outer.content, in, kBitString));
  CAM_TRY_STATUS(in.finish());
  if (bits.content.empty() || bits.content[0] != 0)
    return fail(Errc::malformed, "a public key of broken bytes");
  const auto key = bits.content.subspan(1);
  ByteReader names(algorithm.content);
  CAM_TRY(const auto kind, expect(algorithm.content, names, kObjectIdentifier));

  PublicNumbers out;
  if (type == KeyAlg::ed25519) {
    if (key.size() != 32) return fail(Errc::malformed, "an Ed25519 key of another size");
    out.curve = to_bytes(kind.whole);  // RFC 8410 3: the algorithm is the curve
    out.point = to_bytes(key);
    return out;
  }
  if (const auto size = coordinate_size(type); size != 0) {
    CAM_TRY(const auto curve, expect(algorithm.content, names, kObjectIdentifier));
    if (key.size() != 1 + 2 * size) return fail(Errc::malformed, "a point of another size");
    out.curve = to_bytes(curve.whole);
    out.point = to_bytes(key);
    return out;
  }
  CAM_TRY(const auto numbers, only(key, kSequence));
  ByteReader pair(numbers.content);
  CAM_TRY(const auto n, expect(numbers.content, pair, kInteger));
  CAM_TRY(const auto e, expect(numbers.content, pair, kInteger));
  CAM_TRY_STATUS(pair.finish());
  CAM_TRY(const auto modulus, natural(n.content));
  CAM_TRY(const auto exponent, natural(e.content));
  out.modulus = to_bytes(modulus);
  out.exponent = to_bytes(exponent);
  return out;
}

Result<Bytes> raw_signature(KeyAlg type, BytesView der) {
  const auto size = coordinate_size(type);
  if (size == 0) return fail(Errc::usage, "not an ECDSA key");
  CAM_TRY(const auto outer, only(der, kSequence));
  ByteReader in(outer.content);
  CAM_TRY(const auto r, expect(outer.content, in, kInteger));
  CAM_TRY(const auto s, expect(outer.content, in, kInteger));
  CAM_TRY_STATUS(in.finish());
  Bytes out(2 * size);
  CAM_TRY_STATUS(put_number(out, 0, size, r.content));
  CAM_TRY_STATUS(put_number(out, size, size, s.content));
  return out;
}

Result<HashedData> read_digest_info(BytesView der) {
  // Everything in front of the digest, byte for byte: a DigestInfo with other lengths, parameters or bytes
  // behind it is how signatures over chosen numbers are asked for.
  struct Form {
    HashAlg hash;
    std::uint8_t outer;
    std::uint8_t last_arc;  // 2.16.840.1.101.3.4.2.x
  };
  constexpr Form kForms[] = {
      {HashAlg::sha256, 0x31, 1}, {HashAlg::sha384, 0x41, 2}, {HashAlg::sha512, 0x51, 3}};
  for (const auto& form : kForms) {
    const auto size = digest_size(form.hash);
    const std::uint8_t head[] = {kSequence,
                                 form.outer,
                                 kSequence,
                                 0x0d,
                                 kObjectIdentifier,
                                 0x09,
                                 0x60,
                                 0x86,
                                 0x48,
                                 0x01,
                                 0x65,
                                 0x03,
                                 0x04,
                                 0x02,
                                 form.last_arc,
                                 0x05,
                                 0x00,
                                 kOctetString,
                                 static_cast<std::uint8_t>(size)};
    if (der.size() != sizeof head + size || !equal(der.first(sizeof head), head)) continue;
    HashedData out{form.hash, {}};
    out.digest.size = static_cast<decltype(out.digest.size)>(size);
    std::copy(der.begin() + sizeof head, der.end(), out.digest.bytes.begin());
    return out;
  }
  return fail(Errc::unsupported, "no DigestInfo of SHA-256, SHA-384 or SHA-512");
}

Result<CertificateFields> read_certificate(BytesView der) {
  CAM_TRY(const auto certificate, only(der, kSequence));
  ByteReader outer(certificate.content);
  CAM_TRY(const auto signed_part, expect(certificate.content, outer, kSequence));
  const auto data = signed_part.content;
  ByteReader in(data);
  CAM_TRY(auto serial, next(data, in));
  if (serial.tag == kVersion) {
    CAM_TRY(serial, next(data, in));
  }
  if (serial.tag != kInteger) return fail(Errc::malformed, "a certificate without a number");
  CAM_TRY_STATUS(expect(data, in, kSequence));  // the signature's algorithm
  CAM_TRY(const auto issuer, expect(data, in, kSequence));
  CAM_TRY_STATUS(expect(data, in, kSequence));  // validity
  CAM_TRY(const auto subject, expect(data, in, kSequence));
  CAM_TRY(const auto spki, expect(data, in, kSequence));
  return CertificateFields{serial.whole, issuer.whole, subject.whole, spki.whole};
}

}  // namespace camvault::crypto
