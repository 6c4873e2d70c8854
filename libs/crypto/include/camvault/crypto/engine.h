// The primitives behind one interface: crypto_openssl implements it here, crypto_web in the browser.
// Engines are immutable: share one between threads.
#pragma once

#include <span>

#include "camvault/crypto/certificate.h"
#include "camvault/crypto/hash.h"
#include "camvault/crypto/key.h"
#include "camvault/crypto/time_stamp.h"

namespace camvault::crypto {

class Engine {
 public:
  virtual ~Engine() = default;

  virtual Digest digest(HashAlg alg, BytesView message) const = 0;
  // Independent messages: an engine may compute several at a time. out.size() == messages.size().
  virtual void digest_batch(HashAlg alg, std::span<const BytesView> messages,
                            std::span<Digest> out) const = 0;
  // Messages that come one after the other. The engine must outlive it.
  virtual std::unique_ptr<DigestLanes> lanes(HashAlg alg) const;
  virtual std::unique_ptr<Hasher> hasher(HashAlg alg) const = 0;

  virtual void random(
      std::span<std::uint8_t> out) const = 0;  // cryptographically strong; aborts if impossible

  virtual Result<std::shared_ptr<const PublicKey>> public_key_from_spki(BytesView der) const = 0;

  virtual Result<Certificate> certificate_from_der(BytesView der) const = 0;
  // All certificates of a PEM text, in order; at most `limit`.
  virtual Result<std::vector<Certificate>> certificates_from_pem(std::string_view pem,
                                                                 std::size_t limit = 64) const = 0;
  virtual Result<RevocationList> crl_from_pem_or_der(BytesView data) const = 0;

  // A DER OCSPResponse (RFC 6960). Errc::unavailable if the responder answered with an error instead of a
  // statement. Engines without OCSP refuse.
  virtual Result<OcspResponse> ocsp_from_der(BytesView der) const;

  // A time stamp token (RFC 3161). Its certificate is judged at the token's own time. Engines without time
  // stamps call every token malformed.
  virtual TimeStampResult check_time_stamp(const TimeStampCheck& check) const;

  // RFC 5280 path validation at a given time.
  virtual PathResult validate_path(const PathRequest& request) const = 0;
  // True if `issuer`'s key made the signature on `certificate` (names and usage are not looked at).
  virtual bool is_signed_by(const Certificate& certificate, const Certificate& issuer) const = 0;
};

}  // namespace camvault::crypto
