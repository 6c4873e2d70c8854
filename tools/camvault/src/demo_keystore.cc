#include "demo_keystore.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "camvault/base/secret.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/key_source/root_layout.h"

namespace camvault::cli {

namespace {
constexpr int kReadyWithinMilliseconds = 10'000;

// Our programs stand beside this one when built, and in libexec or sbin when installed.
Result<std::filesystem::path> find_beside(const std::filesystem::path& program, const std::string& name) {
  const auto folder = program.parent_path();
  for (const auto& candidate :
       {folder / name, folder / "../libexec/camvault" / name, folder / "../sbin" / name}) {
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return fail(Errc::unavailable,
              name + " is not beside " + program.string() + "; build all programs first (make build)");
}

// Starts a program of ours with `--ready-fd N` added; false in `ready` if it does not write there in time.
struct Started {
  process::ChildProcess child;
  bool ready = false;
};
Result<Started> start_until_ready(process::ChildProcess::Start start) {
  CAM_TRY(auto pipe, process::make_pipe());
  start.ready_fd = pipe.write_end.get();
  start.arguments.insert(start.arguments.end(), {"--ready-fd", std::to_string(start.ready_fd)});
  Started out;
  CAM_TRY(out.child, process::ChildProcess::start(start));
  pipe.write_end.reset();
  pollfd waiting{pipe.read_end.get(), POLLIN, 0};
  char line[256];
  out.ready =
      poll(&waiting, 1, kReadyWithinMilliseconds) == 1 && read(pipe.read_end.get(), line, sizeof line) > 0;
  return out;
}

Result<UniqueFd> open_log(const std::filesystem::path& path) {
  UniqueFd log(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!log.valid()) return fail(Errc::io, path.string() + ": " + errno_text(errno));
  return log;
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
Result<std::string> start_tpm(const std::filesystem::path& root, process::ChildProcess& module) {
  if (!has_program("swtpm"))
    return fail(Errc::unavailable, "swtpm is not installed (packaging/packages-tpm2.txt)");
  CAM_TRY(const auto folder, module_folder(root));
  const auto socket = (folder / "tpm").string();
  process::ChildProcess::Start start;
  start.arguments = {"/usr/bin/env", "swtpm",
                     "socket",       "--tpm2",
                     "--tpmstate",   "dir=" + folder.string(),
                     "--server",     "type=unixio,path=" + socket,
                     "--ctrl",       "type=unixio,path=" + socket + ".ctrl",
                     "--flags",      "not-need-init,startup-clear"};
  CAM_TRY(module, process::ChildProcess::start(start));
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
  CAM_TRY(const auto made,
          process::run_and_capture(
              {"/usr/bin/env", "SOFTHSM2_CONF=" + configuration, "softhsm2-util", "--init-token", "--free",
               "--label", "camera", "--pin", "demonstration", "--so-pin", "demonstration"},
              nullptr));
  if (made.exit_code != 0)
    return fail(Errc::unavailable, "softhsm2-util could not make a token: " + made.output);
  return "[[backend]]\ntype = \"pkcs11\"\nmodule = \"" + std::string(kSoftHsm) +
         "\"\nuri = \"pkcs11:token=camera\"\npin_file = \"" + (folder / "pin").string() +
         "\"\nenvironment = \"SOFTHSM2_CONF=" + configuration + "\"\nreads = \"" + configuration +
         "\"\nwrites = \"" + (folder / "tokens").string() + "\"\n";
}

// Our simulator of a secure element, with channel keys of its own; its line for keystored.toml.
Result<std::string> start_element(const std::filesystem::path& program, const std::filesystem::path& root,
                                  process::ChildProcess& module) {
  CAM_TRY(const auto simulator, find_beside(program, "camvault-se05x-sim"));
  CAM_TRY(const auto folder, module_folder(root));
  std::string keys;
  for (const auto* which : {"ENC", "MAC", "DEK"}) {
    std::array<std::uint8_t, 16> key{};
    crypto_openssl::make_openssl_engine()->random(key);
    keys += std::string(which) + " " + to_hex(key) + "\n";
  }
  const auto key_file = (folder / "scp03.keys").string();
  CAM_TRY_STATUS(write_file_atomically(key_file, as_bytes(keys), 0600));
  wipe(keys.data(), keys.size());
  const auto socket = (folder / "bus").string();
  process::ChildProcess::Start start;
  start.arguments = {simulator.string(),          "--listen",     "unix:" + socket, "--state",
                     (folder / "state").string(), "--scp03-keys", key_file};
  CAM_TRY(const auto log, open_log(folder / "log"));
  start.standard_error = log.get();
  CAM_TRY(auto started, start_until_ready(start));
  module = std::move(started.child);
  if (!started.ready) return fail(Errc::unavailable, "the simulator of the SE05x did not start");
  return "[[backend]]\ntype = \"se05x\"\nbus = \"sim:unix:" + socket + "\"\nscp03_keys = \"" + key_file +
         "\"\njournal = \"" + (folder / "journal").string() + "\"\n";
}

Result<std::string> start_module(DemoBackend backend, const std::filesystem::path& program,
                                 const std::filesystem::path& root, process::ChildProcess& module) {
  switch (backend) {
    case DemoBackend::software:
      break;
    case DemoBackend::tpm2:
      return start_tpm(root, module);
    case DemoBackend::pkcs11:
      return make_token(root);
    case DemoBackend::se05x:
      return start_element(program, root, module);
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
  for (std::size_t i = 0; i < std::size(kDemoBackends); ++i) {
    if (text == kDemoBackends[i]) return static_cast<DemoBackend>(i);
  }
  return fail(Errc::usage, "the backend is software, tpm2, pkcs11 or se05x");
}

std::string describe(DemoBackend backend) {
  switch (backend) {
    case DemoBackend::software:
      break;
    case DemoBackend::tpm2:
      return "a SIMULATED TPM 2.0 (swtpm), which protects nothing but shows what a real one does";
    case DemoBackend::pkcs11:
      return "a SIMULATED PKCS#11 token (SoftHSM2), which protects nothing but shows what a real one does";
    case DemoBackend::se05x:
      return "a SIMULATED SE05x secure element, which protects nothing but shows what a real one does";
  }
  return "the keystore process itself";
}

Result<DemoKeystore> DemoKeystore::start(const std::filesystem::path& program,
                                         const std::filesystem::path& root, const std::string& application,
                                         DemoBackend backend) {
  DemoKeystore keystore;
  CAM_TRY(const auto keystored, find_beside(program, "keystored"));
  CAM_TRY(const auto backend_line, start_module(backend, program, root, keystore.module_));
  CAM_TRY_STATUS(write_configuration(root, application, backend_line));
  process::ChildProcess::Start start;
  start.arguments = {keystored.string(), "--root", root.string()};
  // An installed system's own keystore user could not enter the demo's private folder.
  if (geteuid() == 0) start.arguments.insert(start.arguments.end(), {"--user", "root"});
  // Its audit log is worth reading, but not in the middle of the demo.
  const auto log_path = root / "keystored.log";
  CAM_TRY(const auto log, open_log(log_path));
  start.standard_error = log.get();
  CAM_TRY(auto started, start_until_ready(start));
  keystore.child_ = std::move(started.child);
  keystore.pid_ = keystore.child_.pid();
  if (!started.ready) {
    const auto said = read_file(log_path, 64 * 1024);
    return fail(Errc::unavailable, "keystored did not start: " +
                                       (said ? std::string(as_text(*said)) : std::string("it said nothing")));
  }
  return keystore;
}

}  // namespace camvault::cli
