#include "camvault/crypto_openssl/detached_signature.h"

#include "signed_data.h"
#include "signed_object.h"

namespace camvault::crypto_openssl {

Result<Bytes> sign_detached(crypto::SigningKey& key, const std::vector<crypto::Certificate>& chain,
                            BytesView content, Timestamp at) {
  return make_signed_data(key, chain, content, kCmsData, Placement::detached, at);
}

Result<DetachedSignature> verify_detached(const crypto::Engine& engine, BytesView signature,
                                          BytesView content) {
  CAM_TRY(auto read, check_signed_data(engine, signature, Placement::detached, content));
  return DetachedSignature{std::move(read.chain), read.signing_time};
}

SealAlgorithm seal_algorithm(crypto::KeyAlg alg) {
  auto choice = choose_signature(alg, RsaPadding::pss);
  return {choice.scheme, choice.hash, std::move(choice.algorithm_identifier)};
}

Result<SealAlgorithm> seal_algorithm_of(BytesView identifier) {
  using crypto::KeyAlg;
  for (const auto alg : {KeyAlg::ec_p256, KeyAlg::ec_p384, KeyAlg::ec_p521, KeyAlg::rsa_2048}) {
    auto known = seal_algorithm(alg);
    if (equal(known.identifier, identifier)) return known;
  }
  return fail(Errc::unsupported, "a seal of another algorithm");
}

}  // namespace camvault::crypto_openssl
