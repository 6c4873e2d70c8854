// keystored, from the command line to serving: configure, shut the doors, wire, serve.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "camvault/base/log.h"
#include "camvault/keystore_software/root_key_file.h"
#include "camvault/keystore_software/software_backend.h"
#include "config.h"
#include "landlock.h"
#include "listener.h"
#include "options.h"
#include "process.h"
#include "server.h"
#include "system_calls.h"

#if defined(__SANITIZE_ADDRESS__)
// Leak detection traces its own process, which keystored forbids. The libraries' tests look for leaks.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  return "detect_leaks=0";
}
#endif

namespace camvault::keystored {
namespace {

// Exit codes as in the command-line tool.
constexpr int kUsage = 64;
constexpr int kBadInput = 65;
constexpr int kOurBug = 70;
constexpr int kNotPermitted = 77;

using Backends = std::vector<std::shared_ptr<keystore_engine::Backend>>;

void block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);  // inherited by the threads; the server's loop reads them
  ::signal(SIGPIPE, SIG_IGN);
}

// Raises the limit of descriptors if it must be; the number of connections that fit in the end.
std::size_t connections_that_fit(std::size_t wanted) {
  constexpr rlim_t kOthers = 64;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < wanted + kOthers) {
    limit.rlim_cur = std::min<rlim_t>(wanted + kOthers, limit.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  return std::min<rlim_t>(wanted, limit.rlim_cur > kOthers ? limit.rlim_cur - kOthers : 1);
}

Mechanism lock_key_objects() {
  if (keystore_software::use_locked_heap()) {
    return {"locked_keys", true,
            "the numbers of key pairs are locked in memory; AES, MAC and root keys are so with locked_memory "
            "only"};
  }
  return {"locked_keys", false, "the system did not lock memory for key objects: they may be swapped out"};
}

void write_audit(AuditLevel level, const keystore_engine::Decision& d) {
  using keystore::Operation;
  const bool change = d.operation == Operation::generate || d.operation == Operation::import_key ||
                      d.operation == Operation::remove || d.operation == Operation::move ||
                      d.operation == Operation::backup || d.operation == Operation::restore;
  if (level == AuditLevel::changes_and_refusals && d.allowed && !change) return;
  std::string line = "audit: uid " + std::to_string(d.who.uid) + " pid " + std::to_string(d.who.pid) + " " +
                     std::string(keystore::to_string(d.operation));
  if (!d.key.empty()) line += " " + std::string(d.key);
  line += d.allowed ? " allowed" : " refused: " + std::string(d.why);
  log(d.allowed ? LogLevel::info : LogLevel::warning, line);
}

Result<std::unique_ptr<keystore_engine::Engine>> open_engine(const Options& options, const Config& config,
                                                             const Backends& backends) {
  const auto keys = options.state / "keys";
  // A new root key would make all present key files useless: only an empty folder gets one.
  std::error_code error;
  const bool first_start = std::filesystem::is_empty(keys, error) || error;
  CAM_TRY(auto root_key, keystore_software::open_root_key(options.state / "root.key", first_start));
  return keystore_engine::Engine::open(
      {.key_folder = keys,
       .rules = config.rules,
       .backends = backends,
       .sealer = std::move(root_key),
       .clock = std::make_shared<SystemClock>(),
       .audit = [level = config.audit](
                    const keystore_engine::Decision& decision) { write_audit(level, decision); },
       .step = {},
       .sha256 = keystore_software::sha256,
       .encrypt_to_owner = keystore_software::encrypt_to_owner});
}

std::vector<LaneSettings> lanes_for(const Config& config, const Backends& backends) {
  std::vector<LaneSettings> lanes;
  for (std::size_t i = 0; i < backends.size(); ++i)
    lanes.push_back({.threads = backends[i]->parallel(), .deadline = config.backends[i].deadline});
  return lanes;
}

void say_ready(const Options& options) {
  log(LogLevel::info, "keystored listens at " + options.socket.string());
  if (options.ready_fd < 0) return;
  [[maybe_unused]] const auto n = ::write(options.ready_fd, "ready\n", 6);
  ::close(options.ready_fd);
}

void log_missing(const std::vector<Mechanism>& mechanisms) {
  for (const auto& mechanism : mechanisms) {
    if (!mechanism.active) log(LogLevel::warning, "without " + mechanism.name + ": " + mechanism.detail);
  }
}

Status serve(const Options& options) {
  wait_for_randomness();
  block_signals();
  ServiceFacts facts{.version = CAMVAULT_VERSION, .mechanisms = {}};
  auto& mechanisms = facts.mechanisms;
  mechanisms.push_back(forbid_core_dumps());
  forbid_tracing();

  CAM_TRY(auto config, load_config(options.config));
  config.limits.connections = connections_that_fit(config.limits.connections);
  CAM_TRY_STATUS(prepare_state_folder(options.state, options.user));
  CAM_TRY_STATUS(prepare_state_folder(options.state / "keys", options.user));
  CAM_TRY(auto listener, open_listener(options.socket));

  mechanisms.push_back(lock_memory());
  mechanisms.push_back(lock_key_objects());
  CAM_TRY(auto own_user, become_own_user(options.user));
  mechanisms.push_back(std::move(own_user));
  mechanisms.push_back(drop_capabilities());
  mechanisms.push_back(forbid_tracing());  // a change of uid may undo it
  mechanisms.push_back(forbid_new_privileges());
  const auto backends = make_backends(config.backends);  // loads what they need, as the user without rights
  const auto needs = needs_of(backends);
  mechanisms.push_back(restrict_files(options.state, needs));
  for (const auto& backend : backends) backend->start();
  CAM_TRY(const auto server, Server::make(std::move(listener), config.limits, lanes_for(config, backends)));
  mechanisms.push_back(restrict_system_calls(needs));
  log_missing(mechanisms);

  // From here on the process can reach its key files, its modules and its clients, and nothing else.
  CAM_TRY(const auto engine, open_engine(options, config, backends));
  say_ready(options);
  CAM_TRY(const auto ended, server->run(*engine, std::move(facts)));
  if (ended == Server::Ended::a_module_hangs) {
    log(LogLevel::warning, "a module hangs; keystored ends without it");
    std::_Exit(0);  // no destructor could wait for it; what is on disk is whole at any time
  }
  return ok();
}

int exit_code_of(const Error& error) {
  switch (error.code) {
    case Errc::usage:
      return kUsage;
    case Errc::denied:
      return kNotPermitted;
    case Errc::internal:
      return kOurBug;
    default:
      return kBadInput;
  }
}

int run(int argc, const char* const argv[]) {
  const auto options = parse_options(argc, argv);
  if (!options) {
    std::fprintf(stderr, "keystored: %s\n%s", options.error().what.c_str(), usage().c_str());
    return kUsage;
  }
  if (options->help || options->version) {
    std::fputs(options->help ? usage().c_str() : "keystored " CAMVAULT_VERSION "\n", stdout);
    return 0;
  }
  if (const auto served = serve(*options); !served) {
    log(LogLevel::error, "keystored: " + served.error().what);
    return exit_code_of(served.error());
  }
  return 0;
}

}  // namespace
}  // namespace camvault::keystored

int main(int argc, char* argv[]) {
  return camvault::keystored::run(argc, argv);
}
