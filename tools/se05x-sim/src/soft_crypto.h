// The one place where the simulator meets OpenSSL. Keys are byte strings here, in the applet's forms: it is a
// simulator and protects nothing. Errors are Errc::invalid: the applet answers them with a status word.
#pragma once

#include <map>
#include <optional>

#include "camvault/base/bytes.h"
#include "camvault/keystore_se05x/codes.h"

namespace camvault::se05x_sim {

using keystore_se05x::CipherMode;
using keystore_se05x::Curve;
using keystore_se05x::DigestAlg;
using keystore_se05x::MacAlg;
using keystore_se05x::RsaCipher;

Bytes random_bytes(std::size_t count);
Result<Bytes> digest(DigestAlg alg, BytesView message);
std::size_t digest_size(DigestAlg alg);
std::optional<DigestAlg> digest_of_ecdsa(std::uint8_t alg);

struct EcKey {
  Curve curve = Curve::p256;
  Bytes scalar;  // empty: a public key
  Bytes point;   // 04 || X || Y; Ed25519 and X25519: 32 bytes in the order of their RFCs
};
std::size_t field_size(Curve curve);
bool is_twisted(Curve curve);  // Ed25519, X25519: keys travel with their bytes reversed
Result<EcKey> ec_generate(Curve curve);
Result<EcKey> ec_complete(EcKey key);  // the point of a scalar; checks that both belong together
Result<Bytes> ecdsa_sign(const EcKey& key, BytesView digest);
Result<bool> ecdsa_verify(const EcKey& key, BytesView digest, BytesView signature);
Result<Bytes> ed25519_sign(const EcKey& key, BytesView message);
Result<bool> ed25519_verify(const EcKey& key, BytesView message, BytesView signature);
Result<Bytes> ecdh(const EcKey& key, BytesView peer);
// A, B, G, N or P of a curve as the applet names them: 1, 2, 4, 8, 10 (hex).
Result<Bytes> curve_parameter(Curve curve, std::uint8_t which);
// A certificate for an attestation key, signed by itself, that says "simulator" in its name. DER.
Result<Bytes> self_signed_certificate(const EcKey& key);

struct RsaKey {
  Bytes n, e, d, p, q, dp, dq, qinv;
};
Result<RsaKey> rsa_generate(unsigned bits);
Result<RsaKey> rsa_complete(RsaKey key);  // fills in what follows from the rest
Result<Bytes> rsa_sign(const RsaKey& key, std::uint8_t alg, BytesView message);
Result<bool> rsa_verify(const RsaKey& key, std::uint8_t alg, BytesView message, BytesView signature);
Result<Bytes> rsa_crypt(const RsaKey& key, RsaCipher padding, BytesView data, bool encrypt);

Result<Bytes> aes_crypt(BytesView key, CipherMode mode, BytesView iv, BytesView data, bool encrypt);
struct Sealed {
  Bytes data;
  Bytes tag;
};
Result<Sealed> gcm_encrypt(BytesView key, BytesView iv, BytesView additional, BytesView data,
                           std::size_t tag);
// Nothing if the tag is wrong.
Result<std::optional<Bytes>> gcm_decrypt(BytesView key, BytesView iv, BytesView additional, BytesView data,
                                         BytesView tag);
Result<Bytes> mac(MacAlg alg, BytesView key, BytesView message);
Result<Bytes> hkdf_extract(DigestAlg alg, BytesView salt, BytesView key);
Result<Bytes> hkdf_expand(DigestAlg alg, BytesView key, BytesView info, std::size_t size);
Result<Bytes> pbkdf2(MacAlg alg, BytesView password, BytesView salt, unsigned rounds, std::size_t size);

}  // namespace camvault::se05x_sim
