// camvault factory enroll: a certificate for the attestation key of a camera's module. Once for each camera,
// after factory provision.
#include <cstdio>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/identity/attester.h"
#include "camvault/identity/factory.h"
#include "camvault/key_source/root_layout.h"
#include "camvault/report/text.h"
#include "commands.h"
#include "factory_station.h"
#include "output_file.h"
#include "trust_options.h"

namespace camvault::cli {

namespace {
struct Enrolment {
  std::filesystem::path root = "/";
  std::filesystem::path keystore;
  std::filesystem::path camera_root;
  std::filesystem::path camera_keystore;
  std::string serial;
  std::string key = "camera/media-signing";
  std::vector<std::filesystem::path> module_trust;
};

// The module proves itself: only what passed comes back.
Result<identity::AttesterChallenge> prove(const crypto::Engine& engine, keystore::Keystore& camera,
                                          const keystore::KeyName& key,
                                          const attestation::AttesterDescription& description,
                                          const std::vector<crypto::Certificate>& makers, Timestamp now) {
  CAM_TRY(auto challenge, identity::challenge_attester(engine, description, makers, now));
  identity::AttesterAnswer answer;
  if (!challenge.credential.empty()) {
    CAM_TRY(answer.opened, camera.activate(key, challenge.credential));
  }
  CAM_TRY(answer.spki, camera.public_key(key));
  CAM_TRY(answer.evidence, camera.certify(key, challenge.nonce));
  CAM_TRY_STATUS(identity::check_attester_answer(engine, description, challenge, answer));
  return challenge;
}

Status enroll(const Enrolment& options) {
  const key_source::RootLayout camera_layout{options.camera_root};
  const auto engine = crypto_openssl::make_openssl_engine();
  const SystemClock clock;
  CAM_TRY(const auto key, keystore::KeyName::parse(options.key));
  std::vector<crypto::Certificate> makers;
  for (const auto& path : options.module_trust) {
    CAM_TRY(const auto found, certificates_from(*engine, path));
    makers.insert(makers.end(), found.begin(), found.end());
  }
  CAM_TRY(const auto camera, connect_below(options.camera_root, options.camera_keystore));
  auto described = camera->attester(key);
  if (!described && described.error().code == Errc::unsupported)
    return fail(Errc::unsupported,
                "the module that holds " + options.key + " has no attestation key of its own");
  if (!described) return tl::unexpected(described.error());
  CAM_TRY(const auto description, attestation::decode_attester(*described));
  CAM_TRY(const auto challenge, prove(*engine, *camera, key, description, makers, clock.now()));

  CAM_TRY(const auto store, connect_below(options.root, options.keystore));
  CAM_TRY(const auto opened, open_factory_below(options.root));
  auto& factory = *opened->factory;
  CAM_TRY(const auto ca_key, issuing_key(*store, factory));
  CAM_TRY(const auto log_key, log_key_of(*store, factory));
  CAM_TRY(const auto chain,
          factory.certify_attester(*ca_key, options.serial, description.spki, challenge.simulator));
  CAM_TRY_STATUS(factory.checkpoint());
  CAM_TRY_STATUS(
      write_output(camera_layout.attestation_chain(), as_bytes(crypto_openssl::certificates_pem(chain))));
  std::printf("  attestation key  %s\n                   %s\n",
              report::printable(chain.front().subject).c_str(), camera_layout.attestation_chain().c_str());
  if (challenge.simulator) std::printf("  SIMULATOR: the certificate says so.\n");
  return ok();
}
}  // namespace

void add_factory_enroll(CLI::App& factory, int& exit_code) {
  auto options = std::make_shared<Enrolment>();
  auto* command = add_factory_command(
      factory, "enroll", "give the attestation key of a camera's module its certificate",
      [options] { return enroll(*options); }, exit_code);
  add_root_option(*command, options->root);
  add_keystore_option(*command, options->keystore);
  add_camera_options(*command, options->camera_root, options->camera_keystore);
  command->add_option("--serial", options->serial, "serial number of the camera, which is provisioned")
      ->type_name("SERIAL")
      ->required();
  command
      ->add_option(
          "--module-trust", options->module_trust,
          "roots of the makers of modules: who signs the certificates of endorsement keys (repeatable)")
      ->type_name("ROOTS.pem")
      ->allow_extra_args(false)
      ->required();
  command->add_option("--key", options->key, "a key in that module (default camera/media-signing)")
      ->type_name("NAME");
  command->footer(
      "A TPM opens what was made for its endorsement key and its attestation key together "
      "(TPM2_ActivateCredential);\n"
      "an SE05x has its maker's certificate. The chain goes into the camera's identity folder; camvault "
      "keystore\n"
      "attest and signed video carry it.\n\n"
      "Examples:\n  camvault factory enroll --root /srv/factory --camera-root /srv/camera1 --serial "
      "EX-000042 "
      "--module-trust tpm-makers.pem");
}

}  // namespace camvault::cli
