#include "seal.h"

#include <fstream>

#include "camvault/base/file.h"

namespace camvault::cli {

namespace {

constexpr std::size_t kPiece = 1 << 20;
// A DER signature's length changes with its numbers; one of this length comes every second time.
constexpr int kAttempts = 200;

std::size_t seal_size(crypto::KeyAlg alg) {
  const auto most = crypto::max_signature_size(alg);
  return crypto::is_ecdsa(alg) ? most - 1 : most;
}

// Of the file with zeros where the signature stands (5.6.1).
crypto::Digest digest_with_zeros(const crypto::Engine& engine, crypto::HashAlg hash, BytesView file,
                                 std::uint64_t offset, std::size_t size) {
  const auto hasher = engine.hasher(hash);
  const auto add = [&](BytesView bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += kPiece)
      hasher->update(bytes.subspan(at, std::min(kPiece, bytes.size() - at)));
  };
  add(file.first(offset));
  hasher->update(Bytes(size));
  add(file.subspan(offset + size));
  return hasher->finish();
}

}  // namespace

Status write_export_box(const std::filesystem::path& mp4, const evidence::ExportInfo& info,
                        const Examiner* examiner, const crypto::Engine& engine) {
  std::optional<evidence::SealDraft> draft;
  std::optional<crypto_openssl::SealAlgorithm> algorithm;
  if (examiner != nullptr) {
    if (examiner->key->alg() == crypto::KeyAlg::ed25519)
      return fail(Errc::unsupported, "exports are not sealed with Ed25519 keys");
    algorithm = crypto_openssl::seal_algorithm(examiner->key->alg());
    draft = evidence::SealDraft{seal_size(examiner->key->alg()), examiner->chain.front().der,
                                algorithm->identifier};
  }
  CAM_TRY(auto meta, evidence::make_meta_box(info, draft));
  std::error_code error;
  const auto before = std::filesystem::file_size(mp4, error);
  {
    std::ofstream out(mp4, std::ios::binary | std::ios::app);
    out.write(reinterpret_cast<const char*>(meta.bytes.data()),
              static_cast<std::streamsize>(meta.bytes.size()));
    out.close();
    if (!out) return fail(Errc::io, mp4.string() + " cannot be written");
  }
  if (!draft) return ok();
  const auto offset = before + meta.signature_offset;
  crypto::Digest digest;
  {
    CAM_TRY(const auto file, MappedFile::open(mp4));
    digest = digest_with_zeros(engine, algorithm->hash, file.bytes(), offset, draft->signature_size);
  }
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    CAM_TRY(const auto signature, examiner->key->sign(algorithm->scheme, algorithm->hash, digest));
    if (signature.size() != draft->signature_size) continue;
    std::fstream out(mp4, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(static_cast<std::streamoff>(offset));
    out.write(reinterpret_cast<const char*>(signature.data()),
              static_cast<std::streamsize>(signature.size()));
    out.close();
    return out ? ok() : fail(Errc::io, mp4.string() + " cannot be written");
  }
  return fail(Errc::unavailable, "the key makes no signature of the usual length");
}

Result<std::optional<SealCheck>> check_seal(const crypto::Engine& engine, const std::filesystem::path& clip) {
  CAM_TRY(const auto file, MappedFile::open(clip));
  const auto bytes = file.bytes();
  // Only files of boxes; what is none of them is no export.
  if (bytes.size() < 8 || as_text(bytes.subspan(4, 4)) != "ftyp") return std::optional<SealCheck>();
  const auto found = evidence::find_export(bytes);
  if (!found || !*found) return std::optional<SealCheck>();
  SealCheck check;
  check.info = (*found)->info;
  check.seals = (*found)->seals.size();
  // A second seal changes sizes of boxes that the first one covers (5.7.1): only a single one is judged here.
  for (const auto& seal : (*found)->seals) {
    const auto certificate = engine.certificate_from_der(seal.certificate);
    const auto algorithm = crypto_openssl::seal_algorithm_of(seal.algorithm);
    if (!certificate || !algorithm || check.seals > 1) {
      ++check.broken;
      continue;
    }
    if (check.sealed_by.empty()) check.sealed_by = certificate->subject;
    const auto digest =
        digest_with_zeros(engine, algorithm->hash, bytes, seal.signature_offset, seal.signature.size());
    if (!certificate->key ||
        !certificate->key->verify_digest(algorithm->scheme, algorithm->hash, digest, seal.signature))
      ++check.broken;
  }
  return std::optional(std::move(check));
}

}  // namespace camvault::cli
