#include "digest.h"

#include <cstdlib>

#include "sha2_lanes.h"

namespace camvault::crypto_openssl {

using crypto::Digest;
using crypto::HashAlg;

namespace {
constexpr std::size_t kMany = 1000;  // messages side by side

// A digest has no reason to fail but memory, and no caller could go on: 32 wrong bytes would be a verdict.
void must(bool succeeded) {
  if (!succeeded) std::abort();
}

void hash_with(EVP_MD_CTX* context, const EVP_MD* md, BytesView message, Digest& out) {
  unsigned size = 0;
  must(EVP_DigestInit_ex2(context, md, nullptr) == 1);
  must(EVP_DigestUpdate(context, message.data(), message.size()) == 1);
  must(EVP_DigestFinal_ex(context, out.bytes.data(), &size) == 1);
  out.size = static_cast<std::uint8_t>(size);
}

// A context keeps its inner state when it is started again with the same algorithm, so a small message pays
// no allocation. One per algorithm and thread: no lock, and switching algorithms does not throw the state
// away.
EVP_MD_CTX* thread_context(HashAlg alg) {
  thread_local std::array<EvpMdCtx, 3> contexts;
  auto& context = contexts[static_cast<std::size_t>(alg)];
  if (!context) {
    context.reset(EVP_MD_CTX_new());
    must(context != nullptr);
  }
  return context.get();
}

class EvpHasher final : public crypto::Hasher {
 public:
  explicit EvpHasher(const EVP_MD* md) : md_(md), context_(EVP_MD_CTX_new()) {
    must(context_ != nullptr);
    must(EVP_DigestInit_ex2(context_.get(), md_, nullptr) == 1);
  }
  void update(BytesView piece) override {
    must(EVP_DigestUpdate(context_.get(), piece.data(), piece.size()) == 1);
  }
  Digest finish() override {
    Digest out;
    unsigned size = 0;
    must(EVP_DigestFinal_ex(context_.get(), out.bytes.data(), &size) == 1);
    out.size = static_cast<std::uint8_t>(size);
    must(EVP_DigestInit_ex2(context_.get(), md_, nullptr) == 1);
    return out;
  }

 private:
  const EVP_MD* md_;
  EvpMdCtx context_;
};
}  // namespace

const EVP_MD* evp_md(HashAlg alg) {
  switch (alg) {
    case HashAlg::sha256:
      return EVP_sha256();
    case HashAlg::sha384:
      return EVP_sha384();
    case HashAlg::sha512:
      return EVP_sha512();
  }
  return EVP_sha256();
}

Digester::Digester() {
  for (const auto alg : {HashAlg::sha256, HashAlg::sha384, HashAlg::sha512}) {
    const auto* name = alg == HashAlg::sha256 ? "SHA2-256" : alg == HashAlg::sha384 ? "SHA2-384" : "SHA2-512";
    auto& md = mds_[static_cast<std::size_t>(alg)];
    md.reset(EVP_MD_fetch(nullptr, name, nullptr));
    must(md != nullptr);
  }
}

Digest Digester::digest(HashAlg alg, BytesView message) const {
  Digest out;
  hash_with(thread_context(alg), md(alg), message, out);
  return out;
}

void Digester::digest_batch(HashAlg alg, std::span<const BytesView> messages, std::span<Digest> out) const {
  must(messages.size() == out.size());
  if (const auto lanes = best_lanes(alg, messages.size()); lanes != Lanes::none) {
    sha2_lanes(lanes, alg, messages, out);
    return;
  }
  auto* context = thread_context(alg);
  for (std::size_t i = 0; i < messages.size(); ++i) hash_with(context, md(alg), messages[i], out[i]);
}

std::unique_ptr<crypto::DigestLanes> Digester::lanes(HashAlg alg) const {
  const auto lanes = best_lanes(alg, kMany);
  return lanes == Lanes::none ? nullptr : stream_lanes(lanes, alg);
}

std::unique_ptr<crypto::Hasher> Digester::hasher(HashAlg alg) const {
  return std::make_unique<EvpHasher>(md(alg));
}

}  // namespace camvault::crypto_openssl
