// camvault factory authority, withdraw, reissue, ocsp and logkey: what a factory needs after its first day.
#include <cstdio>
#include <iterator>

#include "camvault/base/file.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/report/text.h"
#include "commands.h"
#include "exit_code.h"
#include "factory_station.h"
#include "output_file.h"

namespace camvault::cli {

namespace {
constexpr std::size_t kMaxQuery = 64 * 1024;

struct Care {
  std::filesystem::path root = "/";
  std::filesystem::path keystore;
  std::filesystem::path root_keystore;
  std::string profile = "device-ca";
  std::string key_type = "ec-p256";
  std::string serial;
  std::string authority;
  std::string revoke;
  std::string cause = "superseded";
  std::filesystem::path query;
  std::filesystem::path out;
  unsigned hours = 24;
};

Result<KeyHandle> root_key_of(const Care& options) {
  CAM_TRY(
      const auto store,
      connect_below(options.root, options.root_keystore.empty() ? options.keystore : options.root_keystore));
  return existing_key(*store, kFactoryRootKey, keystore::Purpose::ca_signing);
}

Status add_authority(const Care& options) {
  CAM_TRY(const auto type, keystore::key_type_from_string(options.key_type));
  CAM_TRY(const auto root_key, root_key_of(options));
  CAM_TRY(const auto store, connect_below(options.root, options.keystore));
  CAM_TRY(const auto opened, open_factory_below(options.root));
  auto& factory = *opened->factory;
  CAM_TRY(const auto log_key, log_key_of(*store, factory));
  const auto name = "factory/" + factory.next_authority_name(options.profile);
  CAM_TRY(const auto key, made_key(*store, name, type, keystore::Purpose::ca_signing));
  CAM_TRY(const auto stem, factory.add_authority(*root_key, *key, options.profile));
  CAM_TRY_STATUS(factory.checkpoint());
  std::printf("  %s\n", (factory.folder() / (stem + ".pem")).c_str());
  return ok();
}

Status revoke_authority(const Care& options) {
  CAM_TRY(const auto root_key, root_key_of(options));
  CAM_TRY(const auto opened, open_factory_below(options.root));
  auto& factory = *opened->factory;
  const auto cause = options.cause == "key-compromise" ? identity::RevocationCause::key_compromise
                     : options.cause == "superseded"   ? identity::RevocationCause::superseded
                                                       : identity::RevocationCause::cessation_of_operation;
  CAM_TRY_STATUS(factory.revoke_authority(options.authority, cause));
  CAM_TRY_STATUS(factory.publish_root_list(*root_key, std::chrono::days(365)));
  CAM_TRY_STATUS(checkpoint_if_possible(*opened, options.root, options.keystore));
  std::printf("  %s is revoked (%s); the root's list is in %s\n", options.authority.c_str(),
              options.cause.c_str(), (factory.folder() / identity::kRootListFile).c_str());
  return ok();
}

Status reissue(const Care& options) {
  CAM_TRY(const auto store, connect_below(options.root, options.keystore));
  CAM_TRY(const auto opened, open_factory_below(options.root));
  auto& factory = *opened->factory;
  CAM_TRY(const auto key, issuing_key(*store, factory));
  CAM_TRY(const auto log_key, log_key_of(*store, factory));
  std::size_t count = 0;
  std::size_t passed = 0;
  const auto serials = options.serial.empty() ? factory.serials() : std::vector<std::string>{options.serial};
  for (const auto& serial : serials) {
    const auto made = factory.reissue(*key, serial);
    if (!made && options.serial.empty() &&
        (made.error().code == Errc::exists || made.error().code == Errc::denied)) {
      ++passed;  // has them already, or is revoked
      continue;
    }
    if (!made) return tl::unexpected(made.error());
    ++count;
  }
  CAM_TRY_STATUS(factory.checkpoint());
  std::printf("  %zu cameras have certificates of %s, %zu were passed over\n", count,
              factory.device_ca_name().c_str(), passed);
  return ok();
}

Status make_log_key(const Care& options) {
  CAM_TRY(const auto root_key, root_key_of(options));
  CAM_TRY(const auto store, connect_below(options.root, options.keystore));
  CAM_TRY(const auto opened, open_factory_below(options.root));
  CAM_TRY(const auto key,
          made_key(*store, kFactoryLogKey, keystore::KeyType::ec_p256, keystore::Purpose::audit_signing));
  CAM_TRY_STATUS(opened->factory->certify_log_signer(*root_key, key->spki_der()));
  CAM_TRY_STATUS(opened->factory->use_log_key(*key));
  CAM_TRY_STATUS(opened->factory->checkpoint());
  std::printf("  the log is signed from now on: %s\n",
              (opened->factory->folder() / identity::kLogSignerFile).c_str());
  return ok();
}

Status answer_ocsp(const Care& options) {
  CAM_TRY(const auto store, connect_below(options.root, options.keystore));
  CAM_TRY(const auto opened, open_factory_below(options.root));
  auto& factory = *opened->factory;
  const auto authority = options.authority.empty() ? factory.device_ca_name() : options.authority;
  CAM_TRY(const auto responder,
          made_key(*store, kFactoryOcspKey, keystore::KeyType::ec_p256, keystore::Purpose::ca_signing));
  const auto certificate = factory.folder() / (authority + ".ocsp.pem");
  std::error_code error;
  if (!std::filesystem::exists(certificate, error)) {
    CAM_TRY(const auto ca_key, existing_key(*store, "factory/" + authority, keystore::Purpose::ca_signing));
    CAM_TRY_STATUS(factory.certify_responder(*ca_key, responder->spki_der()));
  }
  const std::chrono::hours validity(options.hours);
  if (!options.query.empty()) {
    CAM_TRY(const auto query, read_file(options.query, kMaxQuery));
    return write_output(options.out, factory.answer_ocsp(*responder, authority, query, validity));
  }
  std::filesystem::create_directories(options.out, error);
  if (error) return fail(Errc::io, options.out.string() + ": " + error.message());
  std::size_t count = 0;
  const auto serials = options.serial.empty() ? factory.serials() : std::vector<std::string>{options.serial};
  for (const auto& serial : serials) {
    CAM_TRY(const auto answers, factory.make_ocsp_answers(*responder, authority, serial, validity));
    for (const auto& answer : answers)
      CAM_TRY_STATUS(write_output(options.out / (answer.number + ".der"), answer.response));
    count += answers.size();
  }
  std::printf("  %zu answers are in %s\n", count, options.out.c_str());
  return ok();
}

CLI::App* add(CLI::App& factory, const std::shared_ptr<Care>& options, const std::string& name,
              const std::string& description, Status (*run)(const Care&), int& exit_code) {
  auto* command = add_factory_command(
      factory, name, description, [options, run] { return run(*options); }, exit_code);
  add_root_option(*command, options->root);
  add_keystore_option(*command, options->keystore);
  return command;
}

void add_root_keystore(CLI::App& command, Care& options) {
  command
      .add_option("--root-keystore", options.root_keystore,
                  "socket of the keystored that holds the root key (default the factory's)")
      ->type_name("SOCKET");
}

void add_authorities(CLI::App& factory, int& exit_code) {
  auto options = std::make_shared<Care>();
  auto* command =
      add(factory, options, "authority", "a new issuing authority below the root", add_authority, exit_code);
  add_root_keystore(*command, *options);
  command
      ->add_option("--profile", options->profile,
                   "device-ca (default; it takes the place of the last one), matter-pai")
      ->type_name("PROFILE");
  add_key_type_option(*command, options->key_type, "kind of its key");
  command->footer(
      "The rollover of the issuing CA: authority, then reissue; and withdraw, or let the old one be. "
      "Needs the\n"
      "root's key.\n\n"
      "Examples:\n  camvault factory authority --root /srv/factory --root-keystore "
      "/media/root/keystored.sock");

  options = std::make_shared<Care>();
  command = add(factory, options, "withdraw", "take back an issuing authority, in the root's list",
                revoke_authority, exit_code);
  add_root_keystore(*command, *options);
  command->add_option("name", options->authority, "its name: device-ca, device-ca-2, matter-pai")
      ->type_name("NAME")
      ->required();
  command
      ->add_option(
          "--cause", options->cause,
          "superseded (default: what was signed before stays good), cessation-of-operation, key-compromise "
          "(nothing of it is good at any time, but what a time stamp authority vouches for)")
      ->type_name("CAUSE")
      ->check(CLI::IsMember({"key-compromise", "superseded", "cessation-of-operation"}));
  command->footer("Examples:\n  camvault factory withdraw --root /srv/factory device-ca --cause superseded");

  options = std::make_shared<Care>();
  command = add(factory, options, "reissue",
                "certificates of the present device CA for all cameras, for the keys they have", reissue,
                exit_code);
  command->add_option("--serial", options->serial, "one camera (default all)")->type_name("SERIAL");
  command->footer(
      "The cameras prove nothing again: their keys are in the log. Stopped on its way it can be called "
      "again.\n\n"
      "Examples:\n  camvault factory reissue --root /srv/factory");
}
}  // namespace

void add_factory_care(CLI::App& factory, int& exit_code) {
  add_authorities(factory, exit_code);
  auto options = std::make_shared<Care>();
  auto* command = add(factory, options, "logkey", "have the issue log of an older factory signed",
                      make_log_key, exit_code);
  add_root_keystore(*command, *options);
  command->footer(
      "Factories made by this version have such a key from init on. Needs the root's key.\n\n"
      "Examples:\n  camvault factory logkey --root /srv/factory");

  options = std::make_shared<Care>();
  command = add(factory, options, "ocsp", "answer whether certificates are revoked (RFC 6960)", answer_ocsp,
                exit_code);
  command->add_option("--request", options->query, "an OCSP request, DER; the answer goes to --out")
      ->type_name("FILE");
  command
      ->add_option("--out", options->out,
                   "file for the answer; without --request a folder: NUMBER.der for each certificate")
      ->type_name("PATH")
      ->required();
  command->add_option("--serial", options->serial, "answers for this camera alone (default all)")
      ->type_name("SERIAL");
  command
      ->add_option("--authority", options->authority, "whose certificates (default the present device CA's)")
      ->type_name("NAME");
  command->add_option("--hours", options->hours, "how long an answer is good (default 24)")
      ->type_name("N")
      ->check(CLI::Range(1, 8784));
  command->footer(
      "The responder has a key and certificate of its own (id-kp-OCSPSigning, 90 days); remove NAME.ocsp.pem "
      "from the\n"
      "factory's folder to have it certified anew.\n\n"
      "Examples:\n  camvault factory ocsp --root /srv/factory --out /srv/www/ocsp\n"
      "  camvault factory ocsp --root /srv/factory --request request.der --out answer.der");
}

}  // namespace camvault::cli
