// Whom a verification trusts, as the command line, the trust store and files say.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "camvault/crypto/engine.h"

namespace camvault::cli {

struct TrustSettings {
  std::vector<std::filesystem::path> anchors;      // makers and owners
  std::filesystem::path store;                     // empty: the default one, if it exists
  std::vector<std::filesystem::path> tsa_anchors;  // time stamp authorities
  bool no_store = false;
  std::vector<std::filesystem::path> crls;
  std::vector<std::filesystem::path> ocsp;
  bool online = false;                        // ask the responders that certificates name
  std::string ocsp_url;                       // ask this one instead
  std::vector<crypto::OcspResponse> fetched;  // what they said
};

// Certificates and statements about them, read.
struct TrustMaterial {
  std::vector<crypto::Certificate> makers;
  std::vector<crypto::Certificate> owners;
  std::vector<crypto::Certificate> tsas;
  std::vector<crypto::RevocationList> crls;
  std::vector<crypto::OcspResponse> ocsp;
  std::filesystem::path store;    // that was used; empty: none
  std::size_t store_anchors = 0;  // makers and owners that came from it
};

void add_trust_options(CLI::App& command, TrustSettings& settings);

// Damaged files of the trust store are said on standard error and not trusted. Errors name the file.
Result<TrustMaterial> load_trust(const crypto::Engine& engine, const TrustSettings& settings);

// Of this user; empty if there is no place for one.
std::filesystem::path default_trust_store();

// Lists, PEM or DER, each file of at most `limit` bytes. Errors name the file.
Result<std::vector<crypto::RevocationList>> revocation_lists_from(
    const crypto::Engine& engine, const std::vector<std::filesystem::path>& files, std::size_t limit);

// All certificates of a PEM or DER file, at least one.
Result<std::vector<crypto::Certificate>> certificates_from(const crypto::Engine& engine,
                                                           const std::filesystem::path& path);

}  // namespace camvault::cli
