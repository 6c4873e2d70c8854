// camvault claim: who holds the code on a camera's label becomes its owner, once (docs/zero-touch.md).
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "camvault/base/file.h"
#include "camvault/brski/pledge.h"
#include "camvault/claim/desk.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/password.h"
#include "camvault/enrolment/device_credential.h"
#include "camvault/enrolment/local_identity.h"
#include "camvault/ipc/keystore_client.h"
#include "camvault/key_source/root_layout.h"
#include "camvault/report/text.h"
#include "enrol.h"
#include "exit_code.h"
#include "secret_input.h"
#include "trust_options.h"

namespace camvault::cli {

namespace {
using namespace std::chrono_literals;
constexpr std::size_t kMaxPem = 1 << 20;
constexpr std::size_t kMaxTyped = 64;
constexpr auto kPatience = 10s;  // of a handshake, and of each message
constexpr tls::Versions kOnly13{tls::Version::tls1_3, tls::Version::tls1_3};  // RFC 9266

struct Options {
  std::filesystem::path root = "/";
  std::string address = "127.0.0.1";
  std::uint16_t port = 8446;
  unsigned minutes = 0;
  std::string camera;
  std::string serial;
  std::string fleet;
  std::filesystem::path maker;
  std::filesystem::path owner_ca;
  std::vector<std::filesystem::path> crl;
  bool json = false;
};

struct World {
  std::unique_ptr<crypto::Engine> engine = crypto_openssl::make_openssl_engine();
  SystemClock clock;
  tls::Environment environment() const { return {engine.get(), &clock}; }
};

void print(const nlohmann::ordered_json& value, bool json) {
  if (json) {
    std::printf("%s\n", value.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
  } else {
    for (const auto& [name, member] : value.items())
      std::printf("  %-10s %s\n", name.c_str(), report::printable(member.get<std::string>()).c_str());
  }
  std::fflush(stdout);
}

Status make_code(const Options& options) {
  const World world;
  const key_source::RootLayout layout{options.root};
  CAM_TRY(const auto store, ipc::connect_keystore(layout.keystore_socket()));
  CAM_TRY(const auto identity,
          enrolment::factory_credential(*world.engine, *store, layout.identity_folder()));
  const auto& serial = identity->leaf().device_serial;
  CAM_TRY(const auto code, claim::make_code(*world.engine, *store, serial));
  // The one time that it is shown: it is printed on the label.
  code.reveal([&](BytesView text) {
    print({{"serial", serial}, {"code", std::string(as_text(text))}}, options.json);
  });
  return ok();
}

// One connection: a question and an answer.
void serve(const tls::Context& context, claim::Desk& desk, UniqueFd socket) {
  auto connection = context.accept(std::move(socket), net::within(kPatience));
  if (!connection) return;
  http::Reader reader(**connection);
  http::Limits limits;
  limits.body = claim::kMaxMessage;
  const auto request = reader.request(limits, net::within(kPatience));
  const auto binding = (*connection)->channel_binding();
  if (!request || !binding) return;
  auto answer = desk.answer(*request, *binding, std::chrono::steady_clock::now());
  answer.headers.add("Connection", "close");
  static_cast<void>(http::write_response(**connection, answer, net::within(kPatience)).has_value());
  (*connection)->close(net::within(200ms));
}

// Until somebody has proven that he has the code, and is written down as the owner.
Status wait_for_owner(const Options& options, const World& world, keystore::Keystore& store,
                      const std::filesystem::path& folder) {
  CAM_TRY(const auto identity, enrolment::factory_credential(*world.engine, store, folder));
  CAM_TRY(auto desk, claim::Desk::open(*world.engine, store, folder, std::chrono::steady_clock::now()));
  CAM_TRY(const auto context,
          tls::Context::server(world.environment(), identity, tls::ClientCertificates::none, {}, kOnly13));
  CAM_TRY(auto listener, net::Listener::listen(options.address, options.port));
  print({{"serial", identity->leaf().device_serial}, {"port", std::to_string(listener.port())}},
        options.json);
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(options.minutes);
  while (!desk.claimed()) {
    if (options.minutes != 0 && std::chrono::steady_clock::now() > end)
      return fail(Errc::unavailable, "nobody claimed the camera");
    auto socket = listener.accept(net::within(500ms));
    if (socket) serve(context, desk, std::move(*socket));
  }
  return ok();
}

// An owner by code, and no identity of his yet: the power went in between.
Result<bool> owner_waits(const std::filesystem::path& folder) {
  CAM_TRY(const auto owner, brski::read_owner(folder));
  CAM_TRY(const auto identity, enrolment::read_local_identity(folder));
  return !owner.pinned_pem.empty() && owner.voucher.empty() && !identity.active;
}

Status wait(const Options& options) {
  const World world;
  const key_source::RootLayout layout{options.root};
  const auto folder = layout.identity_folder();
  CAM_TRY(const auto store, ipc::connect_keystore(layout.keystore_socket()));
  CAM_TRY(const auto owned, owner_waits(folder));
  if (!owned) CAM_TRY_STATUS(wait_for_owner(options, world, *store, folder));
  CAM_TRY(const auto owner, brski::read_owner(folder));
  CAM_TRY(const auto server, http::parse_url(owner.server));
  brski::PledgeSettings settings;
  settings.server = server;
  settings.folder = folder;
  const auto onboarded = brski::Pledge(world.environment(), store, std::move(settings)).onboard();
  if (!onboarded)
    return fail(
        onboarded.error().code,
        "the camera has an owner; its identity comes when this is run again: " + onboarded.error().what);
  print({{"owner", onboarded->owner.subject}, {"identity", onboarded->enrolled.certificate.subject}},
        options.json);
  return ok();
}

// RFC 9525 names are not in an identity of a maker: it is the serial number that has to be the right one.
Status check_camera(const World& world, const Options& options, tls::Connection& connection) {
  tls::Policy makers;
  CAM_TRY(const auto pem, read_file(options.maker, kMaxPem));
  CAM_TRY(makers.anchors, world.engine->certificates_from_pem(as_text(pem)));
  CAM_TRY(makers.crls, revocation_lists_from(*world.engine, options.crl, kMaxPem));
  if (connection.peer_chain().empty())
    return fail(Errc::invalid, "who answers shows no certificate that can be read");
  const auto judged =
      tls::judge(*world.engine, makers, tls::Role::client, connection.peer_chain(), {}, world.clock.now());
  if (!judged.good()) return fail(Errc::invalid, "who answers is no camera of this maker: " + judged.reason);
  if (judged.path.front().device_serial != options.serial)
    return fail(Errc::invalid,
                "who answers is another camera: " + report::printable(judged.path.front().device_serial));
  return ok();
}

Status refusal(const claim::Answer& answer) {
  const auto later =
      answer.wait > 0 ? ", the next try in " + std::to_string(answer.wait) + " s" : std::string();
  if (answer.error == "wrong-code")
    return fail(Errc::denied,
                "the code is wrong; " + std::to_string(answer.tries_left) + " tries left" + later);
  if (answer.error == "wait") return fail(Errc::unavailable, "the camera waits after a wrong code" + later);
  if (answer.error == "locked")
    return fail(Errc::denied, "too many wrong codes: the camera wants a factory reset");
  if (answer.error == "has-owner") return fail(Errc::denied, "the camera has an owner");
  return fail(Errc::invalid, "the camera does not understand the claim");
}

Status take(const Options& options) {
  const World world;
  CAM_TRY(const auto typed, secret_from_input(kMaxTyped));
  CAM_TRY(const auto key, claim::key_of_code(typed, options.serial));
  CAM_TRY(const auto pem, read_file(options.owner_ca, kMaxPem));
  CAM_TRY(const auto owners, world.engine->certificates_from_pem(as_text(pem), 1));
  if (owners.empty()) return fail(Errc::malformed, options.owner_ca.string() + " holds no certificate");
  CAM_TRY(const auto camera, http::parse_url(options.camera));
  if (!camera.tls || camera.target != "/") return fail(Errc::usage, "--camera is https://HOST[:PORT]");
  CAM_TRY(const auto context, tls::Context::provisional_client(world.environment(), nullptr, kOnly13));
  CAM_TRY(const auto connection, context.connect(camera.host, camera.port, net::within(kPatience)));
  // Before anything is said: a proof is for this very camera.
  CAM_TRY_STATUS(check_camera(world, options, *connection));
  claim::Terms terms;
  CAM_TRY(terms.channel_binding, connection->channel_binding());
  terms.owner_ca = owners.front().der;
  terms.server = options.fleet;
  http::Request request;
  request.method = "POST";
  request.target = std::string(claim::kClaimPath);
  request.headers.add("Host", camera.authority());
  request.headers.add("Content-Type", "application/json");
  CAM_TRY(const auto proof,
          crypto_openssl::hmac_sha256(key, claim::to_be_proven(*world.engine, claim::Side::owner, terms)));
  request.body = to_bytes(as_bytes(claim::write_request({terms.owner_ca, terms.server, proof})));
  CAM_TRY_STATUS(http::write_request(*connection, request, net::within(kPatience)));
  http::Reader reader(*connection);
  const auto response = reader.response({}, net::within(kPatience));
  if (!response)
    return fail(Errc::unavailable, "the camera gives no answer (" + response.error().what +
                                       "): it may be yours already, then it appears at " + options.fleet +
                                       "; else try again");
  CAM_TRY(const auto answer, claim::read_answer(response->body));
  if (answer.proof.empty()) return refusal(answer);
  CAM_TRY(const auto expected,
          crypto_openssl::hmac_sha256(key, claim::to_be_proven(*world.engine, claim::Side::camera, terms)));
  if (!equal_constant_time(expected, answer.proof))
    return fail(Errc::invalid, "the camera does not know the code");
  print({{"camera", options.serial}, {"owner", owners.front().subject}, {"enrols at", options.fleet}},
        options.json);
  return ok();
}

Status reset(const Options& options) {
  const key_source::RootLayout layout{options.root};
  CAM_TRY(const auto store, ipc::connect_keystore(layout.keystore_socket()));
  CAM_TRY_STATUS(claim::forget_everything(*store, layout.identity_folder()));
  print({{"owner", "nobody"}}, options.json);
  return ok();
}

CLI::App* add(CLI::App& parent, const char* name, const char* description,
              const std::shared_ptr<Options>& options, Status (*run)(const Options&), int& exit_code) {
  auto* command = parent.add_subcommand(name, description);
  command->add_flag("--json", options->json, "for programs");
  command->callback([options, run, &exit_code] {
    const auto done = run(*options);
    exit_code = done ? kYes : complain_about(done.error());
  });
  return command;
}

void add_root(CLI::App& command, Options& options) {
  command.add_option("--root", options.root, "folder that holds the camera's state (default /)")
      ->type_name("DIR");
}

void add_take(CLI::App& claims, int& exit_code) {
  auto options = std::make_shared<Options>();
  auto* command = add(claims, "take", "become the owner of a camera, by its code", options, take, exit_code);
  command->add_option("--camera", options->camera, "where it waits")
      ->type_name("https://HOST[:PORT]")
      ->required();
  command->add_option("--serial", options->serial, "serial number, from the label")
      ->type_name("SERIAL")
      ->required();
  command->add_option("--maker", options->maker, "the maker's root (PEM)")->type_name("FILE")->required();
  command->add_option("--crl", options->crl, "revocation lists of the maker (PEM or DER)")->type_name("FILE");
  command->add_option("--owner-ca", options->owner_ca, "who vouches for the owner's server (PEM)")
      ->type_name("FILE")
      ->required();
  command->add_option("--fleet", options->fleet, "the owner's server, where the camera is to enrol")
      ->type_name("https://HOST[:PORT]")
      ->required();
  command->footer(
      "The code comes from standard input, and stays here: what goes to the camera is a proof of it, for "
      "this very\n"
      "connection. A wrong code makes the camera wait, longer each time; ten lock it until a factory "
      "reset.\n\n"
      "Examples:\n  camvault claim take --camera https://192.0.2.7:8446 --serial B8A44F000001 --maker "
      "root-ca.pem\n"
      "    --owner-ca fleet-ca.pem --fleet https://fleet.example:8443");
}
}  // namespace

void add_claim(CLI::App& app, int& exit_code) {
  auto* claims =
      app.add_subcommand("claim", "who holds the code on a camera's label becomes its owner, once");
  claims->require_subcommand(1);
  claims->footer(
      "The factory prints a code on each camera's label; the camera waits, and whoever has the code takes "
      "it.\n\n"
      "Examples:\n  camvault claim code --root /srv/camera\n  camvault claim wait --root /srv/camera "
      "--listen 0.0.0.0\n"
      "  camvault claim take --camera https://192.0.2.7:8446 --serial B8A44F000001 --maker root-ca.pem\n"
      "    --owner-ca fleet-ca.pem --fleet https://fleet.example:8443");
  auto options = std::make_shared<Options>();
  auto* command =
      add(*claims, "code", "give a camera its code, at its factory", options, make_code, exit_code);
  add_root(*command, *options);
  command->footer(
      "Shown once, for the label. The camera's keystore keeps a key made of it, which nobody reads.\n\n"
      "Examples:\n  camvault claim code --root /srv/camera --json");
  options = std::make_shared<Options>();
  command = add(*claims, "wait", "the camera waits for its owner, and enrols where he says", options, wait,
                exit_code);
  add_root(*command, *options);
  command->add_option("--listen", options->address, "address (default 127.0.0.1)")->type_name("ADDRESS");
  command->add_option("--port", options->port, "0: any (default 8446)")->type_name("PORT");
  command->add_option("--minutes", options->minutes, "how long (default: for ever)")->type_name("N");
  command->footer(
      "Ends when the camera has an owner and an identity of his; after a power cut it goes on where it "
      "was.\n\n"
      "Examples:\n  camvault claim wait --root /srv/camera --listen 0.0.0.0");
  add_take(*claims, exit_code);
  options = std::make_shared<Options>();
  command = add(*claims, "reset", "factory reset of a camera's ownership", options, reset, exit_code);
  add_root(*command, *options);
  command->footer(
      "The owner, his keys and certificates, and the count of wrong codes are gone; the identity and the "
      "code\n"
      "of the factory stay.\n\nExamples:\n  camvault claim reset --root /srv/camera");
}

}  // namespace camvault::cli
