#include "camvault/attestation/module_evidence.h"

#include "camvault/codec/cbor.h"
#include "se05x_answer.h"
#include "tpm_structures.h"

namespace camvault::attestation {

using codec::CborReader;
using codec::CborWriter;

namespace {
namespace evidence_tag {
constexpr std::int64_t kKind = 0;
constexpr std::int64_t kAttester = 1;
constexpr std::int64_t kChain = 2;
constexpr std::int64_t kStatement = 3;
constexpr std::int64_t kSignature = 4;
constexpr std::int64_t kContext = 5;
constexpr std::int64_t kGeneration = 6;
}  // namespace evidence_tag

constexpr std::size_t kMaxPart = 4096;  // of statement, signature, context, SPKI and of one certificate
constexpr std::size_t kFreshness = 16;

tl::unexpected<Error> malformed(const char* what) {
  return fail(Errc::malformed, std::string("attestation: ") + what);
}

Result<Bytes> read_part(CborReader& in, std::int64_t tag) {
  CAM_TRY(const auto bytes, in.bytes(tag));
  if (bytes.empty() || bytes.size() > kMaxPart) return malformed("a part that is empty or too long");
  return to_bytes(bytes);
}

bool fits(std::string_view kind, unsigned generation) {
  return kind == kTpm2 ? generation == 2 : kind == kSe05x && (generation == 3 || generation == 7);
}

Result<ModuleStatement> read_tpm(const ModuleEvidence& evidence, crypto::KeyAlg alg,
                                 const std::function<crypto::Digest(BytesView)>& sha256) {
  CAM_TRY(auto key, read_tpm_public(evidence.context));
  CAM_TRY(auto certify, read_tpm_certify(evidence.statement));
  if (key.alg != alg) return malformed("a key of another kind");
  Bytes name = {0x00, 0x0b};  // part 1, 16: SHA-256, and the hash of the public area
  append(name, sha256(evidence.context).view());
  if (certify.name != name)
    return malformed("the TPM speaks about another key than the one that came with it");
  const bool inside = (key.attributes & tpm::kSensitiveDataOrigin) != 0;
  const bool fixed = (key.attributes & tpm::kFixedTpm) != 0 && (key.attributes & tpm::kFixedParent) != 0;
  // TPM2_Duplicate wants a policy (part 3, 13.1): without one the key stays where it is.
  return ModuleStatement{.spki = std::move(key.spki),
                         .origin = inside && fixed ? KeyOrigin::generated_inside : KeyOrigin::imported,
                         .leaves = !fixed && key.has_policy,
                         .nonce = std::move(certify.extra_data)};
}
}  // namespace

Result<Bytes> encode_module_evidence(const ModuleEvidence& e) {
  CborWriter out;
  out.begin_map();
  out.text(evidence_tag::kKind, e.kind);
  out.bytes(evidence_tag::kAttester, e.attester_spki);
  out.key(evidence_tag::kChain);
  out.begin_array();
  for (const auto& certificate : e.chain) out.bytes(certificate);
  out.end();
  out.bytes(evidence_tag::kStatement, e.statement);
  out.bytes(evidence_tag::kSignature, e.signature);
  out.bytes(evidence_tag::kContext, e.context);
  out.unsigned_integer(evidence_tag::kGeneration, e.generation);
  out.end();
  CAM_TRY(auto bytes, out.take());
  CAM_TRY_STATUS(decode_module_evidence(bytes));  // what our own reader refuses must not leave
  return bytes;
}

Result<ModuleEvidence> decode_module_evidence(BytesView bytes) {
  if (bytes.size() > kMaxModuleEvidence) return fail(Errc::limit, "attestation: longer than 24 KiB");
  CAM_TRY(auto in, CborReader::open(bytes));
  CAM_TRY(auto map, in.map());
  ModuleEvidence e;
  CAM_TRY(const auto kind, map.text(evidence_tag::kKind));
  e.kind = std::string(kind);
  CAM_TRY(e.attester_spki, read_part(map, evidence_tag::kAttester));
  CAM_TRY_STATUS(map.key(evidence_tag::kChain));
  CAM_TRY(auto chain, map.array());
  while (!chain.at_end()) {
    CAM_TRY(const auto certificate, chain.bytes());
    if (e.chain.size() == kMaxChain || certificate.size() > kMaxPart)
      return fail(Errc::limit, "attestation: too many certificates, or one that is too long");
    e.chain.push_back(to_bytes(certificate));
  }
  CAM_TRY(e.statement, read_part(map, evidence_tag::kStatement));
  CAM_TRY(e.signature, read_part(map, evidence_tag::kSignature));
  CAM_TRY(e.context, read_part(map, evidence_tag::kContext));
  CAM_TRY(const auto generation, map.unsigned_integer(evidence_tag::kGeneration));
  if (generation > 7 || !fits(e.kind, static_cast<unsigned>(generation)))
    return fail(Errc::unsupported,
                "attestation: a kind or generation of module that this version does not know");
  e.generation = static_cast<unsigned>(generation);
  CAM_TRY_STATUS(map.finish());
  return e;
}

Result<ModuleStatement> read_module_statement(const ModuleEvidence& evidence, crypto::KeyAlg alg,
                                              const std::function<crypto::Digest(BytesView)>& sha256) {
  if (evidence.kind == kTpm2) return read_tpm(evidence, alg, sha256);
  CAM_TRY(auto answer, read_se05x_answer(evidence));
  ModuleStatement out;
  CAM_TRY(out.spki, se05x_spki(answer, alg));
  out.origin = answer.origin;
  out.leaves = answer.leaves;
  out.nonce = std::move(answer.freshness);
  return out;
}

Result<Bytes> signed_bytes(const ModuleEvidence& evidence,
                           const std::function<crypto::Digest(BytesView)>& sha256) {
  if (evidence.kind == kSe05x) return se05x_signed_bytes(evidence, sha256);
  return evidence.statement;
}

Bytes nonce_for(std::string_view kind, BytesView nonce,
                const std::function<crypto::Digest(BytesView)>& sha256) {
  if (kind != kSe05x) return to_bytes(nonce);
  return to_bytes(sha256(nonce).view().first(kFreshness));
}

}  // namespace camvault::attestation
