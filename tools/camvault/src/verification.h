// Reads a clip from beginning to end and judges it. Shared by `camvault verify` and `camvault demo`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "camvault/crypto/engine.h"
#include "camvault/report/subject.h"
#include "camvault/signed_video/verifier.h"
#include "trust_options.h"

namespace camvault::cli {

// What to judge and against what; files are PEM or DER.
struct VerificationRequest {
  std::filesystem::path clip;
  std::string codec;   // "h264", "h265", "av1"; empty: guess
  std::string format;  // "units": the file is read so; empty: recognised by content
  TrustSettings trust;
  std::filesystem::path signer;  // empty: any
  std::string expected_serial;
  std::string at;          // ISO 8601; empty: recording time
  bool hash_file = false;  // SHA-256 of the whole file for the report
  bool progress = true;
  unsigned jobs = 0;  // threads; 0: as many as there are cores
};

struct Verification {
  signed_video::Report report;
  report::Subject subject;
  bool origin_asked =
      false;  // the user named anchors or a signer, or keeps a trust store of makers and owners
};

// Errc::usage: the request makes no sense; everything else: some input cannot be read.
Result<Verification> verify_clip(const crypto::Engine& engine, const VerificationRequest& request);

// 0, 1 or 2 as the documentation says.
int exit_code_of(const Verification& verification);

}  // namespace camvault::cli
