#include "demo_keystore.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <cerrno>

#include "camvault/key_source/root_layout.h"

namespace camvault::cli {

namespace {
constexpr int kReadyWithinMilliseconds = 10'000;

// The daemon stands beside this program when built, and in libexec or sbin when installed.
Result<std::filesystem::path> find_keystored(const std::filesystem::path& program) {
  const auto folder = program.parent_path();
  for (const auto& candidate :
       {folder / "keystored", folder / "../libexec/camvault/keystored", folder / "../sbin/keystored"}) {
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return fail(Errc::unavailable,
              "keystored is not beside " + program.string() + "; build all programs first (make build)");
}

constexpr const char* kSoftHsm = "/usr/lib/softhsm/libsofthsm2.so";

bool has_program(const std::string& name) {
  for (const auto* folder : {"/usr/local/bin/", "/usr/bin/", "/bin/"}) {
    if (access((folder + name).c_str(), X_OK) == 0) return true;
  }
  return false;
}

Result<std::filesystem::path> module_folder(const std::filesystem::path& root) {
  const auto folder = root / "module";
  std::error_code failed;
  std::filesystem::create_directories(folder / "tokens", failed);
  if (failed) return fail(Errc::io, folder.string() + ": " + failed.message());
  return folder;
}

// swtpm on a private socket; its line for keystored.toml.
Result<std::string> start_tpm(const std::filesystem::path& root, ChildProcess& module) {
  if (!has_program("swtpm"))
    return fail(Errc::unavailable, "swtpm is not installed (packaging/packages-tpm2.txt)");
  CAM_TRY(const auto folder, module_folder(root));
  const auto socket = (folder / "tpm").string();
  ChildProcess::Start start;
  start.arguments = {"/usr/bin/env", "swtpm",
                     "socket",       "--tpm2",
                     "--tpmstate",   "dir=" + folder.string(),
                     "--server",     "type=unixio,path=" + socket,
                     "--ctrl",       "type=unixio,path=" + socket + ".ctrl",
                     "--flags",      "not-need-init,startup-clear"};
  CAM_TRY(module, ChildProcess::start(start));
  for (int i = 0; i < kReadyWithinMilliseconds / 10; ++i) {
    if (std::filesystem::exists(socket + ".ctrl") && std::filesystem::exists(socket))
      return "[[backend]]\ntype = \"tpm2\"\ntcti = \"swtpm:path=" + socket + "\"\n";
    poll(nullptr, 0, 10);
  }
  return fail(Errc::unavailable, "swtpm did not start");
}

// A SoftHSM2 token; its line for keystored.toml. The PIN stands in the command line of its own tool: it is
// the PIN of a simulator that lives as long as the demo, and protects nothing.
Result<std::string> make_token(const std::filesystem::path& root) {
  if (!has_program("softhsm2-util") || access(kSoftHsm, R_OK) != 0)
    return fail(Errc::unavailable, "SoftHSM2 is not installed (packaging/packages-pkcs11.txt)");
  CAM_TRY(const auto folder, module_folder(root));
  const auto configuration = (folder / "softhsm2.conf").string();
  CAM_TRY_STATUS(write_file_atomically(
      configuration,
      as_bytes("directories.tokendir = " + (folder / "tokens").string() + "\nlog.level = ERROR\n"), 0600));
  CAM_TRY_STATUS(write_file_atomically(folder / "pin", as_bytes("demonstration\n"), 0600));
  CAM_TRY(const auto made, run_and_capture({"/usr/bin/env", "SOFTHSM2_CONF=" + configuration, "softhsm2-util",
                                            "--init-token", "--free", "--label", "camera", "--pin",
                                            "demonstration", "--so-pin", "demonstration"},
                                           nullptr));
  if (made.exit_code != 0)
    return fail(Errc::unavailable, "softhsm2-util could not make a token: " + made.output);
  return "[[backend]]\ntype = \"pkcs11\"\nmodule = \"" + std::string(kSoftHsm) +
         "\"\nuri = \"pkcs11:token=camera\"\npin_file = \"" + (folder / "pin").string() +
         "\"\nenvironment = \"SOFTHSM2_CONF=" + configuration + "\"\nreads = \"" + configuration +
         "\"\nwrites = \"" + (folder / "tokens").string() + "\"\n";
}

Result<std::string> start_module(DemoBackend backend, const std::filesystem::path& root,
                                 ChildProcess& module) {
  switch (backend) {
    case DemoBackend::software:
      break;
    case DemoBackend::tpm2:
      return start_tpm(root, module);
    case DemoBackend::pkcs11:
      return make_token(root);
  }
  return std::string();
}

Status write_configuration(const std::filesystem::path& root, const std::string& application,
                           const std::string& backend) {
  std::error_code failed;
  for (const auto* folder : {"etc/camvault", "run/camvault", "var/lib/camvault"}) {
    std::filesystem::create_directories(root / folder, failed);
    if (failed) return fail(Errc::io, (root / folder).string() + ": " + failed.message());
  }
  const auto text =
      "# Written by camvault demo. One application, used by whoever runs the demo.\naudit = "
      "\"changes-and-refusals\"\n\n[[application]]\nname = \"" +
      application + "\"\nuid = " + std::to_string(geteuid()) + "\n\n" + backend;
  return write_file_atomically(root / "etc/camvault/keystored.toml", as_bytes(text), 0600);
}
}  // namespace

Result<DemoBackend> demo_backend_from_string(const std::string& text) {
  for (int i = 0; i < 3; ++i) {
    if (text == kDemoBackends[i]) return static_cast<DemoBackend>(i);
  }
  return fail(Errc::usage, "the backend is software, tpm2 or pkcs11");
}

std::string describe(DemoBackend backend) {
  switch (backend) {
    case DemoBackend::software:
      break;
    case DemoBackend::tpm2:
      return "a SIMULATED TPM 2.0 (swtpm), which protects nothing but shows what a real one does";
    case DemoBackend::pkcs11:
      return "a SIMULATED PKCS#11 token (SoftHSM2), which protects nothing but shows what a real one does";
  }
  return "the keystore process itself";
}

Result<DemoKeystore> DemoKeystore::start(const std::filesystem::path& program,
                                         const std::filesystem::path& root, const std::string& application,
                                         DemoBackend backend) {
  DemoKeystore keystore;
  CAM_TRY(const auto keystored, find_keystored(program));
  CAM_TRY(const auto backend_line, start_module(backend, root, keystore.module_));
  CAM_TRY_STATUS(write_configuration(root, application, backend_line));
  CAM_TRY(auto ready, make_pipe());
  ChildProcess::Start start;
  start.arguments = {keystored.string(), "--root", root.string(), "--ready-fd",
                     std::to_string(ready.write_end.get())};
  start.ready_fd = ready.write_end.get();
  // An installed system's own keystore user could not enter the demo's private folder.
  if (geteuid() == 0) start.arguments.insert(start.arguments.end(), {"--user", "root"});
  // Its audit log is worth reading, but not in the middle of the demo.
  const auto log_path = root / "keystored.log";
  const UniqueFd log(open(log_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!log.valid()) return fail(Errc::io, log_path.string() + ": " + errno_text(errno));
  start.standard_error = log.get();
  CAM_TRY(keystore.child_, ChildProcess::start(start));
  keystore.pid_ = keystore.child_.pid();
  ready.write_end.reset();
  pollfd waiting{ready.read_end.get(), POLLIN, 0};
  char line[64];
  if (poll(&waiting, 1, kReadyWithinMilliseconds) != 1 ||
      read(ready.read_end.get(), line, sizeof line) <= 0) {
    const auto said = read_file(log_path, 64 * 1024);
    return fail(Errc::unavailable, "keystored did not start: " +
                                       (said ? std::string(as_text(*said)) : std::string("it said nothing")));
  }
  return keystore;
}

}  // namespace camvault::cli
