#include "camvault/keystore_engine/module_values.h"

#include "camvault/crypto/key_encoding.h"

namespace camvault::keystore_engine {

using keystore::KeyType;

namespace {
// RFC 8017 9.2, note 1: everything of the DigestInfo in front of the digest.
constexpr std::uint8_t kSha256Info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                        0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
constexpr std::uint8_t kSha384Info[] = {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                        0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30};
constexpr std::uint8_t kSha512Info[] = {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                        0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40};

// Types that have no such algorithm have no such numbers either.
template <class F>
Result<Bytes> with_alg(KeyType type, F&& make) {
  const auto alg = keystore::public_alg_of(type);
  if (!alg) return fail(Errc::malformed, "keys of that type have no public half");
  return make(*alg);
}
}  // namespace

std::size_t coordinate_size(KeyType type) {
  const auto alg = keystore::public_alg_of(type);
  return alg ? crypto::coordinate_size(*alg) : 0;
}

std::size_t modulus_bits(KeyType type) {
  const auto alg = keystore::public_alg_of(type);
  return alg ? crypto::modulus_bits(*alg) : 0;
}

Result<Bytes> spki_of_point(KeyType type, BytesView point) {
  return with_alg(type, [&](crypto::KeyAlg alg) { return crypto::spki_of_point(alg, point); });
}

Result<Bytes> spki_of_rsa(KeyType type, BytesView modulus, BytesView exponent) {
  return with_alg(type, [&](crypto::KeyAlg alg) { return crypto::spki_of_rsa(alg, modulus, exponent); });
}

Result<Bytes> ecdsa_der_of_pair(KeyType type, BytesView r, BytesView s) {
  return with_alg(type, [&](crypto::KeyAlg alg) { return crypto::ecdsa_der_of_pair(alg, r, s); });
}

Result<Bytes> ecdsa_der_of_raw(KeyType type, BytesView r_and_s) {
  const auto half = r_and_s.size() / 2;
  if (r_and_s.size() % 2 != 0 || half > coordinate_size(type))
    return fail(Errc::malformed, "a signature of another size");
  return ecdsa_der_of_pair(type, r_and_s.first(half), r_and_s.last(half));
}

Bytes digest_info(crypto::HashAlg hash, const crypto::Digest& digest) {
  Bytes out = to_bytes(hash == crypto::HashAlg::sha256   ? BytesView(kSha256Info)
                       : hash == crypto::HashAlg::sha384 ? BytesView(kSha384Info)
                                                         : BytesView(kSha512Info));
  append(out, digest.view());
  return out;
}

}  // namespace camvault::keystore_engine
