// A private key inside this process: for tests, benchmarks and offline tools. Product keys live in keystored.
#pragma once

#include <chrono>
#include <memory>
#include <string_view>

#include "camvault/base/secret.h"
#include "camvault/crypto/key.h"

namespace camvault::crypto_openssl {

struct LocalKeyOptions {
  // Each signature takes this much longer, as a secure element would. Not a busy wait.
  std::chrono::milliseconds delay{0};
  // Threads that sign. 0: sign_async signs before it returns, unless there is a delay; a delay needs at least
  // one.
  unsigned workers = 0;
};

// Safe to use from many threads. On destruction waiting requests are answered with Errc::unavailable, so a
// `done` must not touch what dies before the key; never destroy a key inside its own `done`.
class LocalKey final : public crypto::SigningKey {
 public:
  static Result<std::unique_ptr<LocalKey>> generate(crypto::KeyAlg alg, LocalKeyOptions options = {});
  // PKCS#8 or the older PEM forms, not encrypted, at most 64 KiB.
  static Result<std::unique_ptr<LocalKey>> from_pem(std::string_view pem, LocalKeyOptions options = {});
  ~LocalKey() override;

  crypto::KeyAlg alg() const override;
  Bytes spki_der() const override;
  void sign_async(crypto::SignatureScheme scheme, crypto::HashAlg hash, const crypto::Digest& digest,
                  Done done) override;
  Result<Bytes> sign_message(BytesView message) override;

  // The private key as PKCS#8 PEM. Tests hand it to the `openssl` program; nothing else has a reason to call
  // this.
  Secret private_pem_for_tests() const;

 private:
  struct State;
  explicit LocalKey(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace camvault::crypto_openssl
