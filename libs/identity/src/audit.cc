#include "camvault/identity/audit.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "camvault/base/file.h"
#include "camvault/identity/factory.h"
#include "issue_log.h"
#include "log_checkpoint.h"

namespace camvault::identity {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {
constexpr std::size_t kMaxProblems = 100;
constexpr std::size_t kMaxCertificateFile = 256 * 1024;
constexpr std::size_t kMaxInFile = 16;

Result<crypto::Certificate> log_signer(const crypto::Engine& engine, const AuditOptions& options) {
  CAM_TRY(const auto pem, read_file(options.folder / kLogSignerFile, kMaxCertificateFile));
  CAM_TRY(auto list, engine.certificates_from_pem(as_text(pem), 1));
  const std::vector<crypto::Certificate> anchors{*options.root};
  crypto::PathRequest path;
  path.leaf = &list.front();
  path.intermediates = &list;
  path.anchors = &anchors;
  path.at = list.front().not_before;
  const auto result = engine.validate_path(path);
  if (result.verdict != crypto::PathVerdict::trusted)
    return fail(Errc::invalid, "the log's signer is not of this root: " + result.reason);
  return std::move(list.front());
}

// Looks at lines one by one; what it keeps of a camera is some 300 bytes.
class Auditor {
 public:
  Auditor(const crypto::Engine& engine, const AuditOptions& options) : engine_(engine), options_(options) {}

  Result<AuditReport> run() {
    auto signer = log_signer(engine_, options_);
    if (signer) {
      signer_ = std::move(*signer);
    } else if (signer.error().code != Errc::not_found) {
      problem(signer.error().what);
    }
    const auto path = options_.folder / kIssueLogFile;
    const auto end = LineLog::read(path, engine_, [&](const json& line) -> Status {
      on_line(line);
      return ok();
    });
    if (!end && end.error().code != Errc::malformed && end.error().code != Errc::limit)
      return tl::unexpected(end.error());
    if (!end) problem(end.error().what);
    if (end) {
      report_.end = {end->lines, end->head};
      compare_with_seen();
    }
    if (options_.files) look_at_files();
    report_.cameras = cameras_.size();
    report_.certificates = certificates_.size();
    return std::move(report_);
  }

 private:
  struct Camera {
    Sha256 identity;
    Sha256 media_signing;
    std::uint64_t ca = 0;
    bool issued = false;
  };

  void problem(const std::string& what) {
    ++report_.problem_count;
    if (report_.problems.size() < kMaxProblems) report_.problems.push_back(what);
  }
  void problem_in_line(const std::string& what) {
    problem("line " + std::to_string(report_.lines) + ": " + what);
  }

  void compare_with_seen() {
    if (!options_.seen || options_.seen->line == 0) return;
    if (options_.seen->line > report_.lines) return problem("lines were taken off the end of the log");
    const bool at_end = options_.seen->line == report_.lines && options_.seen->head == report_.end.head;
    if (!met_ && !at_end) problem("the log does not pass through what was seen before");
  }

  void on_line(const json& line) {
    ++report_.lines;
    try {
      judge(line);
    } catch (const json::exception&) {  // a number where a text belongs, and the like
      problem_in_line("is not what the event says");
    }
  }

  void judge(const json& line) {
    // The hash of a line stands in the next one.
    const auto previous = line.value("prev", "");
    if (options_.seen && options_.seen->line + 1 == report_.lines && previous == options_.seen->head)
      met_ = true;
    const auto event = line.value("event", "");
    if (event == "reserved" || event == "issued") {
      on_device(line, event == "issued");
    } else if (event == "certified" || event == "attester") {
      on_further(line);
    } else if (event == "order") {
      ++report_.orders;
    } else if (event == "checkpoint") {
      on_checkpoint(line);
    }
  }

  static std::optional<Sha256> hash_in(const json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_string()) return std::nullopt;
    const auto bytes = from_hex(found->get<std::string>());
    Sha256 out;
    if (!bytes || bytes->size() != Sha256::kSize) return std::nullopt;
    std::copy(bytes->begin(), bytes->end(), out.value.begin());
    return out;
  }

  void on_device(const json& line, bool issued) {
    const auto serial = line.value("serial", "");
    const auto identity = hash_in(line.value("identity", json::object()), "key");
    const auto media = hash_in(line.value("media_signing", json::object()), "key");
    if (serial.empty() || !identity || !media) return problem_in_line("is not what the event says");
    for (const auto& key : {*identity, *media}) take_key(key, serial);
    const auto [at, is_new] = reserved_.try_emplace(serial);
    auto& camera = at->second;
    const std::uint64_t ca = line.value("ca", std::uint64_t{0});
    if (!is_new && (camera.identity != *identity || camera.media_signing != *media))
      problem_in_line("serial number " + serial + " a second time, with other keys");
    if (issued && is_new) problem_in_line("serial number " + serial + " was issued without being reserved");
    if (camera.issued && ca == camera.ca) problem_in_line("serial number " + serial + " was issued twice");
    camera = {*identity, *media, ca, issued || camera.issued};
    if (!issued) return;
    cameras_.insert(serial);
    take_certificate(line.at("identity"));
    take_certificate(line.at("media_signing"));
  }

  void on_further(const json& line) {
    const auto serial = line.value("serial", "");
    const auto entry = line.value("certificate", json::object());
    const auto key = hash_in(entry, "key");
    if (serial.empty() || !key) return problem_in_line("is not what the event says");
    take_key(*key, serial);
    take_certificate(entry);
  }

  void take_key(const Sha256& key, const std::string& serial) {
    const auto [at, is_new] = keys_.try_emplace(key, std::hash<std::string>()(serial));
    if (!is_new && at->second != std::hash<std::string>()(serial))
      problem_in_line("a key that another camera has, for " + serial);
  }

  void take_certificate(const json& entry) {
    const auto fingerprint = hash_in(entry, "sha256");
    if (!fingerprint) return problem_in_line("a certificate without its hash");
    if (!numbers_.insert(entry.value("number", "")).second)
      problem_in_line("a certificate number a second time");
    if (!certificates_.try_emplace(*fingerprint, false).second)
      problem_in_line("a certificate a second time");
  }

  void on_checkpoint(const json& line) {
    if (!signer_) return problem_in_line("a checkpoint, and nobody who signs them");
    const auto signature = from_hex(line.value("signature", ""));
    const auto text = checkpoint_text(report_.lines - 1, line.value("prev", ""), line.value("time", ""));
    const auto digest = engine_.digest(crypto::HashAlg::sha256, as_bytes(text));
    const auto scheme = crypto::default_scheme(signer_->key->alg());
    if (!signature || !signer_->key->verify_digest(scheme, crypto::HashAlg::sha256, digest, *signature))
      return problem_in_line("the checkpoint's signature is not that of the log's signer");
    ++report_.checkpoints;
    report_.signed_lines = report_.lines;
  }

  // Each certificate in the folder is in the log, and the other way round but for those of attestation keys,
  // which the camera alone has.
  void look_at_files() {
    std::error_code error;
    for (fs::directory_iterator top(options_.folder, error), end; !error && top != end;
         top.increment(error)) {
      const auto name = top->path().filename().string();
      if (!name.starts_with("issued") || !top->is_directory(error)) continue;
      std::error_code failed;
      for (fs::directory_iterator at(top->path(), failed); !failed && at != fs::directory_iterator();
           at.increment(failed))
        look_at_file(at->path());
      if (failed) problem(top->path().string() + ": " + failed.message());
    }
    if (error) problem(options_.folder.string() + ": " + error.message());
  }

  void look_at_file(const fs::path& path) {
    const auto pem = read_file(path, kMaxCertificateFile);
    auto stem = path.stem().string();
    const bool known_camera = cameras_.contains(stem.substr(0, stem.find('_')));
    if (!known_camera) return;  // of a camera that is only reserved: it never left, and will be written again
    const auto list = pem ? engine_.certificates_from_pem(as_text(*pem), kMaxInFile)
                          : Result<std::vector<crypto::Certificate>>(tl::unexpected(pem.error()));
    if (!list) return problem(path.string() + " cannot be read");
    ++report_.files;
    for (const auto& certificate : *list) {
      Sha256 hash;
      const auto digest = engine_.digest(crypto::HashAlg::sha256, certificate.der);
      std::copy(digest.view().begin(), digest.view().end(), hash.value.begin());
      if (!certificates_.contains(hash))
        problem(path.string() + " holds a certificate that is not in the log");
    }
  }

  const crypto::Engine& engine_;
  const AuditOptions& options_;
  std::optional<crypto::Certificate> signer_;
  AuditReport report_;
  bool met_ = false;
  std::unordered_map<std::string, Camera> reserved_;
  std::unordered_set<std::string> cameras_;
  std::unordered_map<Sha256, std::size_t, FirstBytes> keys_;  // -> hash of the serial number
  std::unordered_set<std::string> numbers_;
  std::unordered_map<Sha256, bool, FirstBytes> certificates_;
};
}  // namespace

Result<AuditReport> audit(const crypto::Engine& engine, const AuditOptions& options) {
  return Auditor(engine, options).run();
}

}  // namespace camvault::identity
