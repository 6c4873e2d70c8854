// Signs reports and checks their signatures.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "camvault/crypto_openssl/detached_signature.h"
#include "camvault/key_source/signing_identity.h"

namespace camvault::cli {

// Whose key signs; no name: nobody's. Its purpose must be report-signing: a camera's key signs no reports.
struct ReportSigner {
  key_source::KeySource source;
  bool wanted() const { return !source.key.empty() || !source.key_file.empty(); }
};
void add_report_signer(CLI::App& command, ReportSigner& signer);

struct Examiner {
  std::shared_ptr<crypto::SigningKey> key;
  std::vector<crypto::Certificate> chain;
};
Result<Examiner> open_examiner(const crypto::Engine& engine, const ReportSigner& signer);

// Writes `path`.p7s beside the file.
Status sign_file(const Examiner& examiner, const std::filesystem::path& path);

}  // namespace camvault::cli
