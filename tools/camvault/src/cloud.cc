// camvault cloud: messages to the camera's cloud, over MQTT or HTTPS; they wait on disk while it is away.
#include <csignal>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>

#include <nlohmann/json.hpp>

#include "camvault/cloud/publisher.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/ipc/keystore_client.h"
#include "camvault/key_source/root_layout.h"
#include "camvault/report/text.h"
#include "commands.h"
#include "exit_code.h"
#include "own_identity.h"
#include "trust_options.h"

namespace camvault::cli {

namespace {
struct Options {
  std::filesystem::path root = "/";
  std::filesystem::path profile;
  std::string topic;
  bool once = false;
  unsigned patience = 30;
  bool json = false;

  key_source::RootLayout layout() const { return {root}; }
  std::filesystem::path profile_file() const {
    return profile.empty() ? root / "etc/camvault/cloud.toml" : profile;
  }
  std::filesystem::path chain_file(const cloud::Profile& of) const {
    return layout().identity_folder() / of.chain;
  }
  std::filesystem::path queue_folder() const { return root / "var/lib/camvault/cloud/queue"; }
};

volatile std::sig_atomic_t stop_wanted = 0;
void want_stop(int /*signal*/) {
  stop_wanted = 1;
}

// Engine and clock, to which contexts refer.
struct World {
  SystemClock clock;
  std::unique_ptr<crypto::Engine> engine = crypto_openssl::make_openssl_engine();
};

Result<cloud::Device> device_of(const Options& options, const World& world, const cloud::Profile& profile) {
  if (!profile.psk_identity.empty()) return cloud::Device{profile.psk_identity, profile.psk_identity};
  CAM_TRY(const auto chain, certificates_from(*world.engine, options.chain_file(profile)));
  return cloud::Device{chain.front().device_serial, chain.front().common_name};
}

Result<tls::Context> context_for(const Options& options, const World& world, const cloud::Profile& profile) {
  CAM_TRY(const auto store, ipc::connect_keystore(options.layout().keystore_socket()));
  tls::Environment environment{world.engine.get(), &world.clock};
  if (profile.secrets_in_keystore) {
    CAM_TRY(environment.secrets, store->tls_secrets());
  }
  if (!profile.psk_identity.empty()) {
    CAM_TRY(const auto name, keystore::KeyName::parse(profile.psk_key));
    return tls::Context::psk_client(environment, {profile.psk_identity, {name, keystore::Purpose::tls_psk}});
  }
  CAM_TRY(auto policy, policy_from(*world.engine, {profile.anchors}, profile.lists));
  policy.expected_name = profile.host;
  CAM_TRY(const auto ours, own_credential(*world.engine, *store, profile.key, options.chain_file(profile)));
  policy.not_earlier_than = ours->leaf().not_before;
  return tls::Context::client(environment, policy, ours);
}

Result<int> send(const Options& options) {
  const World world;
  CAM_TRY(const auto profile, cloud::load_profile(options.profile_file()));
  CAM_TRY(const auto device, device_of(options, world, profile));
  CAM_TRY(const auto where, cloud::destination(profile, device, options.topic));
  std::string payload;
  for (auto at = std::istreambuf_iterator<char>(std::cin);
       at != std::istreambuf_iterator<char>() && payload.size() <= cloud::kMaxPayload; ++at)
    payload.push_back(*at);
  CAM_TRY_STATUS(cloud::check_payload(payload, device));
  CAM_TRY(auto queue, cloud::Queue::open(options.queue_folder()));
  CAM_TRY_STATUS(queue.put({options.topic, to_bytes(as_bytes(payload))}));
  CAM_TRY(const auto waiting, queue.size());
  if (options.json) {
    std::puts(nlohmann::ordered_json{{"topic", options.topic}, {"destination", where}, {"waiting", waiting}}
                  .dump()
                  .c_str());
  } else {
    std::printf("  %s waits to be sent; %zu in the queue\n", where.c_str(), waiting);
  }
  return kYes;
}

void say(const Options& options, const cloud::Progress& progress, std::size_t waiting) {
  const auto trouble = report::printable(progress.trouble);
  if (options.json) {
    std::puts(nlohmann::ordered_json{
        {"connected", progress.connected},
        {"delivered", progress.delivered},
        {"refused", progress.refused.size()},
        {"waiting", waiting},
        {"trouble", trouble.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(trouble)}}
                  .dump()
                  .c_str());
  } else if (progress.connected) {
    std::printf("  connected; %zu delivered, %zu waiting\n", progress.delivered, waiting);
  } else {
    std::printf("  not connected%s%s; %zu waiting\n", trouble.empty() ? "" : ": ", trouble.c_str(), waiting);
  }
  std::fflush(stdout);
}

// What the cloud will never take stays on disk, and is said once.
void say_refused(const cloud::Progress& progress, std::size_t& said) {
  for (; said < progress.refused.size(); ++said)
    (void)complain(kPartly, report::printable(progress.refused[said]) + "; it is set aside");
}

Result<int> run(const Options& options) {
  const World world;
  CAM_TRY(const auto profile, cloud::load_profile(options.profile_file()));
  CAM_TRY(const auto device, device_of(options, world, profile));
  CAM_TRY(const auto context, context_for(options, world, profile));
  CAM_TRY(auto queue, cloud::Queue::open(options.queue_folder()));
  CAM_TRY(const auto publisher, cloud::Publisher::create(profile, device, context, queue));
  std::signal(SIGINT, want_stop);
  std::signal(SIGTERM, want_stop);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(options.patience);
  cloud::Progress last;
  bool said = false;
  std::size_t said_refused = 0;
  std::size_t waiting = 0;
  Status counted = ok();
  CAM_TRY_STATUS(publisher->run([&](const cloud::Progress& now) {
    const auto size = queue.size();
    if (!size) {
      counted = tl::unexpected(size.error());
      return true;
    }
    waiting = *size;
    if (!said || now.connected != last.connected || now.trouble != last.trouble) say(options, now, waiting);
    say_refused(now, said_refused);
    said = true;
    last = now;
    return stop_wanted != 0 ||
           (options.once && (waiting == 0 || now.verdict || std::chrono::steady_clock::now() > until));
  }));
  CAM_TRY_STATUS(counted);
  for (const auto& file : queue.damaged())
    (void)complain(kUnreadableInput, "a message was damaged and is set aside: " + file);
  say(options, last, waiting);
  if (options.once && waiting > 0)
    return fail(last.verdict.value_or(Errc::unavailable),
                profile.host + ": " + (last.trouble.empty() ? "no answer within the time" : last.trouble));
  return last.refused.empty() && queue.damaged().empty() ? kYes : kPartly;
}

Result<int> status(const Options& options) {
  CAM_TRY(const auto queue, cloud::Queue::open(options.queue_folder()));
  CAM_TRY(const auto waiting, queue.size());
  CAM_TRY(const auto set_aside, queue.set_aside());
  if (options.json) {
    std::puts(nlohmann::ordered_json{{"waiting", waiting}, {"set_aside", set_aside}}.dump().c_str());
  } else {
    std::printf("  %zu messages wait to be sent\n", waiting);
    if (set_aside > 0) std::printf("  %zu are set aside in %s\n", set_aside, options.queue_folder().c_str());
  }
  return kYes;
}

CLI::App* add(CLI::App& parent, const std::shared_ptr<Options>& options, const std::string& name,
              const std::string& description, Result<int> (*work)(const Options&), int& exit_code) {
  auto* command = parent.add_subcommand(name, description);
  command->add_option("--root", options->root, "folder that holds this camera's state (default /)")
      ->type_name("DIR");
  command->add_flag("--json", options->json, "one JSON object a line");
  command->callback([options, work, &exit_code] {
    const auto done = work(*options);
    exit_code = done ? *done : complain_about(done.error());
  });
  return command;
}
}  // namespace

void add_cloud(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<Options>();
  auto* command =
      app.add_subcommand("cloud", "messages to the camera's cloud, over MQTT or HTTPS with mutual TLS");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n  echo '{\"motion\": true}' | camvault cloud send events/motion\n"
      "  camvault cloud run --profile /etc/camvault/cloud.toml\n"
      "  camvault cloud run --profile https.toml --once --patience 60    # url = \"https://...\" in it\n"
      "  camvault cloud status --json");
  auto* sending =
      add(*command, options, "send", "put a message into the queue; standard input has it", send, exit_code);
  sending->add_option("TOPIC", options->topic, "what the profile's {topic} stands for")->required();
  sending->footer(
      "The message is on disk when the command returns, whether the cloud can be reached or not.\n\n"
      "Examples:\n  echo '{\"motion\": true}' | camvault cloud send events/motion");
  auto* running =
      add(*command, options, "run", "deliver what is in the queue, and what comes", run, exit_code);
  running->add_flag("--once", options->once,
                    "end when the queue is empty (with 2 if messages were set aside), with 69 after "
                    "--patience, with 65 if the server is not believed, with 77 if it does not want us");
  running->add_option("--patience", options->patience, "for --once (default 30)")
      ->type_name("SECONDS")
      ->check(CLI::Range(1u, 86400u));
  running->footer("Examples:\n  camvault cloud run\n  camvault cloud run --once --patience 10 --json");
  for (auto* each : {sending, running}) {
    each->add_option("--profile", options->profile,
                     "how the cloud wants to be spoken to (default DIR/etc/camvault/cloud.toml)")
        ->type_name("FILE");
  }
  add(*command, options, "status", "how many messages wait", status, exit_code)
      ->footer("Examples:\n  camvault cloud status --json");
}

}  // namespace camvault::cli
