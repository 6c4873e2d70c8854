// Everything that is known about one key, in one file: what its module says, and what keystored says.
// docs/formats/attestation.md.
#pragma once

#include "camvault/attestation/check.h"

namespace camvault::attestation {

struct EvidenceItem {
  std::string kind;  // kKeystored, kTpm2, kSe05x
  Bytes evidence;
};
struct EvidenceFile {
  Bytes spki;                       // of the key
  std::vector<EvidenceItem> items;  // at most one of a kind, at least one
};
inline constexpr std::size_t kMaxEvidenceFile = 64 * 1024;

Result<Bytes> encode_evidence_file(const EvidenceFile& file);
Result<EvidenceFile> decode_evidence_file(BytesView bytes);

struct FileCheck {
  Bytes nonce;
  std::optional<Bytes> spki = {};               // of the key that it should be about
  std::optional<crypto::Digest> attester = {};  // keystored's, from somebody trusted
  const std::vector<crypto::Certificate>* anchors = nullptr;
  Timestamp at = {};
  bool must_be_made_inside = false;
};
// The strongest word that is in the file, if nothing in it is refused: a module's before a program's. A key
// that keystored calls "generated inside" and its module does not is Refusal::imported_as_made.
Finding check_file(const crypto::Engine& engine, const EvidenceFile& file, const FileCheck& check);

}  // namespace camvault::attestation
