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

Status write_configuration(const std::filesystem::path& root, const std::string& application) {
  std::error_code failed;
  for (const auto* folder : {"etc/camvault", "run/camvault", "var/lib/camvault"}) {
    std::filesystem::create_directories(root / folder, failed);
    if (failed) return fail(Errc::io, (root / folder).string() + ": " + failed.message());
  }
  const auto text =
      "# Written by camvault demo. One application, used by whoever runs the demo.\naudit = "
      "\"changes-and-refusals\"\n\n[[application]]\nname = \"" +
      application + "\"\nuid = " + std::to_string(geteuid()) + "\n";
  return write_file_atomically(root / "etc/camvault/keystored.toml", as_bytes(text), 0600);
}
}  // namespace

Result<DemoKeystore> DemoKeystore::start(const std::filesystem::path& program,
                                         const std::filesystem::path& root, const std::string& application) {
  CAM_TRY(const auto keystored, find_keystored(program));
  CAM_TRY_STATUS(write_configuration(root, application));
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
  DemoKeystore keystore;
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
