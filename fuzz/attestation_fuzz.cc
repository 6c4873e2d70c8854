// Evidence about keys. Laws: what is accepted re-encodes to itself, and is never good about a key that it
// does not name.
#include "camvault/attestation/attester.h"
#include "camvault/attestation/evidence_file.h"
#include "camvault/crypto_openssl/engine.h"
#include "fuzz.h"

namespace {

using namespace camvault;
using namespace camvault::attestation;

#ifdef CAMVAULT_PLANTED_BUG
// Planted: a TPM2B's length is believed, in a statement that begins as a TPM's does.
unsigned planted_nonce_end(BytesView statement) {
  constexpr std::size_t kName = 6;  // behind magic and type
  if (statement.size() < kName + 2 || statement[0] != 0xff || statement[1] != 0x54) return 0;
  const std::size_t size = std::size_t{statement[kName]} << 8 | statement[kName + 1];
  return statement.data()[kName + 2 + size];
}
// Planted: the statement's length byte is believed.
unsigned planted_statement_end(BytesView evidence) {
  if (evidence.size() < 4 || evidence[0] != 0xa5 || evidence[2] != 0x58) return 0;
  return evidence.data()[3u + evidence[3]];
}
#endif

std::function<crypto::Digest(BytesView)> sha256_of(const crypto::Engine& engine) {
  return [&engine](BytesView bytes) { return engine.digest(crypto::HashAlg::sha256, bytes); };
}

// What a module signs, read without its signature, which no fuzzer guesses.
void judge(const crypto::Engine& engine, const ModuleEvidence& evidence) {
  const auto sha256 = sha256_of(engine);
  const auto covered = signed_bytes(evidence, sha256);
  for (const auto alg : {crypto::KeyAlg::ec_p256, crypto::KeyAlg::ec_p384, crypto::KeyAlg::rsa_2048,
                         crypto::KeyAlg::ed25519}) {
    const auto statement = read_module_statement(evidence, alg, sha256);
    if (!statement) continue;
    law(covered.has_value(), "what can be read can be signed");
    law(!statement->spki.empty(), "a statement is about a key");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_statement_end(input));
#endif
  static const auto engine = crypto_openssl::make_openssl_engine();
  if (const auto statement = decode_statement(input)) {
    law(equal(encode_statement(*statement).value(), input), "an accepted statement re-encodes to itself");
  }
  const auto evidence = decode_evidence(input);
  if (evidence)
    law(equal(encode_evidence(*evidence).value(), input), "accepted evidence re-encodes to itself");
  if (const auto module_word = decode_module_evidence(input)) {
    law(equal(encode_module_evidence(*module_word).value(), input), "accepted evidence re-encodes to itself");
    judge(*engine, *module_word);
#ifdef CAMVAULT_PLANTED_BUG
    use(planted_nonce_end(module_word->statement));
#endif
  }
  if (const auto file = decode_evidence_file(input)) {
    law(equal(encode_evidence_file(*file).value(), input), "an accepted file re-encodes to itself");
    const auto found = check_file(*engine, *file, {.nonce = Bytes(kMinNonce)});
    law(found.standing != Standing::vouched && found.refusal != Refusal::none, "nobody vouches for nobody");
  }
  if (const auto attester = decode_attester(input)) {
    law(equal(encode_attester(*attester).value(), input), "an accepted description re-encodes to itself");
    static_cast<void>(check_attester_area(*attester, sha256_of(*engine)).has_value());
  }
  if (const auto credential = decode_credential(input))
    law(equal(encode_credential(*credential).value(), input), "an accepted credential re-encodes to itself");
  for (const auto kind : {kKeystored, kTpm2, kSe05x}) {
    const auto found = check(*engine, {.type = kind, .evidence = input, .spki = as_bytes("no such key")});
    law(found.standing == Standing::invalid, "evidence is about the key it names and no other");
    law(!found.reason.empty(), "every standing has a reason");
  }
  return 0;
}
