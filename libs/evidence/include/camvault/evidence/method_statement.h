// Ten lines that say how an exported clip was cut and how anybody can check it again.
#pragma once

#include <optional>
#include <string>

#include "camvault/base/time.h"

namespace camvault::evidence {

struct MethodFacts {
  std::string source_name;    // of the file it was cut from; foreign text, made harmless by the caller
  std::string source_sha256;  // of that file
  std::string clip_name;
  std::string clip_sha256;
  std::string asked;  // "2026-11-21T10:00:00Z to 2026-11-21T10:05:00Z"
  std::optional<Timestamp> first;
  std::optional<Timestamp> last;
  std::string verdict;     // one sentence
  std::string provenance;  // one sentence
  std::string operator_name;
  std::string tool;  // "camvault 0.1.0"
  Timestamp exported;
  bool report_is_signed = false;
};

std::string method_statement(const MethodFacts& facts);

}  // namespace camvault::evidence
