// `camvault verify --json-line` for many clips in one process: starting a program costs more than checking a
// clip of a few seconds, and the edits are thousands.
//
// Reads lines CLIP \t ANCHORS.pem \t SIGNER.pem \t TIME \t CODEC \t FORMAT (the options of `camvault verify`;
// empty: not given) and answers each with one line, in the order of the questions.
#include <array>
#include <cstdio>
#include <iostream>
#include <string>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/report/json.h"
#include "exit_code.h"
#include "verification.h"
#include "verify_line.h"

namespace camvault::cli {
namespace {

VerificationRequest request_from(const std::string& line) {
  std::array<std::string, 6> field;
  std::size_t begin = 0;
  for (auto& value : field) {
    const auto end = std::min(line.find('\t', begin), line.size());
    value = line.substr(begin, end - begin);
    begin = std::min(end + 1, line.size());
  }
  VerificationRequest request;
  request.clip = field[0];
  if (!field[1].empty()) request.trust.anchors.emplace_back(field[1]);
  request.trust.no_store = true;
  request.signer = field[2];
  request.at = field[3];
  request.codec = field[4];
  request.format = field[5];
  request.progress = false;
  request.jobs = 1;
  return request;
}

// As the command line does it, with an engine that remembers the certificates it has seen.
std::string answer(const crypto::Engine& engine, const VerificationRequest& request) {
  const auto file = request.clip.string();
  const auto result = verify_clip(engine, request);
  if (!result) return failure_line(file, kUnreadableInput, result.error().what);
  return result_line(file, exit_code_of(*result), report::to_json(result->subject, result->report));
}

}  // namespace
}  // namespace camvault::cli

int main() {
  const auto engine = camvault::crypto_openssl::make_openssl_engine();
  for (std::string line; std::getline(std::cin, line);) {
    const auto text = camvault::cli::answer(*engine, camvault::cli::request_from(line));
    if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) return camvault::cli::kCannotWrite;
  }
  return 0;
}
