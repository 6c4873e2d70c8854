#include "verify_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "camvault/base/file.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/process/child_process.h"
#include "camvault/report/folder_html.h"
#include "camvault/report/text.h"
#include "commands.h"
#include "exit_code.h"
#include "output_file.h"
#include "terminal.h"
#include "verify_line.h"

namespace camvault::cli {

namespace {

constexpr std::size_t kMaxStateFile = 1u << 30;  // some million clips
constexpr std::size_t kMaxResult = 256u << 20;   // of one clip
constexpr std::size_t kMaxNamed = 20;            // clips that the terminal names
constexpr unsigned kMaxJobs = 64;

// What recorders and cameras write. Everything else in an archive (playlists, pictures, logs) is no clip.
constexpr std::array<std::string_view, 18> kExtensions = {
    ".mp4", ".m4v", ".mov",  ".mkv", ".webm", ".ts",  ".m2ts", ".mts", ".h264",
    ".264", ".avc", ".h265", ".265", ".hevc", ".av1", ".obu",  ".ivf", ".units"};

struct Clip {
  std::string path;  // below the folder
  std::uint64_t bytes = 0;
  std::int64_t modified = 0;  // ns since 1970
  bool done = false;
  int exit_code = kOurBug;
  std::string verdict;  // texts as they stand in JSON
  std::string provenance;
  std::string reason;

  // What tells it from other clips, and from another state of itself; begins its line in the state file.
  std::string key() const {
    return R"({"file":)" + json_string(path) + R"(,"bytes":)" + std::to_string(bytes) + R"(,"modified":)" +
           std::to_string(modified) + ",";
  }
  std::string rest() const {
    return R"("exit_code":)" + std::to_string(exit_code) + R"(,"verdict":")" + verdict +
           R"(","provenance":")" + provenance + R"(","reason":")" + reason + "\"}\n";
  }
};

// From good to bad: a clip that cannot be read is worse than a gap, and better than a forged one.
int badness(int exit_code) {
  switch (exit_code) {
    case kYes:
      return 0;
    case kPartly:
      return 1;
    case kNo:
      return 4;
    case kUnreadableInput:
      return 2;
    default:
      return 3;
  }
}

bool is_clip(const std::filesystem::path& path) {
  auto extension = path.extension().string();
  for (auto& c : extension) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

// In the order of their names, so that every run has the same. Links are not followed: they may lead
// anywhere.
Result<std::vector<Clip>> clips_below(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<Clip> clips;
  std::filesystem::recursive_directory_iterator at(folder, error);
  for (; !error && at != std::filesystem::recursive_directory_iterator(); at.increment(error)) {
    struct stat status {};
    if (!is_clip(at->path()) || lstat(at->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    Clip clip;
    clip.path = at->path().lexically_relative(folder).string();
    clip.bytes = static_cast<std::uint64_t>(status.st_size);
    clip.modified = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
    clips.push_back(std::move(clip));
  }
  if (error) return fail(Errc::io, folder.string() + ": " + error.message());
  std::sort(clips.begin(), clips.end(), [](const Clip& a, const Clip& b) { return a.path < b.path; });
  return clips;
}

std::vector<std::string> command_for(const VerificationRequest& request) {
  std::error_code error;
  std::vector<std::string> command = {std::filesystem::read_symlink("/proc/self/exe", error).string(),
                                      "verify", "--json-line", "--jobs", "1"};
  const auto add = [&](const char* option, const std::string& value) {
    if (value.empty()) return;
    command.emplace_back(option);
    command.push_back(value);
  };
  for (const auto& path : request.trust.anchors) add("--trust", path.string());
  for (const auto& path : request.trust.crls) add("--crl", path.string());
  for (const auto& path : request.trust.ocsp) add("--ocsp", path.string());
  add("--trust-store", request.trust.store.string());
  if (request.trust.no_store) command.emplace_back("--no-trust-store");
  add("--signer", request.signer.string());
  add("--expect-serial", request.expected_serial);
  add("--at", request.at);
  add("--codec", request.codec);
  add("--format", request.format);
  return command;
}

// Lines, one a clip, behind a line that says what was asked. Each is written in one piece and reaches the
// disk before the next: whatever ends us, at most the last line is torn, and that clip is looked at again.
class StateFile {
 public:
  Status open(const std::filesystem::path& path, const std::string& question, std::vector<Clip>& clips) {
    file_ = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file_.valid()) return fail(Errc::io, path.string() + ": " + errno_text(errno));
    if (flock(file_.get(), LOCK_EX | LOCK_NB) != 0)
      return fail(Errc::usage, path.string() + " is in use by another verification");
    CAM_TRY(const auto content, read_file(path, kMaxStateFile));
    const auto text = as_text(content);
    const auto whole = text.rfind('\n') + 1;  // npos + 1 is 0
    const auto first = R"({"camvault_verify_state":1,"question":)" + json_string(question) + "}\n";
    if (whole > 0 && !text.starts_with(first)) {
      return fail(
          Errc::usage,
          path.string() + " was not written by this verification: other options, another folder or version");
    }
    if (ftruncate(file_.get(), static_cast<off_t>(whole)) != 0)
      return fail(Errc::io, path.string() + ": " + errno_text(errno));
    if (whole == 0) return append(first);
    restore(text.substr(0, whole), clips);
    return ok();
  }

  bool is_open() const { return file_.valid(); }

  Status append(std::string_view line) {
    while (!line.empty()) {
      const auto written = ::write(file_.get(), line.data(), line.size());
      if (written < 0 && errno != EINTR) return fail(Errc::io, "the state file: " + errno_text(errno));
      if (written > 0) line.remove_prefix(static_cast<std::size_t>(written));
    }
    if (fdatasync(file_.get()) != 0) return fail(Errc::io, "the state file: " + errno_text(errno));
    return ok();
  }

 private:
  static void restore(std::string_view text, std::vector<Clip>& clips) {
    std::unordered_map<std::string, Clip*> known;
    for (auto& clip : clips) known.emplace(clip.key(), &clip);
    for (std::size_t begin = 0; begin < text.size();) {
      const auto end = text.find('\n', begin);
      const auto line = text.substr(begin, end - begin);
      begin = end + 1;
      static constexpr std::string_view kMark = R"("exit_code":)";
      const auto rest = line.rfind(kMark);
      if (rest == std::string_view::npos) continue;
      const auto found = known.find(std::string(line.substr(0, rest)));
      if (found == known.end()) continue;  // gone, or changed since
      auto& clip = *found->second;
      const auto number = line.substr(rest + kMark.size());
      if (std::from_chars(number.data(), number.data() + number.size(), clip.exit_code).ec != std::errc())
        continue;
      clip.verdict = member_text(line, "verdict");
      clip.provenance = member_text(line, "provenance");
      clip.reason = member_text(line, "reason");
      clip.done = true;
    }
  }

  UniqueFd file_;
};

// One clip in a process of its own: what a hostile one may do to it does not reach the others.
void look_at(const std::filesystem::path& folder, std::vector<std::string> command, Clip& clip) {
  command.emplace_back("--");
  command.push_back((folder / clip.path).string());
  const auto finished = process::run_and_capture(command, nullptr, kMaxResult);
  clip.done = true;
  if (!finished) {
    clip.reason = json_string(finished.error().what);
    clip.reason = clip.reason.substr(1, clip.reason.size() - 2);
    return;
  }
  const std::string_view line = finished->output;
  clip.exit_code = finished->exit_code;
  if (!line.starts_with(R"({"camvault_result":1,)") || !line.ends_with("}\n")) {
    clip.exit_code = kOurBug;
    clip.reason =
        "the verifier ended with code " + std::to_string(finished->exit_code) + " and without a result";
    return;
  }
  clip.reason = member_text(line, "error");
  const auto report = line.find(R"("report":)");
  if (!clip.reason.empty() || report == std::string_view::npos) return;
  const auto object = line.substr(report + 9);
  clip.verdict = member_text(object, "verdict");
  clip.provenance = member_text(object, "provenance");
  clip.reason = member_text(object, clip.provenance == "untrusted" ? "provenance_reason" : "verdict_reason");
}

std::string summary_json(const std::filesystem::path& folder, const std::vector<Clip>& clips, int worst) {
  std::map<std::string, std::size_t> codes;
  std::uint64_t bytes = 0;
  for (const auto& clip : clips) {
    ++codes[std::to_string(clip.exit_code)];
    bytes += clip.bytes;
  }
  std::string out = "{\n  \"schema\": \"camvault-verification-summary\",\n  \"version\": 1,\n  \"folder\": " +
                    json_string(folder.string()) + ",\n  \"clips\": " + std::to_string(clips.size()) +
                    ",\n  \"bytes\": " + std::to_string(bytes) +
                    ",\n  \"exit_code\": " + std::to_string(worst) + ",\n  \"by_exit_code\": {";
  const char* comma = "";
  for (const auto& [code, count] : codes) {
    out += std::string(comma) + "\"" + code + "\": " + std::to_string(count);
    comma = ", ";
  }
  out += "},\n  \"results\": [";
  comma = "\n";
  for (const auto& clip : clips) {
    out += comma + std::string("    ") + clip.key() + clip.rest();
    out.pop_back();
    comma = ",\n";
  }
  return out + "\n  ]\n}\n";
}

report::ClipOutcome outcome_of(const Clip& clip) {
  switch (clip.exit_code) {
    case kYes:
      return report::ClipOutcome::authentic;
    case kPartly:
      return report::ClipOutcome::frames_missing;
    case kUnreadableInput:
      return report::ClipOutcome::unreadable;
    case kNo:
      return clip.verdict == "not_signed"      ? report::ClipOutcome::not_signed
             : clip.verdict == "not_authentic" ? report::ClipOutcome::not_authentic
                                               : report::ClipOutcome::not_trusted;
    default:
      return report::ClipOutcome::no_result;
  }
}

// Links lead from the page to the clips, wherever both are moved together.
std::string summary_html(const FolderRequest& request, const std::vector<Clip>& clips) {
  std::error_code error;
  const auto folder = std::filesystem::weakly_canonical(request.folder, error);
  const auto page = std::filesystem::weakly_canonical(request.html, error).parent_path();
  const auto way = folder.lexically_relative(page);
  report::FolderSummary summary;
  summary.folder = request.folder.string();
  summary.tool_version = kVersion;
  summary.checked_at = SystemClock().now();
  for (const auto& clip : clips) {
    report::ClipLine line;
    line.path = clip.path;
    if (!way.empty()) line.link = (way / clip.path).lexically_normal().string();
    line.outcome = outcome_of(clip);
    line.provenance = clip.provenance;
    line.reason = unescaped_json(clip.reason);
    line.bytes = clip.bytes;
    summary.clips.push_back(std::move(line));
  }
  return report::to_html(std::move(summary));
}

std::string summary_text(const std::vector<Clip>& clips, bool one_line) {
  std::array<std::size_t, 5> count{};
  for (const auto& clip : clips) ++count[static_cast<std::size_t>(badness(clip.exit_code))];
  auto out = std::to_string(clips.size()) + " clips: " + std::to_string(count[0]) + " authentic";
  if (count[1] > 0) out += ", " + std::to_string(count[1]) + " authentic with frames missing";
  if (count[4] > 0) out += ", " + std::to_string(count[4]) + " not authentic, not signed or not trusted";
  if (count[2] > 0) out += ", " + std::to_string(count[2]) + " unreadable";
  if (count[3] > 0) out += ", " + std::to_string(count[3]) + " without a result";
  out += "\n";
  if (one_line) return out;
  std::size_t named = 0;
  for (const int wanted : {4, 3, 2, 1}) {
    for (const auto& clip : clips) {
      if (badness(clip.exit_code) != wanted || ++named > kMaxNamed) continue;
      out += "  " + report::printable(clip.path) + ": " +
             (clip.verdict.empty() ? "" : report::printable(clip.verdict) + ", ") +
             report::printable(clip.reason) + "\n";
    }
  }
  if (named > kMaxNamed)
    out += "  and " + std::to_string(named - kMaxNamed) + " more (--summary FILE lists all)\n";
  return out;
}

// The options and the folder, as one text: a state file answers one question.
std::string question_of(const FolderRequest& request) {
  auto command = command_for(request.each);
  command.front() = kVersion;
  std::string all = std::filesystem::weakly_canonical(request.folder).string();
  for (const auto& word : command) all += '\0' + word;
  const auto engine = crypto_openssl::make_openssl_engine();
  return to_hex(engine->digest(crypto::HashAlg::sha256, as_bytes(all)).view());
}
}  // namespace

int verify_folder(const FolderRequest& request) {
  // What is wrong with the question is said once, not by every clip.
  if (const auto trust = load_trust(*crypto_openssl::make_openssl_engine(), request.each.trust); !trust)
    return complain_about_input(trust.error());
  auto found = clips_below(request.folder);
  if (!found) return complain(kUnreadableInput, found.error().what);
  auto& clips = *found;
  if (clips.empty()) return complain(kUnreadableInput, request.folder.string() + " holds no clips");
  StateFile state;
  if (!request.state.empty()) {
    if (const auto opened = state.open(request.state, question_of(request), clips); !opened)
      return complain(opened.error().code == Errc::usage ? kUsage : kCannotWrite, opened.error().what);
  }

  std::mutex mutex;  // of everything below
  std::size_t next = 0;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes = 0;
  for (const auto& clip : clips) bytes += clip.done ? 0 : clip.bytes;
  Status written = ok();
  Progress progress("checking " + std::to_string(clips.size()) + " clips", bytes);
  const auto command = command_for(request.each);
  const auto work = [&] {
    for (;;) {
      std::unique_lock lock(mutex);
      while (next < clips.size() && clips[next].done) ++next;
      if (next == clips.size() || !written) return;
      auto& clip = clips[next++];
      lock.unlock();
      look_at(request.folder, command, clip);
      lock.lock();
      bytes_done += clip.bytes;
      progress.at(bytes_done);
      if (state.is_open() && written) written = state.append(clip.key() + clip.rest());
    }
  };
  const auto cores = std::max(1u, std::thread::hardware_concurrency());
  const auto threads = std::min(request.each.jobs == 0 ? cores : request.each.jobs, kMaxJobs);
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  others.clear();
  if (!written) return complain(kCannotWrite, written.error().what);

  int worst = kYes;
  for (const auto& clip : clips) worst = badness(clip.exit_code) > badness(worst) ? clip.exit_code : worst;
  const auto json = summary_json(request.folder, clips, worst);
  if (!request.summary.empty()) {
    if (const auto kept = write_output(request.summary, as_bytes(json)); !kept)
      return complain_about(kept.error());
  }
  if (!request.html.empty()) {
    if (const auto kept = write_output(request.html, as_bytes(summary_html(request, clips))); !kept)
      return complain_about(kept.error());
  }
  const auto text = request.json ? json : summary_text(clips, request.quiet);
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0)
    return complain(kCannotWrite, "the summary could not be written to standard output");
  return worst;
}

}  // namespace camvault::cli
