#include "camvault/crypto/certificate.h"
#include "camvault/crypto/hash.h"
#include "camvault/crypto/key.h"
#include "camvault/crypto/time_stamp.h"

namespace camvault::crypto {

std::string_view to_string(HashAlg alg) {
  switch (alg) {
    case HashAlg::sha256:
      return "SHA-256";
    case HashAlg::sha384:
      return "SHA-384";
    case HashAlg::sha512:
      return "SHA-512";
  }
  return "?";
}

std::string_view to_string(KeyAlg alg) {
  switch (alg) {
    case KeyAlg::ec_p256:
      return "ec-p256";
    case KeyAlg::ec_p384:
      return "ec-p384";
    case KeyAlg::ec_p521:
      return "ec-p521";
    case KeyAlg::rsa_2048:
      return "rsa-2048";
    case KeyAlg::rsa_3072:
      return "rsa-3072";
    case KeyAlg::rsa_4096:
      return "rsa-4096";
    case KeyAlg::ed25519:
      return "ed25519";
  }
  return "?";
}

Result<KeyAlg> key_alg_from_string(std::string_view text) {
  for (const auto alg : {KeyAlg::ec_p256, KeyAlg::ec_p384, KeyAlg::ec_p521, KeyAlg::rsa_2048,
                         KeyAlg::rsa_3072, KeyAlg::rsa_4096, KeyAlg::ed25519}) {
    if (text == to_string(alg)) return alg;
  }
  return fail(
      Errc::unsupported,
      "not a key algorithm; known are ec-p256, ec-p384, ec-p521, rsa-2048, rsa-3072, rsa-4096 and ed25519");
}

std::string_view to_string(SignatureScheme scheme) {
  switch (scheme) {
    case SignatureScheme::ecdsa:
      return "ecdsa";
    case SignatureScheme::rsa_pss:
      return "rsa-pss";
    case SignatureScheme::rsa_pkcs1v15:
      return "rsa-pkcs1v15";
    case SignatureScheme::ed25519:
      return "ed25519";
  }
  return "?";
}

std::string_view to_string(TimeStampVerdict verdict) {
  switch (verdict) {
    case TimeStampVerdict::trusted:
      return "trusted";
    case TimeStampVerdict::untrusted:
      return "untrusted";
    case TimeStampVerdict::invalid:
      return "invalid";
    case TimeStampVerdict::malformed:
      return "malformed";
  }
  return "?";
}

std::string_view to_string(PathVerdict verdict) {
  switch (verdict) {
    case PathVerdict::trusted:
      return "trusted";
    case PathVerdict::no_anchor:
      return "no_anchor";
    case PathVerdict::expired:
      return "expired";
    case PathVerdict::not_yet_valid:
      return "not_yet_valid";
    case PathVerdict::revoked:
      return "revoked";
    case PathVerdict::bad_signature:
      return "bad_signature";
    case PathVerdict::not_permitted:
      return "not_permitted";
    case PathVerdict::malformed:
      return "malformed";
  }
  return "?";
}

std::size_t max_signature_size(KeyAlg alg) {
  // RFC 3279 2.2.3: SEQUENCE of two INTEGERs. An integer has one byte more than the field when its top bit is
  // set; a P-521 number fills 66 bytes with seven bits to spare, and its SEQUENCE needs a two-byte length.
  switch (alg) {
    case KeyAlg::ec_p256:
      return 2 + 2 * (2 + 33);
    case KeyAlg::ec_p384:
      return 2 + 2 * (2 + 49);
    case KeyAlg::ec_p521:
      return 3 + 2 * (2 + 66);
    case KeyAlg::rsa_2048:
      return 256;
    case KeyAlg::rsa_3072:
      return 384;
    case KeyAlg::rsa_4096:
      return 512;
    case KeyAlg::ed25519:
      return 64;
  }
  return 0;
}

SignatureScheme default_scheme(KeyAlg alg) {
  if (is_ecdsa(alg)) return SignatureScheme::ecdsa;
  return is_rsa(alg) ? SignatureScheme::rsa_pss : SignatureScheme::ed25519;
}

}  // namespace camvault::crypto
