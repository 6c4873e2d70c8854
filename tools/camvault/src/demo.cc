// camvault demo: what `make run` shows. A factory, a camera with a key that only its keystore holds, a live
// recording, its verification, and three forgeries exposed. Everything is done with the commands a user would
// type; they are printed.
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <nlohmann/json.hpp>

#include "camvault/base/file.h"
#include "camvault/key_source/root_layout.h"
#include "camvault/process/child_process.h"
#include "camvault/report/text.h"
#include "commands.h"
#include "demo_keystore.h"
#include "exit_code.h"
#include "forger.h"
#include "terminal.h"

namespace camvault::cli {

namespace {
volatile std::sig_atomic_t interrupted = 0;
void on_interrupt(int) {
  interrupted = 1;
}

struct Options {
  std::filesystem::path out = "out";
  double duration = 20;
  std::string source = "test";
  std::string codec = "h264";
  std::string backend = "software";
  bool keep = false;
};

// A folder of our own, gone when we are.
class PrivateFolder {
 public:
  static Result<PrivateFolder> make() {
    // Short: the path of a Unix socket has 107 bytes.
    std::string name = "/tmp/camvault-demo-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) return fail(Errc::io, name + ": " + errno_text(errno));
    return PrivateFolder(name);
  }
  ~PrivateFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  PrivateFolder(PrivateFolder&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  PrivateFolder& operator=(PrivateFolder&&) = delete;
  const std::filesystem::path& path() const { return path_; }
  void keep() { path_.clear(); }

 private:
  explicit PrivateFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

class Script {
 public:
  explicit Script(const Options& options) : options_(options), style_(output_style()) {}

  Result<int> run();

 private:
  std::string bold(const std::string& text) const {
    return style_.colour ? "\x1b[1m" + text + "\x1b[0m" : text;
  }
  std::string dim(const std::string& text) const {
    return style_.colour ? "\x1b[2m" + text + "\x1b[0m" : text;
  }
  void heading(const std::string& text) const { say("\n" + bold(text) + "\n"); }
  void say(const std::string& text) const {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
  }
  // Runs camvault itself; its exit code is our error if it is not 0.
  Status camvault(const std::vector<std::string>& arguments) const;
  Status make_camera(const std::filesystem::path& factory, const std::filesystem::path& camera);
  Status record(const std::filesystem::path& camera) const;

  struct Row {
    std::filesystem::path file;
    std::string done;
    std::string verdict;
    std::string found;
    std::filesystem::path html;
    bool as_it_should_be = false;
  };
  Result<Row> verify(const Forgery& expected) const;
  void print(const std::vector<Row>& rows) const;

  const Options& options_;
  report::TerminalStyle style_;
  std::filesystem::path self_ = std::filesystem::read_symlink("/proc/self/exe");
  std::filesystem::path ca_;
  std::vector<DemoKeystore> keystores_;
};

Status Script::camvault(const std::vector<std::string>& arguments) const {
  std::string line = "  $ camvault";
  std::vector<std::string> argv{self_.string()};
  for (const auto& argument : arguments) {
    line += " " + (argument.find(' ') == std::string::npos ? argument : "'" + argument + "'");
    argv.push_back(argument);
  }
  say(dim(line) + "\n");
  process::ChildProcess::Start start;
  start.arguments = argv;
  CAM_TRY(auto child, process::ChildProcess::start(start));
  const auto code = child.wait(&interrupted);
  if (interrupted != 0) return fail(Errc::unavailable, "interrupted");
  if (code != 0)
    return fail(Errc::unavailable, "camvault " + arguments[0] + " failed with exit code " +
                                       std::to_string(code) + " (its message stands above)");
  return ok();
}

Status Script::make_camera(const std::filesystem::path& factory, const std::filesystem::path& camera) {
  heading("1  A factory and a camera, each with a keystore process of its own");
  CAM_TRY(auto factory_keys, DemoKeystore::start(self_, factory, "factory"));
  keystores_.push_back(std::move(factory_keys));
  CAM_TRY(const auto backend, demo_backend_from_string(options_.backend));
  CAM_TRY(auto camera_keys, DemoKeystore::start(self_, camera, "camera", backend));
  keystores_.push_back(std::move(camera_keys));
  say("  keystored runs for the factory (" + keystores_[0].text() + ") and for the camera (" +
      keystores_[1].text() + ")\n");
  say("  the camera's keys are in " + describe(backend) + "\n");
  CAM_TRY_STATUS(
      camvault({"factory", "init", "--root", factory.string(), "--organization", "Camvault Demo"}));
  CAM_TRY_STATUS(camvault({"factory", "provision", "--root", factory.string(), "--camera-root",
                           camera.string(), "--serial", "CV-DEMO-0001", "--identities", "none"}));
  CAM_TRY_STATUS(camvault({"keystore", "list", "--root", camera.string()}));
  const auto ca = read_file(key_source::RootLayout{factory}.root_ca(), 1 << 20);
  if (!ca) return fail_in(key_source::RootLayout{factory}.root_ca().string(), ca.error());
  ca_ = options_.out / "device-root-ca.pem";
  return write_file_atomically(ca_, *ca);
}

Status Script::record(const std::filesystem::path& camera) const {
  heading("2  The camera films, signs and records");
  std::vector<std::string> arguments{"camera",     "run",
                                     "--root",     camera.string(),
                                     "--source",   options_.source,
                                     "--codec",    options_.codec,
                                     "--duration", std::to_string(static_cast<int>(options_.duration)),
                                     "--record",   (options_.out / "recording.mp4").string()};
  return camvault(arguments);
}

Result<Script::Row> Script::verify(const Forgery& expected) const {
  Row row;
  row.file = expected.file;
  row.done = expected.what;
  row.html = expected.file;
  row.html.replace_extension(".html");
  CAM_TRY(const auto finished,
          process::run_and_capture({self_.string(), "verify", expected.file.string(), "--trust", ca_.string(),
                                    "--json", "--report", row.html.string()},
                                   &interrupted));
  if (interrupted != 0) return fail(Errc::unavailable, "interrupted");
  const auto json = nlohmann::json::parse(finished.output, nullptr, false);
  if (json.is_discarded() || !json.contains("frames")) {
    return fail(Errc::internal, "camvault verify gave no report for " + expected.file.string() +
                                    " (exit code " + std::to_string(finished.exit_code) + ")");
  }
  const auto json_file = std::filesystem::path(expected.file).replace_extension(".json");
  CAM_TRY_STATUS(write_file_atomically(json_file, as_bytes(finished.output)));

  row.verdict = json.value("verdict", "");
  std::vector<std::uint64_t> named;
  std::map<std::string, std::vector<std::uint64_t>> kinds;
  for (const auto& frame : json["frames"]["not_authentic"]) {
    const auto index = frame.value("index", std::uint64_t{0});
    kinds[frame.value("kind", "")].push_back(index);
    if (expected.expected_kind.empty() || frame.value("kind", "") == expected.expected_kind)
      named.push_back(index);
  }
  for (const auto& [kind, frames] : kinds) {
    if (!row.found.empty()) row.found += ", ";
    row.found += std::to_string(frames.size()) + " " + (kind == "out_of_place" ? "out of place" : kind) +
                 " (" + std::to_string(frames.front());
    row.found += frames.size() > 1 ? " to " + std::to_string(frames.back()) + ")" : ")";
  }
  if (row.found.empty()) row.found = "-";
  row.as_it_should_be = row.verdict == expected.expected_verdict && json.value("provenance", "") == "trusted";
  for (const auto index : expected.expected_frames) {
    row.as_it_should_be = row.as_it_should_be && std::find(named.begin(), named.end(), index) != named.end();
  }
  // A forgery whose frames are not named is not exposed.
  if (expected.expected_verdict != "authentic") row.as_it_should_be = row.as_it_should_be && !named.empty();
  if (expected.expected_verdict == "authentic") row.as_it_should_be = row.as_it_should_be && kinds.empty();
  return row;
}

void Script::print(const std::vector<Row>& rows) const {
  const auto words = [](const std::string& verdict) -> std::string {
    if (verdict == "authentic") return "AUTHENTIC";
    if (verdict == "authentic_with_missing_frames") return "FRAMES ARE MISSING";
    if (verdict == "not_authentic") return "NOT AUTHENTIC";
    return "NOT SIGNED";
  };
  const auto padded = [](std::string text, std::size_t width) {
    text.resize(std::max(width, text.size()), ' ');
    return text;
  };
  std::size_t file = 4;
  std::size_t done = 16;
  std::size_t found = 6;
  for (const auto& row : rows) {
    file = std::max(file, row.file.filename().string().size());
    done = std::max(done, row.done.size());
    found = std::max(found, row.found.size());
  }
  say("\n  " +
      bold(padded("file", file + 2) + padded("what was done to it", done + 2) + padded("verdict", 21) +
           "pictures named") +
      "\n");
  for (const auto& row : rows) {
    const char* colour = row.verdict == "authentic"                       ? "\x1b[32m"
                         : row.verdict == "authentic_with_missing_frames" ? "\x1b[33m"
                                                                          : "\x1b[31m";
    auto verdict = padded(words(row.verdict), 21);
    if (style_.colour) verdict = colour + verdict + "\x1b[0m";
    say("  " + padded(row.file.filename().string(), file + 2) + padded(row.done, done + 2) + verdict +
        report::printable(row.found) + (row.as_it_should_be ? "" : "   <- NOT AS EXPECTED") + "\n");
  }
}

Result<int> Script::run() {
  say(bold("Camvault demo") + ": a camera signs its video, and forged copies are found out. Results go to " +
      options_.out.string() + "/\n");
  std::error_code failed;
  std::filesystem::create_directories(options_.out, failed);
  if (failed) return fail(Errc::io, options_.out.string() + ": " + failed.message());
  CAM_TRY(auto folder, PrivateFolder::make());
  const auto factory = folder.path() / "factory";
  const auto camera = folder.path() / "camera";
  CAM_TRY_STATUS(make_camera(factory, camera));
  CAM_TRY_STATUS(record(camera));

  heading("3  Three forgeries of the recording, made without the key");
  const auto recording = options_.out / "recording.mp4";
  CAM_TRY(auto clips, forge(recording, {options_.out / "altered.mp4", options_.out / "cut.mp4",
                                        options_.out / "swapped.mp4"}));
  for (const auto& clip : clips) say("  " + clip.file.filename().string() + ": " + clip.what + "\n");
  if (interrupted != 0) return fail(Errc::unavailable, "interrupted");
  clips.insert(clips.begin(), Forgery{recording, "nothing", "authentic", "", {}});

  heading("4  Which of them is what the camera signed?");
  say(dim("  $ camvault verify FILE --trust " + ca_.string() + " --json --report FILE.html") + "\n");
  std::vector<Row> rows;
  for (const auto& clip : clips) {
    CAM_TRY(auto row, verify(clip));
    rows.push_back(std::move(row));
  }
  print(rows);
  say("\n  Videos and reports, to look at:\n");
  bool good = true;
  for (const auto& row : rows) {
    say("    " + row.file.string() + "   " + row.html.string() + "\n");
    good = good && row.as_it_should_be;
  }
  say("  Try it yourself:  " + std::filesystem::proximate(self_).string() + " verify " + recording.string() +
      " --trust " + ca_.string() + "\n\n");
  for (auto& keystore : keystores_) keystore.stop();
  if (options_.keep) {
    say("  The state of factory and camera is kept in " + folder.path().string() + "\n");
    folder.keep();
  }
  return good ? kYes : complain(kNo, "at least one result is not as it should be (marked in the table)");
}

int run(const Options& options) {
  struct sigaction action {};
  action.sa_handler = on_interrupt;  // no SA_RESTART: waits end, destructors clean up
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  const auto done = Script(options).run();
  if (interrupted != 0)
    return complain(kInterrupted, "interrupted; everything that was started has been stopped");
  return done ? *done : complain_about(done.error());
}
}  // namespace

void add_demo(CLI::App& app, int& exit_code) {
  auto* command =
      app.add_subcommand("demo", "a camera on this machine: recording, verification, forgeries exposed");
  auto options = std::make_shared<Options>();
  command->add_option("--out", options->out, "folder for videos and reports (default out)")->type_name("DIR");
  command->add_option("--duration", options->duration, "seconds to record, at least 5 (default 20)")
      ->type_name("SECONDS")
      ->check(CLI::Range(5.0, 3600.0));
  command
      ->add_option("--source", options->source,
                   "test (a moving picture), a video file, v4l2:/dev/videoN, or rtsp[s]://...")
      ->type_name("SOURCE");
  command->add_option("--codec", options->codec, "h264 or h265 (default h264)")
      ->type_name("CODEC")
      ->check(CLI::IsMember({"h264", "h265"}));
  command
      ->add_option("--backend", options->backend,
                   "what holds the camera's keys: software, or a simulated tpm2, pkcs11 token or se05x "
                   "(default software)")
      ->type_name("BACKEND")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(kDemoBackends), std::end(kDemoBackends))));
  command->add_flag("--keep", options->keep,
                    "do not remove the private folder with the state of factory and camera");
  command->footer(
      "Exit codes: 0 if the recording is authentic and every forgery is exposed, 1 if not.\n\n"
      "Examples:\n"
      "  camvault demo\n"
      "  camvault demo --duration 60 --codec h265\n"
      "  camvault demo --source rtsp://192.0.2.7/stream --out /tmp/demo");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace camvault::cli
