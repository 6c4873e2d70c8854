#include "cancellable_key.h"

namespace camvault::gst_elements {

void CancellableKey::Request::answer(Result<Bytes> signature) {
  Done done;
  {
    const std::lock_guard lock(mutex_);
    std::swap(done, done_);
  }
  if (done) done(std::move(signature));
}

void CancellableKey::sign_async(crypto::SignatureScheme scheme, crypto::HashAlg hash,
                                const crypto::Digest& digest, Done done) {
  auto request = std::make_shared<Request>(std::move(done));
  bool cancelled = false;
  {
    const std::lock_guard lock(mutex_);
    cancelled = cancelled_;
    std::erase_if(waiting_, [](const auto& old) { return old.expired(); });
    if (!cancelled) waiting_.push_back(request);
  }
  if (cancelled) {
    request->answer(fail(Errc::unavailable, "the stream stops"));
    return;
  }
  key_->sign_async(scheme, hash, digest,
                   [request](Result<Bytes> signature) { request->answer(std::move(signature)); });
}

void CancellableKey::cancel() {
  std::vector<std::weak_ptr<Request>> waiting;
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    std::swap(waiting, waiting_);
  }
  for (const auto& weak : waiting) {
    if (const auto request = weak.lock()) request->answer(fail(Errc::unavailable, "the stream stops"));
  }
}

void CancellableKey::resume() {
  const std::lock_guard lock(mutex_);
  cancelled_ = false;
}

}  // namespace camvault::gst_elements
