#include <chrono>
#include <future>

#include "camvault/crypto/key.h"

namespace camvault::crypto {

namespace {
// Far above what any token needs (an RSA-4096 signature on a secure element: some seconds), so that only a
// key that is gone meets it.
constexpr std::chrono::seconds kSignDeadline{60};
}  // namespace

Result<Bytes> SigningKey::sign(SignatureScheme scheme, HashAlg hash, const Digest& digest) {
  // Shared with the callback, which may come after we have given up.
  auto promise = std::make_shared<std::promise<Result<Bytes>>>();
  auto answer = promise->get_future();
  sign_async(scheme, hash, digest,
             [promise](Result<Bytes> signature) { promise->set_value(std::move(signature)); });
  promise.reset();  // a key that drops its callback then breaks the promise instead of letting us wait
  if (answer.wait_for(kSignDeadline) != std::future_status::ready) {
    return fail(Errc::unavailable, "the signing key did not answer in time");
  }
  try {
    return answer.get();
  } catch (const std::future_error&) {
    return fail(Errc::internal, "the signing key dropped a request");
  }
}

}  // namespace camvault::crypto
