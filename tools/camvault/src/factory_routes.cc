// camvault factory request, install, certify and deliver: the roads on which camera and authority do not
// meet: requests in files, somebody else's CA, cameras that a distributor passes on.
#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "camvault/base/file.h"
#include "camvault/base/pem.h"
#include "camvault/crypto_openssl/detached_signature.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/identity/delivery.h"
#include "camvault/report/text.h"
#include "commands.h"
#include "exit_code.h"
#include "factory_station.h"
#include "masa_anchors.h"
#include "output_file.h"
#include "trust_options.h"

namespace camvault::cli {

namespace {
constexpr std::size_t kMaxFile = 4 * 1024 * 1024;
constexpr std::size_t kMaxList = 128 * 1024 * 1024;

struct Route {
  std::filesystem::path root = "/";
  std::filesystem::path keystore;
  std::filesystem::path camera_root;
  std::filesystem::path camera_keystore;
  std::string serial;
  std::string order;
  std::string profile;
  std::string to;
  bool all_identities = false;
  std::filesystem::path out;
  std::filesystem::path request;
  std::filesystem::path list;
  std::filesystem::path signature;
  std::vector<std::filesystem::path> certificates;
  std::vector<std::filesystem::path> trust;
  std::filesystem::path masa;
};

struct CameraKey {
  std::string use;
  keystore::KeyType type;
  keystore::Purpose purpose;
  std::string name() const { return "camera/" + use; }
};

std::vector<CameraKey> camera_keys(bool all) {
  std::vector<CameraKey> out{{"idevid", keystore::KeyType::ec_p256, keystore::Purpose::device_identity},
                             {"media-signing", keystore::KeyType::ec_p256, keystore::Purpose::media_signing}};
  for (const auto& kind : identity::kFurtherIdentities) {
    if (all)
      out.push_back(
          {std::string(kind.use), keystore::key_type_of(kind.alg), keystore::Purpose::device_identity});
  }
  return out;
}

// At the camera. Public halves and the proof of having the private ones is all that is written.
Status request(const Route& options) {
  CAM_TRY(const auto camera, connect_below(options.camera_root, options.camera_keystore));
  std::string text;
  for (const auto& each : camera_keys(options.all_identities)) {
    auto key = made_key(*camera, each.name(), each.type, each.purpose);
    if (!key && key.error().code == Errc::unsupported) {
      std::fprintf(stderr, "camvault: %s is left out: %s\n", each.use.c_str(),
                   report::printable(key.error().what).c_str());
      continue;
    }
    if (!key) return tl::unexpected(key.error());
    CAM_TRY(const auto der, identity::make_certificate_request_for(options.serial, **key, each.use));
    text += crypto_openssl::certificate_request_pem(der);
  }
  if (!options.order.empty()) {
    const auto engine = crypto_openssl::make_openssl_engine();
    CAM_TRY_STATUS(
        made_key(*camera, "camera/attestation", keystore::KeyType::ec_p256, keystore::Purpose::attestation));
    CAM_TRY(const auto media, keystore::KeyName::parse("camera/media-signing"));
    CAM_TRY(const auto attester, keystore::KeyName::parse("camera/attestation"));
    CAM_TRY(
        const auto evidence,
        camera->attest(media, attester, identity::offline_challenge(*engine, options.order, options.serial)));
    text += write_pem("CAMVAULT ATTESTATION", evidence);
  }
  CAM_TRY_STATUS(write_output(options.out, as_bytes(text)));
  std::printf("  %s\n", options.out.c_str());
  return ok();
}

// At the camera. What an authority sent back, whoever it is: taken only if it is for this camera's keys and
// leads to the root that the camera was told.
Status install(const Route& options) {
  const key_source::RootLayout layout{options.camera_root};
  const auto engine = crypto_openssl::make_openssl_engine();
  const SystemClock clock;
  CAM_TRY(const auto camera, connect_below(options.camera_root, options.camera_keystore));
  std::vector<crypto::Certificate> given;
  for (const auto& path : options.certificates) {
    CAM_TRY(const auto found, certificates_from(*engine, path));
    given.insert(given.end(), found.begin(), found.end());
  }
  std::vector<crypto::Certificate> anchors;
  for (const auto& path : options.trust) {
    CAM_TRY(const auto found, certificates_from(*engine, path));
    anchors.insert(anchors.end(), found.begin(), found.end());
  }
  std::size_t count = 0;
  for (const auto& each : camera_keys(true)) {
    CAM_TRY(const auto name, keystore::KeyName::parse(each.name()));
    const auto key = camera->public_key(name);
    if (!key && key.error().code == Errc::not_found) continue;
    if (!key) return tl::unexpected(key.error());
    CAM_TRY(const auto found,
            identity::pick_certificate(*engine, given, anchors, options.serial, each.use, *key, clock.now()));
    if (!found) continue;
    CAM_TRY_STATUS(identity::install_further_certificate(layout.identity_folder(), *found));
    std::printf("  %-16s %s\n  %-16s %s\n", each.use.c_str(),
                report::printable(found->certificate.subject).c_str(), "",
                (layout.identity_folder() / identity::chain_file(each.use)).c_str());
    ++count;
  }
  if (count == 0) return fail(Errc::invalid, "none of the certificates is for a key of this camera");
  if (options.masa.empty()) return ok();
  return install_masa_anchors(*engine, options.masa, options.camera_root);
}

Status certify(const Route& options) {
  CAM_TRY(const auto store, connect_below(options.root, options.keystore));
  CAM_TRY(const auto opened, open_factory_below(options.root));
  auto& factory = *opened->factory;
  CAM_TRY(const auto authority, factory.authority_for(options.profile));
  CAM_TRY(const auto key, existing_key(*store, "factory/" + authority, keystore::Purpose::ca_signing));
  CAM_TRY(const auto log_key, log_key_of(*store, factory));
  CAM_TRY(const auto file, read_file(options.request, kMaxFile));
  CAM_TRY(const auto made, factory.certify(*key, options.serial, options.profile, file));
  CAM_TRY_STATUS(factory.checkpoint());
  CAM_TRY_STATUS(write_output(options.out, as_bytes(made.chain_pem)));
  std::printf("  %s\n  %s\n", report::printable(made.certificate.subject).c_str(), options.out.c_str());
  return ok();
}

Result<std::vector<std::string>> serials_in(const std::filesystem::path& path) {
  CAM_TRY(const auto content, read_file(path, kMaxList));
  std::vector<std::string> out;
  auto rest = as_text(content);
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    if (end > 0) out.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

Status deliver(const Route& options) {
  CAM_TRY(const auto store, connect_below(options.root, options.keystore));
  CAM_TRY(const auto opened, open_factory_below(options.root));
  auto& factory = *opened->factory;
  CAM_TRY(const auto log_key, log_key_of(*store, factory));
  if (log_key == nullptr)
    return fail(Errc::not_found, "this factory has no key that signs (camvault factory logkey)");
  CAM_TRY(const auto serials,
          options.order.empty() ? serials_in(options.list) : factory.serials_of_order(options.order));
  CAM_TRY(const auto list, factory.deliver(*log_key, options.to, serials));
  auto signature_file = options.out;
  signature_file += ".p7s";
  CAM_TRY_STATUS(write_output(options.out, as_bytes(list.text)));
  CAM_TRY_STATUS(write_output(signature_file, list.signature));
  CAM_TRY_STATUS(factory.checkpoint());
  std::printf("  %zu cameras for %s\n  %s\n  %s\n", serials.size(), report::printable(options.to).c_str(),
              options.out.c_str(), signature_file.c_str());
  return ok();
}

Result<int> check_delivery(const Route& options) {
  const auto engine = crypto_openssl::make_openssl_engine();
  std::vector<crypto::Certificate> anchors;
  for (const auto& path : options.trust) {
    CAM_TRY(const auto found, certificates_from(*engine, path));
    anchors.insert(anchors.end(), found.begin(), found.end());
  }
  auto signature_file = options.signature;
  if (signature_file.empty()) signature_file = options.list.string() + ".p7s";
  CAM_TRY(const auto text, read_file(options.list, kMaxList));
  CAM_TRY(const auto signature, read_file(signature_file, kMaxFile));
  const auto found = identity::check_delivery_list(*engine, as_text(text), signature, anchors);
  if (!found && found.error().code == Errc::invalid) return complain(kNo, found.error().what);
  if (!found) return tl::unexpected(found.error());
  std::printf("%s: %zu cameras delivered to %s on %s\n", report::printable(found->maker).c_str(),
              found->cameras.size(), report::printable(found->to).c_str(), to_iso8601(found->at).c_str());
  if (options.serial.empty()) return kYes;
  const bool listed = std::any_of(found->cameras.begin(), found->cameras.end(),
                                  [&](const auto& each) { return each.first == options.serial; });
  std::printf("%s is%s among them\n", report::printable(options.serial).c_str(), listed ? "" : " not");
  return listed ? kYes : kNo;
}

void add_camera(CLI::App& command, Route& options) {
  add_camera_options(command, options.camera_root, options.camera_keystore);
  command.add_option("--serial", options.serial, "serial number of the camera")
      ->type_name("SERIAL")
      ->required();
}

void add_request_and_install(CLI::App& factory, int& exit_code) {
  auto options = std::make_shared<Route>();
  auto* command = add_factory_command(
      factory, "request", "write a camera's certificate requests (PKCS#10) into a file",
      [options] { return request(*options); }, exit_code);
  add_camera(*command, *options);
  command->add_option("--out", options->out, "file, PEM")->type_name("FILE")->required();
  command
      ->add_option("--order", options->order,
                   "the order it is for: adds the keystore's evidence for factory batch")
      ->type_name("NAME");
  command->add_flag("--all-identities", options->all_identities, "RSA-2048 and RSA-4096, too");
  command->footer(
      "The keys are made inside the camera's keystored. The file is for camvault factory batch, or for any "
      "CA.\n\n"
      "Examples:\n  camvault factory request --camera-root /srv/camera1 --serial EX-000042 --out "
      "EX-000042.pem");

  options = std::make_shared<Route>();
  command = add_factory_command(
      factory, "install", "take an authority's certificates into a camera",
      [options] { return install(*options); }, exit_code);
  add_camera(*command, *options);
  command
      ->add_option("--certificates", options->certificates,
                   "certificates, PEM, with those between them and the root")
      ->type_name("FILE")
      ->required();
  command->add_option("--trust", options->trust, "the root that they must lead to")
      ->type_name("ROOT.pem")
      ->required();
  command
      ->add_option("--masa", options->masa, "who signs vouchers of the camera's maker, for zero touch (PEM)")
      ->type_name("FILE");
  command->footer(
      "Only certificates for this camera's keys and serial number are taken.\n\n"
      "Examples:\n  camvault factory install --camera-root /srv/camera1 --serial EX-000042 --certificates "
      "EX-000042.crt "
      "--certificates issuing-ca.pem --trust root.pem");
}

void add_deliveries(CLI::App& factory, int& exit_code) {
  auto options = std::make_shared<Route>();
  auto* command = add_factory_command(
      factory, "deliver", "a signed list of the cameras that go to a distributor or owner",
      [options] { return deliver(*options); }, exit_code);
  add_root_option(*command, options->root);
  add_keystore_option(*command, options->keystore);
  command->add_option("--to", options->to, "who gets them")->type_name("NAME")->required();
  auto* by_file = command->add_option("--serials", options->list, "file with a serial number in each line")
                      ->type_name("FILE");
  auto* by_order =
      command->add_option("--order", options->order, "all cameras of an order")->type_name("NAME");
  by_file->excludes(by_order);
  command->add_option("--out", options->out, "file for the list; its signature goes to FILE.p7s")
      ->type_name("FILE")
      ->required();
  command->footer(
      "Each camera is delivered once. Whoever has the root's certificate checks the list: camvault factory "
      "delivery, or\n"
      "openssl cms -verify -binary -inform DER -in FILE.p7s -content FILE -CAfile root-ca.pem -purpose "
      "any.\n\n"
      "Examples:\n  camvault factory deliver --root /srv/factory --to 'North Distribution' --order "
      "PO-2026-0042 --out "
      "delivery.json");

  options = std::make_shared<Route>();
  command = add_factory_answer(
      factory, "delivery", "check a delivery list", [options] { return check_delivery(*options); },
      exit_code);
  command->add_option("file", options->list, "the list")->type_name("FILE")->required();
  command->add_option("--signature", options->signature, "its signature (default FILE.p7s)")
      ->type_name("FILE");
  command->add_option("--trust", options->trust, "the maker's root")->type_name("ROOT.pem")->required();
  command->add_option("--serial", options->serial, "is this camera among them?")->type_name("SERIAL");
  command->footer(
      "Exit code 1: the list is not the maker's, or the camera is not in it.\n\n"
      "Examples:\n  camvault factory delivery delivery.json --trust root-ca.pem --serial EX-000042");
}
}  // namespace

void add_factory_routes(CLI::App& factory, int& exit_code) {
  add_request_and_install(factory, exit_code);
  auto options = std::make_shared<Route>();
  auto* command = add_factory_command(
      factory, "certify", "one more certificate for a camera, by a profile",
      [options] { return certify(*options); }, exit_code);
  add_root_option(*command, options->root);
  add_keystore_option(*command, options->keystore);
  command->add_option("--serial", options->serial, "serial number of the camera, which is provisioned")
      ->type_name("SERIAL")
      ->required();
  command
      ->add_option("--profile", options->profile,
                   "c2pa, tls, matter-dac, ldevid, or one of the factory's own")
      ->type_name("PROFILE")
      ->required();
  command->add_option("--request", options->request, "certificate request, PEM or DER")
      ->type_name("FILE")
      ->required();
  command->add_option("--out", options->out, "file for the certificate and those above it")
      ->type_name("FILE")
      ->required();
  command->footer(
      "Profiles are in profiles/ in the factory's folder (docs/factory.md). matter-dac needs an authority: "
      "camvault\n"
      "factory authority --profile matter-pai.\n\n"
      "Examples:\n  camvault factory certify --root /srv/factory --serial EX-000042 --profile c2pa --request "
      "c2pa.csr --out "
      "c2pa-chain.pem");
  add_deliveries(factory, exit_code);
}

}  // namespace camvault::cli
