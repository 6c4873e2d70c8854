// camvault factory provision: one camera and the factory, each with its keystore, on one line. Keys are made
// inside the camera's keystore; requests and certificates are all that passes.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "camvault/identity/device.h"
#include "camvault/report/text.h"
#include "commands.h"
#include "exit_code.h"
#include "factory_station.h"
#include "masa_anchors.h"

namespace camvault::cli {

namespace {
constexpr const char* kIdentityKey = "camera/idevid";
constexpr const char* kMediaSigningKey = "camera/media-signing";
constexpr const char* kAttestationKey = "camera/attestation";

struct Provision {
  std::filesystem::path root = "/";
  std::filesystem::path keystore;
  std::filesystem::path camera_root;
  std::filesystem::path camera_keystore;
  std::string key_type = "ec-p256";
  std::string serial;
  std::vector<std::string> identities{"all"};
  bool json = false;
};

// What the camera has in the end, for people and programs.
struct Installed {
  std::string use;
  crypto::Certificate certificate;
  std::filesystem::path file;
};
struct NotMade {
  std::string use;
  std::string why;
};
struct Outcome {
  std::vector<Installed> installed;
  std::vector<NotMade> not_made;
};

// In the module that takes new keys, or else in another one of this camera that can.
Result<KeyHandle> key_wherever_possible(keystore::Keystore& camera, const std::string& name,
                                        keystore::KeyType type) {
  auto key = made_key(camera, name, type, keystore::Purpose::device_identity);
  if (key || key.error().code != Errc::unsupported) return key;
  CAM_TRY(const auto status, camera.status());
  for (const auto& backend : status.backends) {
    if (!backend.usable ||
        std::find(backend.key_types.begin(), backend.key_types.end(), type) == backend.key_types.end())
      continue;
    auto elsewhere = made_key(camera, name, type, keystore::Purpose::device_identity, backend.name);
    if (elsewhere || elsewhere.error().code != Errc::unsupported) return elsewhere;
  }
  return key;
}

bool is_wanted(const Provision& options, crypto::KeyAlg alg) {
  if (crypto::to_string(alg) == options.key_type) return false;  // the first identity is of this kind
  return std::any_of(options.identities.begin(), options.identities.end(), [&](const std::string& each) {
    return each == "all" || each == crypto::to_string(alg);
  });
}

// AX-2.1-2. A module that lacks an algorithm is no reason to go without the others.
Status add_identities(const Provision& options, keystore::Keystore& camera, crypto::SigningKey& ca_key,
                      OpenedFactory& at, Outcome& outcome) {
  const key_source::RootLayout layout{options.camera_root};
  for (const auto& kind : identity::kFurtherIdentities) {
    if (!is_wanted(options, kind.alg)) continue;
    const std::string use(kind.use);
    const auto key = key_wherever_possible(camera, "camera/" + use, keystore::key_type_of(kind.alg));
    if (!key && key.error().code == Errc::unsupported) {
      outcome.not_made.push_back({use, key.error().what});
      continue;
    }
    if (!key) return tl::unexpected(key.error());
    CAM_TRY(const auto request, identity::make_certificate_request_for(options.serial, **key));
    CAM_TRY(const auto made, at.factory->add_identity(ca_key, options.serial, use, request));
    CAM_TRY_STATUS(identity::check_further_certificate(*at.engine, made, (*key)->spki_der(),
                                                       at.factory->root(), at.clock.now()));
    CAM_TRY_STATUS(identity::install_further_certificate(layout.identity_folder(), made));
    outcome.installed.push_back(
        {use, made.certificate, layout.identity_folder() / identity::chain_file(use)});
  }
  return ok();
}

Status print(const Provision& options, const Outcome& outcome) {
  if (options.json) {
    auto certificates = nlohmann::json::array();
    for (const auto& each : outcome.installed)
      certificates.push_back({{"use", each.use},
                              {"key_type", crypto::to_string(each.certificate.key->alg())},
                              {"number", each.certificate.serial},
                              {"sha256", each.certificate.sha256},
                              {"file", each.file.string()}});
    auto not_made = nlohmann::json::array();
    for (const auto& each : outcome.not_made) not_made.push_back({{"use", each.use}, {"why", each.why}});
    const nlohmann::json out{
        {"serial", options.serial}, {"certificates", certificates}, {"not_made", not_made}};
    std::printf("%s\n", out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    return ok();
  }
  for (const auto& each : outcome.installed) {
    std::printf("  %-16s %s\n  %-16s %s\n", each.use.c_str(),
                report::printable(each.certificate.subject).c_str(),
                std::string(crypto::to_string(each.certificate.key->alg())).c_str(), each.file.c_str());
  }
  for (const auto& each : outcome.not_made)
    std::printf("  %-16s not made: %s\n", each.use.c_str(), report::printable(each.why).c_str());
  return ok();
}

Status provision(const Provision& options) {
  if (!identity::is_device_serial(options.serial)) {
    return fail(Errc::usage,
                "a serial number has 1 to 64 characters out of letters, digits, '.', ':' and '-'");
  }
  const key_source::RootLayout layout{options.camera_root};
  CAM_TRY(const auto type, keystore::key_type_from_string(options.key_type));
  CAM_TRY(const auto factory_store, connect_below(options.root, options.keystore));
  CAM_TRY(const auto camera, connect_below(options.camera_root, options.camera_keystore));
  CAM_TRY(const auto opened, open_factory_below(options.root));
  auto& factory = *opened->factory;
  CAM_TRY(const auto device_ca_key, issuing_key(*factory_store, factory));
  CAM_TRY(const auto log_key, log_key_of(*factory_store, factory));

  // At the camera: keys are made inside its keystore; only requests with the public halves come out.
  CAM_TRY(const auto identity_key, made_key(*camera, kIdentityKey, type, keystore::Purpose::device_identity));
  CAM_TRY(const auto media_key, made_key(*camera, kMediaSigningKey, type, keystore::Purpose::media_signing));
  CAM_TRY_STATUS(
      made_key(*camera, kAttestationKey, keystore::KeyType::ec_p256, keystore::Purpose::attestation));
  CAM_TRY(auto request, identity::make_provision_request(options.serial, *identity_key, *media_key));
  CAM_TRY(const auto media_name, keystore::KeyName::parse(kMediaSigningKey));
  CAM_TRY(const auto attester_name, keystore::KeyName::parse(kAttestationKey));
  CAM_TRY(request.attestation, camera->attest(media_name, attester_name, factory.challenge()));

  // At the factory.
  auto certificates = factory.provision(*device_ca_key, request);
  if (!certificates && certificates.error().code == Errc::exists) {
    // Delivered before and lost on the way? The camera's own check below tells whether they are for its keys.
    auto again = factory.issued(options.serial);
    if (again) certificates = std::move(again);
  }
  if (!certificates) return tl::unexpected(certificates.error());

  // At the camera again: it takes nothing that is not for its keys and does not lead to the root it was told.
  auto fits = identity::check_device_certificates(*opened->engine, *certificates, identity_key->spki_der(),
                                                  media_key->spki_der(), factory.root(), opened->clock.now());
  if (!fits)
    return fail(Errc::exists, "serial number " + options.serial +
                                  " was issued before, to other keys: " + fits.error().what);
  CAM_TRY_STATUS(identity::install_device_certificates(layout.identity_folder(), *certificates));
  CAM_TRY_STATUS(install_masa_anchors_of(*opened->engine, factory.folder(), options.camera_root));
  Outcome outcome;
  outcome.installed.push_back({"idevid", certificates->identity, layout.device_identity_chain()});
  CAM_TRY_STATUS(add_identities(options, *camera, *device_ca_key, *opened, outcome));
  CAM_TRY_STATUS(factory.checkpoint());
  outcome.installed.push_back({"media-signing", certificates->media_signing, layout.media_signing_chain()});
  return print(options, outcome);
}
}  // namespace

void add_factory_provision(CLI::App& factory, int& exit_code) {
  auto options = std::make_shared<Provision>();
  auto* command = add_factory_command(
      factory, "provision", "give one camera its identities", [options] { return provision(*options); },
      exit_code);
  add_root_option(*command, options->root);
  add_keystore_option(*command, options->keystore);
  add_camera_options(*command, options->camera_root, options->camera_keystore);
  command->add_option("--serial", options->serial, "serial number of the camera; used once, ever")
      ->type_name("SERIAL")
      ->required();
  add_key_type_option(*command, options->key_type,
                      "kind of the camera's first identity and media signing keys");
  command
      ->add_option("--identities", options->identities,
                   "further identities for networks that insist on an algorithm: all (default), none, "
                   "rsa-2048, rsa-4096")
      ->type_name("KIND")
      ->delimiter(',')
      ->check(CLI::IsMember({"all", "none", "rsa-2048", "rsa-4096"}));
  command->add_flag("--json", options->json, "for programs");
  command->footer(
      "The keys camera/idevid, camera/idevid-rsa-2048, camera/idevid-rsa-4096, camera/media-signing and\n"
      "camera/attestation are made inside the camera's keystored; only certificate requests and evidence "
      "leave\n"
      "it. The camera checks what comes back before it takes it. An identity that no module of the camera "
      "can\n"
      "make is named; RSA-4096 keys take seconds to make.\n\n"
      "Examples:\n  camvault factory provision --root /srv/factory --camera-root /srv/camera1 --serial "
      "EX-000042\n"
      "  camvault factory provision --root /srv/factory --camera-root /srv/camera1 --serial EX-000042 "
      "--identities none");
}

}  // namespace camvault::cli
