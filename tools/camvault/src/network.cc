// camvault network: 802.1X and Wi-Fi with the camera's identities. check, config and status are here.
#include <cstdio>

#include "camvault/base/file.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/key_source/root_layout.h"
#include "camvault/network/link.h"
#include "camvault/report/text.h"
#include "exit_code.h"
#include "network_command.h"
#include "network_options.h"
#include "output_file.h"

namespace camvault::cli {

namespace {
using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxState = 64 * 1024;

struct Options {
  NetworkOptions network;
  std::filesystem::path out;
};

std::string json_text(const Json& json) {
  return json.dump(2, ' ', true, Json::error_handler_t::replace);
}

// Could it connect? What is missing, if not.
Result<bool> check(const Options& options) {
  CAM_TRY(const auto setup, set_up_network(options.network));
  const SystemClock clock;
  const auto found =
      network::find_credentials(key_source::RootLayout{options.network.keystore.root}.identity_folder(),
                                *setup.keystore, *setup.engine, clock.now());
  const auto judged = network::judge_clock(clock.now(), network::beginnings(found));
  const auto policy = network::check_server_policy(setup.settings.server, *setup.engine);
  const bool good = policy && !found.usable.empty();
  if (options.network.keystore.json) {
    Json identities = Json::array();
    for (const auto& each : found.usable) identities.push_back(credential_json(each));
    std::printf("%s\n", json_text({{"ready", good},
                                   {"interface", setup.interface},
                                   {"settings", setup.settings.file.string()},
                                   {"settings_of", setup.settings.owners ? "owner" : "maker"},
                                   {"server_names", setup.settings.server.names},
                                   {"server_anchors", setup.settings.server.anchors.string()},
                                   {"problem", policy ? Json(nullptr) : Json(policy.error().what)},
                                   {"identities", identities},
                                   {"left_out", found.left_out},
                                   {"clock_plausible", judged.plausible},
                                   {"clock_floor", to_iso8601(judged.floor)}})
                            .c_str());
    return good;
  }
  std::printf("%s\n  interface  %s\n  settings   %s (the %s's)\n", good ? "READY" : "NOT READY",
              report::printable(setup.interface).c_str(), setup.settings.file.c_str(),
              setup.settings.owners ? "owner" : "maker");
  std::string names;
  for (const auto& name : setup.settings.server.names) names += " " + report::printable(name);
  std::printf("  server    %s\n",
              policy ? names.c_str() : (" " + report::printable(policy.error().what, 500)).c_str());
  for (const auto& each : found.usable)
    std::printf("  %-9s  %-9s %s\n", std::string(to_string(each.kind)).c_str(),
                std::string(to_string(each.algorithm)).c_str(),
                report::printable(each.device_serial).c_str());
  for (const auto& sentence : found.left_out)
    std::printf("  not used   %s\n", report::printable(sentence, 500).c_str());
  if (!judged.plausible)
    std::printf(
        "  clock      wrong: it is not earlier than %s. Certificates of servers are not judged by it\n",
        to_iso8601(judged.floor).c_str());
  return good;
}

// For those who start wpa_supplicant themselves.
Status config(const Options& options) {
  CAM_TRY(const auto setup, set_up_network(options.network));
  network::SupplicantConfig config;
  config.control_folder = network_run_folder(options.network) / "control";
  config.server = setup.settings.server;
  if (options.network.wifi) config.wifi = setup.settings.wifi;
  const auto found =
      network::find_credentials(key_source::RootLayout{options.network.keystore.root}.identity_folder(),
                                *setup.keystore, *setup.engine, SystemClock().now());
  for (const auto& each : found.usable) config.identities.push_back({each.chain, network::key_uri(each.key)});
  CAM_TRY(const auto text, network::render_supplicant_config(config));
  if (!options.out.empty()) return write_output(options.out, as_bytes(text));
  std::fwrite(text.data(), 1, text.size(), stdout);
  return ok();
}

Result<bool> status(const Options& options) {
  auto interface = options.network.interface;
  if (interface.empty()) {
    CAM_TRY(interface, network::only_ethernet_interface());
  }
  const auto file = network_state_file(options.network, interface);
  const auto content = read_file(file, kMaxState);
  if (!content && content.error().code == Errc::not_found)
    return fail(Errc::unavailable, "camvault network run is not at work on " + interface);
  if (!content) return tl::unexpected(content.error());
  const auto json = Json::parse(as_text(*content), nullptr, false);
  if (!json.is_object() || !json.contains("phase") || !json["phase"].is_string())
    return fail(Errc::malformed, file.string() + " is no state");
  const auto phase = json["phase"].get<std::string>();
  if (options.network.keystore.json) {
    std::printf("%s\n", json_text(json).c_str());
  } else {
    const auto reason = json.value("reason", "");
    std::printf("%s%s\n", report::printable(phase).c_str(),
                reason.empty() ? "" : (": " + report::printable(reason, 500)).c_str());
  }
  return phase == "provisioning" || phase == "production" || phase == "connected";
}

template <class Run>
void on_answer(CLI::App& command, std::shared_ptr<Options> options, Run run, int& exit_code) {
  command.callback([options, run, &exit_code] {
    const auto answer = run(*options);
    exit_code = !answer ? complain_about(answer.error()) : *answer ? kYes : kNo;
  });
}
}  // namespace

std::filesystem::path network_run_folder(const NetworkOptions& options) {
  return options.run_folder.empty() ? options.keystore.root / "run/camvault/network" : options.run_folder;
}

std::filesystem::path network_state_file(const NetworkOptions& options, const std::string& interface) {
  return network_run_folder(options) / (interface + ".json");
}

nlohmann::ordered_json credential_json(const network::Credential& credential) {
  return {{"kind", std::string(to_string(credential.kind))},
          {"key", credential.key},
          {"algorithm", std::string(to_string(credential.algorithm))},
          {"serial", credential.device_serial},
          {"not_after", to_iso8601(credential.not_after)},
          {"sha256", credential.fingerprint}};
}

Result<NetworkSetup> set_up_network(const NetworkOptions& options) {
  NetworkSetup setup;
  CAM_TRY(setup.settings, read_network_settings(options.keystore.root));
  if (options.wifi && !setup.settings.wifi)
    return fail(Errc::usage, setup.settings.file.string() + " has no [wifi]");
  CAM_TRY(setup.keystore, connect_keystore(options.keystore));
  setup.engine = crypto_openssl::make_openssl_engine();
  setup.interface = options.interface;
  if (setup.interface.empty())
    setup.interface = options.wifi ? setup.settings.wifi_interface : setup.settings.wired_interface;
  if (setup.interface.empty()) {
    CAM_TRY(setup.interface, network::only_ethernet_interface());
  }
  return setup;
}

void add_network_options(CLI::App& command, NetworkOptions& options) {
  add_keystore_options(command, options.keystore);
  command
      .add_option("--interface", options.interface,
                  "default: network.toml's, or the only Ethernet interface, or eth0")
      ->type_name("NAME");
  command.add_flag("--wifi", options.wifi, "the Wi-Fi network of network.toml instead of the cable");
  command
      .add_option("--run-folder", options.run_folder,
                  "configuration, control socket, state (default DIR/run/camvault/network)")
      ->type_name("DIR");
}

void add_network(CLI::App& app, int& exit_code) {
  auto* network = app.add_subcommand("network", "802.1X and Wi-Fi with the camera's identities");
  network->require_subcommand(1);
  network->footer(
      "DIR/etc/camvault/network.toml, or the maker's DIR/usr/share/camvault/network.toml, says which "
      "authentication server\n"
      "is believed: without its certificate authority and its name there is no connection "
      "(docs/network.md).\n\n"
      "Examples:\n  camvault network run\n  camvault network check");
  add_network_run(*network, exit_code);

  auto options = std::make_shared<Options>();
  auto* checking =
      network->add_subcommand("check", "could it connect, with which identities, to which server");
  add_network_options(*checking, options->network);
  checking->footer(
      "Exit codes: 0 yes, 1 no (no usable identity, or no server that may be believed).\n\n"
      "Examples:\n  camvault network check\n  camvault network check --root /srv/camera1 --json");
  on_answer(*checking, options, check, exit_code);

  options = std::make_shared<Options>();
  auto* writing =
      network->add_subcommand("config", "the configuration of wpa_supplicant, for who starts it himself");
  add_network_options(*writing, options->network);
  writing->add_option("--out", options->out, "default: standard output")->type_name("FILE");
  writing->footer(
      "It holds no secret: keys are PKCS#11 URIs, a passphrase is asked for through the control socket. All "
      "networks in\n"
      "it are off: select_network N of wpa_cli turns one on. `camvault network run` does all of this.\n\n"
      "Examples:\n  camvault network config --out /etc/wpa_supplicant/wpa_supplicant-wired-eth0.conf");
  writing->callback([options, &exit_code] { exit_code = finish_keystore(config(*options)); });

  options = std::make_shared<Options>();
  auto* asking = network->add_subcommand("status", "where camvault network run has got to");
  add_network_options(*asking, options->network);
  asking->footer(
      "Exit codes: 0 admitted (provisioning, production, connected), 1 not, 69 nobody is at work there.\n\n"
      "Examples:\n  camvault network status --json");
  on_answer(*asking, options, status, exit_code);

  add_network_radius(*network, exit_code);
}

}  // namespace camvault::cli
