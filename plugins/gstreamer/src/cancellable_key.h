// A signing key that stops being waited for: when a pipeline stops or is flushed, nobody sits out the
// patience of the last signature.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "camvault/crypto/key.h"

namespace camvault::gst_elements {

class CancellableKey final : public crypto::SigningKey {
 public:
  explicit CancellableKey(std::shared_ptr<crypto::SigningKey> key) : key_(std::move(key)) {}

  crypto::KeyAlg alg() const override { return key_->alg(); }
  Bytes spki_der() const override { return key_->spki_der(); }
  void sign_async(crypto::SignatureScheme scheme, crypto::HashAlg hash, const crypto::Digest& digest,
                  Done done) override;
  Result<Bytes> sign_message(BytesView message) override { return key_->sign_message(message); }

  // Answers everything that waits, and everything asked for later, with Errc::unavailable. Any thread.
  void cancel();
  void resume();

 private:
  // One request, answered once by whoever comes first.
  class Request {
   public:
    explicit Request(Done done) : done_(std::move(done)) {}
    void answer(Result<Bytes> signature);

   private:
    std::mutex mutex_;
    Done done_;
  };

  std::shared_ptr<crypto::SigningKey> key_;
  std::mutex mutex_;
  bool cancelled_ = false;
  std::vector<std::weak_ptr<Request>> waiting_;
};

}  // namespace camvault::gst_elements
