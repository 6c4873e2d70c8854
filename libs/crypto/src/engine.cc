#include "camvault/crypto/engine.h"

#include <utility>

namespace camvault::crypto {

namespace {
// For engines and processors that hash one message as fast as several.
class OneLane final : public DigestLanes {
 public:
  OneLane(const Engine& engine, HashAlg alg) : engine_(engine), alg_(alg) {}
  std::size_t room() const override { return left_ == nullptr ? 1 : 0; }
  bool idle() const override { return left_ == nullptr; }
  void give(BytesView message, Digest& out, std::atomic<std::size_t>& left) override {
    message_ = message;
    out_ = &out;
    left_ = &left;
  }
  void advance() override {
    *out_ = engine_.digest(alg_, message_);
    std::exchange(left_, nullptr)->fetch_sub(1, std::memory_order_release);
  }

 private:
  const Engine& engine_;
  HashAlg alg_;
  BytesView message_;
  Digest* out_ = nullptr;
  std::atomic<std::size_t>* left_ = nullptr;
};
}  // namespace

std::unique_ptr<DigestLanes> Engine::lanes(HashAlg alg) const {
  return std::make_unique<OneLane>(*this, alg);
}

Result<OcspResponse> Engine::ocsp_from_der(BytesView) const {
  return fail(Errc::unsupported, "this build cannot read OCSP responses");
}

TimeStampResult Engine::check_time_stamp(const TimeStampCheck&) const {
  TimeStampResult result;
  result.reason = "this build cannot read time stamps";
  return result;
}

}  // namespace camvault::crypto
