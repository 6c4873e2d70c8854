// camvault network run: keeps the camera on its network until it is told to stop.
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "camvault/base/file.h"
#include "camvault/key_source/root_layout.h"
#include "camvault/process/child_process.h"
#include "camvault/report/text.h"
#include "exit_code.h"
#include "network_options.h"

namespace camvault::cli {

namespace {
using Json = nlohmann::ordered_json;
using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::seconds kCommandPause{10};

volatile std::sig_atomic_t stop_requested = 0;
void on_stop(int) {
  stop_requested = 1;
}

Json state_json(const network::ConnectionState& state, const std::string& interface, Timestamp now) {
  return {{"time", to_iso8601(now)},
          {"interface", interface},
          {"phase", std::string(to_string(state.phase))},
          {"identity", state.identity ? credential_json(*state.identity) : Json(nullptr)},
          {"server", state.server},
          {"reason", state.reason},
          {"times_ignored", state.times_ignored},
          {"attempt", state.attempt},
          {"pid", getpid()}};
}

void print_state(const network::ConnectionState& state, const Json& json, bool as_json) {
  if (as_json) {
    std::printf("%s\n", json.dump(-1, ' ', true, Json::error_handler_t::replace).c_str());
  } else {
    std::string line = json["time"].get<std::string>() + "  " + std::string(to_string(state.phase));
    if (state.identity)
      line += "  " + std::string(to_string(state.identity->kind)) + " " +
              std::string(to_string(state.identity->algorithm)) + " " + state.identity->device_serial;
    if (!state.server.empty()) line += "  server " + state.server;
    if (state.times_ignored) line += "  (the clock is wrong: certificates are not judged by it)";
    if (!state.reason.empty()) line += "  " + state.reason;
    std::printf("%s\n", report::printable(line, 2000).c_str());
  }
  std::fflush(stdout);
}

// The program that gets an identity of the owner's, while the camera is in the provisioning network without
// one.
class ProvisioningCommand {
 public:
  explicit ProvisioningCommand(std::vector<std::string> words) : words_(std::move(words)) {}

  void tick(const network::ConnectionState& state) {
    if (words_.empty()) return;
    if (child_.running()) {
      if (!child_.alive()) next_ = SteadyClock::now() + kCommandPause;
      return;
    }
    // Whoever is there although the owner's identity exists was refused with it: the program decides what
    // that means.
    if (state.phase != network::Phase::provisioning || SteadyClock::now() < next_) return;
    process::ChildProcess::Start start;
    start.arguments = words_;
    start.standard_output = STDERR_FILENO;
    auto child = process::ChildProcess::start(start);
    next_ = SteadyClock::now() + kCommandPause;
    if (child) {
      child_ = std::move(*child);
    } else {
      complain(kServiceMissing, "the provisioning command: " + child.error().what);
    }
  }

 private:
  std::vector<std::string> words_;
  process::ChildProcess child_;
  SteadyClock::time_point next_ = SteadyClock::now();
};

Status run(const NetworkOptions& options) {
  CAM_TRY(auto setup, set_up_network(options));
  const SystemClock clock;
  network::ConnectionOptions connection;
  connection.supplicant.program = options.supplicant;
  connection.supplicant.interface = setup.interface;
  connection.supplicant.folder = std::filesystem::absolute(network_run_folder(options));
  connection.supplicant.log = options.log;
  connection.supplicant.environment = {"CAMVAULT_KEYSTORE_ROOT=" +
                                       std::filesystem::absolute(options.keystore.root).string()};
  if (!options.module.empty())
    connection.supplicant.environment.push_back("PKCS11_MODULE_PATH=" +
                                                std::filesystem::absolute(options.module).string());
  connection.server = setup.settings.server;
  if (options.wifi) {
    connection.wifi = setup.settings.wifi;
    connection.wifi_key = setup.settings.wifi_key;
  }
  connection.identity_folder =
      std::filesystem::absolute(key_source::RootLayout{options.keystore.root}.identity_folder());
  const auto state_file = network_state_file(options, setup.interface);
  connection.on_change = [&](const network::ConnectionState& state) {
    const auto json = state_json(state, setup.interface, clock.now());
    print_state(state, json, options.keystore.json);
    const auto text = json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
    if (const auto written = write_file_atomically(state_file, as_bytes(text)); !written)
      complain(kCannotWrite, written.error().what);
  };
  ProvisioningCommand command(setup.settings.provisioning_command);
  connection.on_tick = [&](const network::ConnectionState& state) { command.tick(state); };

  struct sigaction action {};
  action.sa_handler = on_stop;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  network::Connection running(std::move(connection), setup.keystore, *setup.engine, clock);
  auto done = running.run(&stop_requested);
  std::error_code error;
  std::filesystem::remove(state_file, error);
  return done;
}
}  // namespace

void add_network_run(CLI::App& network, int& exit_code) {
  auto options = std::make_shared<NetworkOptions>();
  auto* command = network.add_subcommand("run", "show the identities to the network and stay connected");
  add_network_options(*command, *options);
  command->add_option("--log", options->log, "wpa_supplicant's own log (default: standard error)")
      ->type_name("FILE");
  command->add_option("--wpa-supplicant", options->supplicant, "default /sbin/wpa_supplicant")
      ->type_name("FILE");
  command
      ->add_option("--pkcs11-module", options->module,
                   "libcamvault-pkcs11.so, where p11-kit does not know it")
      ->type_name("FILE");
  command->footer(
      "Starts wpa_supplicant on the interface, shows the owner's identity (LDevID) or the factory's (IDevID: "
      "P-256,\n"
      "RSA-2048, RSA-4096), and prints a line for each change (--json: one JSON object a line). A new "
      "certificate in the\n"
      "identity folder is used at once. Ends with SIGTERM. Needs CAP_NET_ADMIN and CAP_NET_RAW.\n\n"
      "Examples:\n  camvault network run\n  camvault network run --interface eth1 --json\n  camvault network "
      "run --wifi");
  command->callback([options, &exit_code] { exit_code = finish_keystore(run(*options)); });
}

}  // namespace camvault::cli
