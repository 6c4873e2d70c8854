// camvault enrol: the camera's identity in its owner's network, from an EST server (RFC 7030), with
// --zero-touch without knowing that network before (BRSKI, RFC 8995).
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "camvault/base/file.h"
#include "camvault/brski/pledge.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/enrolment/media_enroller.h"
#include "camvault/ipc/keystore_client.h"
#include "camvault/key_source/root_layout.h"
#include "camvault/report/text.h"
#include "enrol.h"
#include "exit_code.h"
#include "registrars.h"
#include "trust_options.h"

namespace camvault::cli {

namespace {
constexpr std::size_t kMaxPem = 1 << 20;

struct Options {
  std::filesystem::path root = "/";
  std::filesystem::path keystore;
  std::string server;
  std::vector<std::filesystem::path> trust;
  std::vector<std::filesystem::path> crl;
  std::string label;
  std::string key_type = "ec-p256";
  unsigned timeout = 10;
  bool zero_touch = false;
  bool renew = false;
  bool json = false;
};

// The one that was named, or an earlier time; empty: none.
Result<std::string> known_server(const Options& options, const std::filesystem::path& folder) {
  if (!options.server.empty()) return options.server;
  CAM_TRY(const auto known, enrolment::read_local_identity(folder));
  CAM_TRY(const auto owner, brski::read_owner(folder));
  CAM_TRY(const auto media, enrolment::read_local_identity(folder, enrolment::kMediaStateFile));
  if (!known.server.empty()) return known.server;
  return owner.server.empty() ? media.server : owner.server;
}

Result<std::vector<Place>> places_of(const Options& options, const std::filesystem::path& folder) {
  CAM_TRY(const auto server, known_server(options, folder));
  if (server.empty() && options.zero_touch) return registrars_on_the_link();
  if (server.empty()) return fail(Errc::usage, "--server is wanted the first time");
  CAM_TRY(auto url, http::parse_url(server));
  if (!url.tls || url.target != "/")
    return fail(Errc::usage, "--server is https://HOST[:PORT] and nothing more");
  return std::vector<Place>{place_of(std::move(url))};
}

Result<enrolment::EnrolSettings> settings_of(const Options& options, const crypto::Engine& engine) {
  enrolment::EnrolSettings out;
  out.folder = key_source::RootLayout{options.root}.identity_folder();
  for (const auto& file : options.trust) {
    CAM_TRY(const auto pem, read_file(file, kMaxPem));
    CAM_TRY(const auto some, engine.certificates_from_pem(as_text(pem)));
    out.trust.insert(out.trust.end(), some.begin(), some.end());
  }
  CAM_TRY(out.crls, revocation_lists_from(engine, options.crl, kMaxPem));
  out.label = options.label;
  out.key_type = options.key_type;
  out.timeout = std::chrono::seconds(options.timeout);
  return out;
}

nlohmann::ordered_json to_json(const enrolment::Enrolled& enrolled) {
  const auto& certificate = enrolled.certificate;
  return {{"new", enrolled.is_new},
          {"serial", certificate.device_serial},
          {"key", enrolled.identity.active->key},
          {"subject", certificate.subject},
          {"issuer", certificate.issuer},
          {"number", certificate.serial},
          {"not_after", to_iso8601(certificate.not_after)},
          {"old_key", enrolled.identity.previous ? enrolled.identity.previous->key : ""},
          {"note", enrolled.note}};
}

void print(const nlohmann::ordered_json& value) {
  std::printf("%s\n", value.dump(1).c_str());
}

void print(const enrolment::Enrolled& enrolled) {
  const auto& certificate = enrolled.certificate;
  std::printf(
      "  %s identity  %s\n             issued by  %s\n             key        %s\n             ends       "
      "%s\n",
      enrolled.is_new ? "new    " : "present", report::printable(certificate.subject).c_str(),
      report::printable(certificate.issuer).c_str(), enrolled.identity.active->key.c_str(),
      to_iso8601(certificate.not_after).c_str());
  if (!enrolled.note.empty()) std::printf("  %s\n", report::printable(enrolled.note).c_str());
}

nlohmann::ordered_json to_json(const enrolment::MediaEnrolled& enrolled) {
  const auto& certificate = enrolled.certificate;
  return {{"new", enrolled.is_new},
          {"serial", certificate.device_serial},
          {"key", enrolled.key},
          {"subject", certificate.subject},
          {"issuer", certificate.issuer},
          {"number", certificate.serial},
          {"not_after", to_iso8601(certificate.not_after)},
          {"old_key", enrolled.old_key},
          {"note", enrolled.note}};
}

void print(const enrolment::MediaEnrolled& enrolled) {
  const auto& certificate = enrolled.certificate;
  std::printf(
      "  %s media signing key  %s\n                     issued by  %s\n                     ends       %s\n",
      enrolled.is_new ? "new    " : "present", enrolled.key.c_str(),
      report::printable(certificate.issuer).c_str(), to_iso8601(certificate.not_after).c_str());
  if (!enrolled.note.empty()) std::printf("  %s\n", report::printable(enrolled.note).c_str());
}

template <class Kind>
Status enrol(const Options& options) {
  const auto engine = crypto_openssl::make_openssl_engine();
  const SystemClock clock;
  const key_source::RootLayout layout{options.root};
  CAM_TRY(auto settings, settings_of(options, *engine));
  CAM_TRY(auto places, places_of(options, settings.folder));
  settings.server = std::move(places.front().server);
  settings.addresses = std::move(places.front().addresses);
  CAM_TRY(const auto store,
          ipc::connect_keystore(options.keystore.empty() ? layout.keystore_socket() : options.keystore));
  Kind enroller({engine.get(), &clock}, store, std::move(settings));
  CAM_TRY(const auto enrolled, enroller.enrol(options.renew));
  if (options.json) {
    print(to_json(enrolled));
  } else {
    print(enrolled);
  }
  return ok();
}

void print(const brski::Onboarded& onboarded, const std::string& server, bool json) {
  const auto& voucher = onboarded.voucher;
  if (json) {
    auto value = to_json(onboarded.enrolled);
    value["owner"] = {{"subject", onboarded.owner.subject},
                      {"sha256", onboarded.owner.sha256},
                      {"server", server},
                      {"voucher", !voucher                   ? "none"
                                  : onboarded.voucher_is_new ? "new"
                                                             : "present"}};
    if (voucher) {
      value["owner"]["assertion"] = voucher::to_string(voucher->assertion);
      value["owner"]["voucher_of"] = to_iso8601(voucher->created_on);
    }
    if (!onboarded.note.empty()) value["note"] = onboarded.note;
    return print(value);
  }
  const auto grounds = voucher ? "by a voucher of " + to_iso8601(voucher->created_on) + " (" +
                                     std::string(voucher::to_string(voucher->assertion)) + ")"
                               : std::string("by the camera's code");
  std::printf("  owner      %s\n             %s\n", report::printable(onboarded.owner.subject).c_str(),
              grounds.c_str());
  print(onboarded.enrolled);
  if (!onboarded.note.empty()) std::printf("  %s\n", report::printable(onboarded.note).c_str());
}

Status enrol_by_voucher(const Options& options) {
  if (!options.trust.empty() || options.renew || !options.label.empty())
    return fail(Errc::usage,
                "with --zero-touch the voucher says whom to trust: no --trust, --renew or --label");
  const auto engine = crypto_openssl::make_openssl_engine();
  const SystemClock clock;
  const key_source::RootLayout layout{options.root};
  CAM_TRY(const auto from, settings_of(options, *engine));
  CAM_TRY(const auto store,
          ipc::connect_keystore(options.keystore.empty() ? layout.keystore_socket() : options.keystore));
  CAM_TRY(const auto places, places_of(options, from.folder));
  const auto onboard = [&](const Place& place) {
    brski::PledgeSettings settings;
    settings.server = place.server;
    settings.addresses = place.addresses;
    settings.folder = from.folder;
    settings.lists = from.crls;
    settings.key_type = from.key_type;
    settings.timeout = from.timeout;
    brski::Pledge pledge({engine.get(), &clock}, store, std::move(settings));
    auto outcome = pledge.onboard();
    return Attempt{std::move(outcome), pledge.retry_after()};
  };
  const auto has_owner = [&] {
    const auto owner = brski::read_owner(from.folder);
    return !owner || !owner->pinned_pem.empty();
  };
  Place at;
  CAM_TRY(const auto onboarded, onboard_at_one_of(places, onboard, has_owner, at));
  print(onboarded, "https://" + at.server.authority() + at.server.target, options.json);
  return ok();
}

void finish(const Status& done, int& exit_code) {
  exit_code = !done                      ? complain_about(done.error())
              : std::fflush(stdout) == 0 ? kYes
                                         : complain(kCannotWrite, "standard output cannot be written");
}

void add_options(CLI::App* command, const std::shared_ptr<Options>& options) {
  command->add_option("--root", options->root, "folder that holds the camera's state (default /)")
      ->type_name("DIR");
  command
      ->add_option("--keystore", options->keystore,
                   "socket of the camera's keystored (default DIR/run/camvault/keystored.sock)")
      ->type_name("SOCKET");
  command
      ->add_option(
          "--server", options->server,
          "EST server; may be left out once it is known, and with --zero-touch: whoever says on the network "
          "that he is a registrar")
      ->type_name("https://HOST[:PORT]");
  command
      ->add_option("--trust", options->trust,
                   "who vouches for the server (PEM); wanted the first time, later ones come from the server")
      ->type_name("FILE");
  command->add_option("--crl", options->crl, "revocation lists for the server (PEM or DER)")
      ->type_name("FILE");
  command->add_option("--key-type", options->key_type, "kind of the new key (default ec-p256)")
      ->type_name("TYPE")
      ->check(CLI::IsMember({"ec-p256", "ec-p384", "rsa-2048", "rsa-3072", "rsa-4096"}));
  command->add_option("--timeout", options->timeout, "seconds for each connection and answer (default 10)")
      ->type_name("SECONDS")
      ->check(CLI::Range(1u, 600u));
  command->add_flag("--renew", options->renew,
                    "a new key and certificate now, not only when a third of the time is left");
  command->add_flag("--json", options->json, "the result as JSON");
}

void add_enrol_media(CLI::App& enrol_command, int& exit_code) {
  auto* command = enrol_command.add_subcommand("media", "renew the key and certificate that sign video");
  auto options = std::make_shared<Options>();
  add_options(command, options);
  command->footer(
      "Shows the owner's identity (camvault enrol), or the factory's, and asks for a certificate under the "
      "EST "
      "label\n"
      "media-signing. A running camera signs with the new key from one of its next groups of pictures on, "
      "without a gap,\n"
      "and the old key names the new one in the video. The old key is taken away when nobody signs with it; "
      "the "
      "factory's\n"
      "key stays. Safe to run every day.\n\n"
      "Examples:\n  camvault enrol media --root /srv/camera1\n  camvault enrol media --root /srv/camera1 "
      "--renew "
      "--json");
  command->callback([options, &exit_code] { finish(enrol<enrolment::MediaEnroller>(*options), exit_code); });
}
}  // namespace

void add_enrol(CLI::App& app, int& exit_code) {
  auto* command =
      app.add_subcommand("enrol", "get or renew the camera's identity in its owner's network (EST)");
  auto options = std::make_shared<Options>();
  add_options(command, options);
  command->add_flag(
      "--zero-touch", options->zero_touch,
      "trust the server once a voucher of the camera's maker names its owner (BRSKI, RFC 8995)");
  command->add_option("--label", options->label, "label of the EST service, RFC 7030 3.2.2")
      ->type_name("LABEL");
  command->footer(
      "The factory's identity (camera/idevid) proves which camera asks; the new key is made in the camera's "
      "keystored.\n"
      "Safe to run at each start and every day: it does nothing while the identity has time left, and goes "
      "on where it\n"
      "was cut off. The old key is kept until the new one has worked.\n\n"
      "Examples:\n  camvault enrol --root /srv/camera1 --server https://fleet.example:8443 --trust "
      "fleet-ca.pem\n"
      "  camvault enrol --root /srv/camera1            # later: renews when it is time\n"
      "  camvault enrol --root /srv/camera1 --renew --json\n"
      "  camvault enrol --root /srv/camera1 --zero-touch   # finds the registrar on its network by itself\n"
      "  camvault enrol --root /srv/camera1 --server https://fleet.example:8443 --zero-touch\n"
      "  camvault enrol media --root /srv/camera1      # the key that signs video");
  add_enrol_media(*command, exit_code);
  command->require_subcommand(0, 1);
  command->callback([command, options, &exit_code] {
    if (!command->get_subcommands().empty()) return;
    finish(options->zero_touch ? enrol_by_voucher(*options) : enrol<enrolment::Enroller>(*options),
           exit_code);
  });
}

}  // namespace camvault::cli
