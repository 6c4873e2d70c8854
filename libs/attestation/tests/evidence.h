// Evidence to check, made as keystored makes it.
#pragma once

#include "camvault/attestation/check.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/local_key.h"

namespace camvault::attestation::test {

inline std::unique_ptr<crypto_openssl::LocalKey> make_key(crypto::KeyAlg alg = crypto::KeyAlg::ec_p256) {
  return crypto_openssl::LocalKey::generate(alg).value();
}

inline KeystoredStatement about(const crypto::Engine& engine, BytesView spki) {
  KeystoredStatement s;
  s.spki_sha256 = engine.digest(crypto::HashAlg::sha256, spki);
  s.origin = KeyOrigin::generated_inside;
  s.purpose = 2;
  s.backend = "software";
  s.created = from_iso8601("2026-11-01").value();
  s.nonce = Bytes(16, 0x5a);
  s.stated = from_iso8601("2026-11-21T10:00:00Z").value();
  return s;
}

inline Bytes signed_by(const crypto::Engine& engine, crypto::SigningKey& attester,
                       const KeystoredStatement& statement) {
  KeystoredEvidence e;
  e.statement = encode_statement(statement).value();
  e.scheme = crypto::default_scheme(attester.alg());
  e.signature = e.scheme == crypto::SignatureScheme::ed25519
                    ? attester.sign_message(e.statement).value()
                    : attester.sign(e.scheme, e.hash, engine.digest(e.hash, e.statement)).value();
  e.attester_spki = attester.spki_der();
  return encode_evidence(e).value();
}

}  // namespace camvault::attestation::test
