// Looking at a factory's issue log without being the factory: is it whole, is it signed, was nothing issued
// twice? Needs the root's certificate and no key, and changes nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "camvault/crypto/certificate.h"
#include "camvault/crypto/engine.h"

namespace camvault::identity {

// A place in a log that somebody has seen: when it is looked at again, the log must still pass through it.
// That is how taking lines off its end is noticed.
struct LogPlace {
  std::uint64_t line = 0;  // how many there were
  std::string head;        // hash of the last of them, hex
};

struct AuditReport {
  std::uint64_t lines = 0;
  std::uint64_t cameras = 0;       // that were issued certificates
  std::uint64_t certificates = 0;  // for cameras
  std::uint64_t orders = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t signed_lines = 0;  // up to the last checkpoint; the rest has nobody's signature
  std::uint64_t files = 0;         // of certificates that were compared with the log
  LogPlace end;
  std::vector<std::string> problems;  // the first 100
  std::uint64_t problem_count = 0;

  bool whole() const { return problem_count == 0; }
  bool is_signed() const { return checkpoints > 0 && signed_lines == lines; }
};

struct AuditOptions {
  std::filesystem::path folder;               // of the factory
  const crypto::Certificate* root = nullptr;  // known to whoever looks, not taken from the folder
  std::optional<LogPlace> seen;
  bool files = true;  // compare each certificate file with the log, too
};
// Errc::not_found, Errc::io: could not look. What is wrong with the log is an answer.
Result<AuditReport> audit(const crypto::Engine& engine, const AuditOptions& options);

}  // namespace camvault::identity
