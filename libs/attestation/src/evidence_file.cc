#include "camvault/attestation/evidence_file.h"

#include <algorithm>

#include "camvault/codec/cbor.h"

namespace camvault::attestation {

using codec::CborReader;
using codec::CborWriter;

namespace {
constexpr std::string_view kName = "camvault key evidence";
constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kMaxSpki = 2048;

namespace file_tag {
constexpr std::int64_t kName = 0;
constexpr std::int64_t kVersion = 1;
constexpr std::int64_t kSpki = 2;
constexpr std::int64_t kItems = 3;  // kind -> evidence
}  // namespace file_tag

constexpr std::string_view kKinds[] = {kTpm2, kSe05x, kKeystored};  // in the order of CBOR's keys

Finding refused(Finding finding, Refusal refusal, std::string reason) {
  finding.standing = Standing::invalid;
  finding.refusal = refusal;
  finding.reason = std::move(reason);
  return finding;
}
}  // namespace

Result<Bytes> encode_evidence_file(const EvidenceFile& file) {
  CborWriter out;
  out.begin_map();
  out.text(file_tag::kName, kName);
  out.unsigned_integer(file_tag::kVersion, kVersion);
  out.bytes(file_tag::kSpki, file.spki);
  out.key(file_tag::kItems);
  out.begin_map();
  for (const auto& item : file.items) {
    out.bytes(item.kind, item.evidence);
  }
  out.end();
  out.end();
  CAM_TRY(auto bytes, out.take());
  CAM_TRY_STATUS(decode_evidence_file(bytes));
  return bytes;
}

Result<EvidenceFile> decode_evidence_file(BytesView bytes) {
  if (bytes.size() > kMaxEvidenceFile) return fail(Errc::limit, "evidence: longer than 64 KiB");
  CAM_TRY(auto in, CborReader::open(bytes));
  CAM_TRY(auto map, in.map());
  CAM_TRY(const auto name, map.text(file_tag::kName));
  if (name != kName) return fail(Errc::malformed, "evidence: not a file of evidence about a key");
  CAM_TRY(const auto version, map.unsigned_integer(file_tag::kVersion));
  if (version != kVersion) return fail(Errc::unsupported, "evidence: a file of another version");
  EvidenceFile file;
  CAM_TRY(const auto spki, map.bytes(file_tag::kSpki));
  if (spki.empty() || spki.size() > kMaxSpki) return fail(Errc::malformed, "evidence: the key");
  file.spki = to_bytes(spki);
  CAM_TRY_STATUS(map.key(file_tag::kItems));
  CAM_TRY(auto items, map.map());
  for (const auto kind : kKinds) {
    if (!items.at_key(kind)) continue;
    CAM_TRY(const auto evidence, items.bytes());
    file.items.push_back({std::string(kind), to_bytes(evidence)});
  }
  CAM_TRY_STATUS(items.finish());
  CAM_TRY_STATUS(map.finish());
  if (file.items.empty()) return fail(Errc::malformed, "evidence: none is in the file");
  return file;
}

Finding check_file(const crypto::Engine& engine, const EvidenceFile& file, const FileCheck& check) {
  if (check.spki && *check.spki != file.spki)
    return refused({}, Refusal::another_key, "the evidence is about another key");
  std::optional<Finding> by_module;
  std::optional<Finding> by_program;
  for (const auto& item : file.items) {
    const bool program = item.kind == kKeystored;
    auto found = attestation::check(engine, {.type = item.kind,
                                             .evidence = item.evidence,
                                             .spki = file.spki,
                                             .nonce = check.nonce,
                                             .attester = program ? check.attester : std::nullopt,
                                             .anchors = check.anchors,
                                             .at = check.at});
    if (found.standing == Standing::invalid) return found;
    (program ? by_program : by_module) = std::move(found);
  }
  auto out = by_module ? std::move(*by_module) : std::move(*by_program);
  if (by_module && by_program) {
    out.statement = by_program->statement;
    if (by_program->origin == KeyOrigin::generated_inside && out.origin != KeyOrigin::generated_inside) {
      return refused(std::move(out), Refusal::imported_as_made,
                     "keystored says that the key was generated inside, and its module that it was put in");
    }
  }
  if (check.must_be_made_inside && out.origin != KeyOrigin::generated_inside)
    return refused(std::move(out), Refusal::imported_as_made, "the key was not generated inside");
  return out;
}

}  // namespace camvault::attestation
