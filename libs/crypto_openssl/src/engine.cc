#include "camvault/crypto_openssl/engine.h"

#include <openssl/rand.h>

#include <cstdlib>

#include "certificate.h"
#include "digest.h"
#include "ocsp.h"
#include "path.h"
#include "public_key.h"
#include "time_stamp.h"

namespace camvault::crypto_openssl {

namespace {
class OpensslEngine final : public crypto::Engine {
 public:
  crypto::Digest digest(crypto::HashAlg alg, BytesView message) const override {
    return digester_.digest(alg, message);
  }
  void digest_batch(crypto::HashAlg alg, std::span<const BytesView> messages,
                    std::span<crypto::Digest> out) const override {
    digester_.digest_batch(alg, messages, out);
  }
  std::unique_ptr<crypto::DigestLanes> lanes(crypto::HashAlg alg) const override {
    auto lanes = digester_.lanes(alg);
    return lanes ? std::move(lanes) : Engine::lanes(alg);
  }
  std::unique_ptr<crypto::Hasher> hasher(crypto::HashAlg alg) const override { return digester_.hasher(alg); }

  void random(std::span<std::uint8_t> out) const override {
    constexpr std::size_t kPiece = 1 << 20;  // RAND_bytes counts in int
    while (!out.empty()) {
      const auto size = std::min(out.size(), kPiece);
      if (RAND_bytes(out.data(), static_cast<int>(size)) != 1) std::abort();
      out = out.subspan(size);
    }
  }

  Result<std::shared_ptr<const crypto::PublicKey>> public_key_from_spki(BytesView der) const override {
    return crypto_openssl::public_key_from_spki(der);
  }
  Result<crypto::Certificate> certificate_from_der(BytesView der) const override {
    return crypto_openssl::certificate_from_der(der);
  }
  Result<std::vector<crypto::Certificate>> certificates_from_pem(std::string_view pem,
                                                                 std::size_t limit) const override {
    return crypto_openssl::certificates_from_pem(pem, limit);
  }
  Result<crypto::RevocationList> crl_from_pem_or_der(BytesView data) const override {
    return crypto_openssl::crl_from_pem_or_der(data);
  }
  Result<crypto::OcspResponse> ocsp_from_der(BytesView der) const override {
    return crypto_openssl::ocsp_from_der(der);
  }
  crypto::TimeStampResult check_time_stamp(const crypto::TimeStampCheck& check) const override {
    return crypto_openssl::check_time_stamp(check);
  }
  crypto::PathResult validate_path(const crypto::PathRequest& request) const override {
    return crypto_openssl::validate_path(request);
  }
  bool is_signed_by(const crypto::Certificate& certificate,
                    const crypto::Certificate& issuer) const override {
    return crypto_openssl::is_signed_by(certificate, issuer);
  }

 private:
  Digester digester_;
};
}  // namespace

std::unique_ptr<crypto::Engine> make_openssl_engine() {
  return std::make_unique<OpensslEngine>();
}

}  // namespace camvault::crypto_openssl
