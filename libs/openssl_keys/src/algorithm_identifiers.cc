#include "algorithm_identifiers.h"

namespace camvault::openssl_keys {

namespace {
using crypto::HashAlg;

// Everything here is shorter than 128 bytes.
Bytes der(std::uint8_t tag, std::initializer_list<Bytes> parts) {
  Bytes out = {tag, 0};
  for (const auto& part : parts) append(out, part);
  out[1] = static_cast<std::uint8_t>(out.size() - 2);
  return out;
}

std::uint8_t index_of(HashAlg hash) {
  return hash == HashAlg::sha256 ? 0 : hash == HashAlg::sha384 ? 1 : 2;
}
const Bytes kNull = {0x05, 0x00};

Bytes hash_identifier(HashAlg hash) {  // 2.16.840.1.101.3.4.2.1 to 3
  return der(0x30, {Bytes{0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                          static_cast<std::uint8_t>(1 + index_of(hash))},
                    kNull});
}

Bytes rsa_name(std::uint8_t last) {  // 1.2.840.113549.1.1.x
  return {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last};
}
}  // namespace

Bytes algorithm_identifier(crypto::SignatureScheme scheme, HashAlg hash) {
  switch (scheme) {
    case crypto::SignatureScheme::ecdsa:  // ecdsa-with-SHA256 to SHA512: 1.2.840.10045.4.3.2 to 4
      return der(0x30, {Bytes{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03,
                              static_cast<std::uint8_t>(2 + index_of(hash))}});
    case crypto::SignatureScheme::rsa_pkcs1v15:  // sha256WithRSAEncryption to sha512: .11 to .13
      return der(0x30, {rsa_name(static_cast<std::uint8_t>(11 + index_of(hash))), kNull});
    case crypto::SignatureScheme::rsa_pss:
      return der(
          0x30,
          {rsa_name(10),
           der(0x30,
               {der(0xa0, {hash_identifier(hash)}),
                der(0xa1, {der(0x30, {rsa_name(8), hash_identifier(hash)})}),
                der(0xa2, {Bytes{0x02, 0x01, static_cast<std::uint8_t>(crypto::digest_size(hash))}})})});
    case crypto::SignatureScheme::ed25519:
      return {0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70};
  }
  return {};
}

}  // namespace camvault::openssl_keys
