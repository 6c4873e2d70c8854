// camvault keystore attest, camvault attest verify: evidence of where a key lives, made on the device and
// judged anywhere else.
#include <cstdio>

#include "camvault/attestation/evidence_file.h"
#include "camvault/base/file.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/key_source/evidence.h"
#include "camvault/key_source/root_layout.h"
#include "camvault/keystore/registry.h"
#include "camvault/report/text.h"
#include "commands.h"
#include "exit_code.h"
#include "keystore_options.h"
#include "output_file.h"
#include "trust_options.h"

namespace camvault::cli {

namespace {
using attestation::Refusal;
using attestation::Standing;
using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxChainFile = 256 * 1024;

struct Making {
  KeystoreOptions keystore;
  std::string key;
  std::string nonce;
  std::filesystem::path out;
};

struct Verifying {
  std::filesystem::path file;
  std::vector<std::filesystem::path> trust;
  std::filesystem::path key;
  std::string nonce;
  bool made_inside = false;
  bool json = false;
};

Result<Bytes> nonce_from(const std::string& hex) {
  auto nonce = from_hex(hex);
  if (!nonce || nonce->size() < attestation::kMinNonce || nonce->size() > attestation::kMaxNonce)
    return fail(Errc::usage, "a nonce is 8 to 64 bytes, in hexadecimal digits");
  return nonce;
}

Status make(const Making& making) {
  CAM_TRY(const auto name, keystore::KeyName::parse(making.key));
  CAM_TRY(const auto nonce, nonce_from(making.nonce));
  CAM_TRY(const auto store, connect_keystore(making.keystore));
  const key_source::RootLayout layout{making.keystore.root};
  attestation::EvidenceFile file;
  CAM_TRY(file.spki, store->public_key(name));
  CAM_TRY(auto all, key_source::gather_evidence(*store, name, nonce, layout.attestation_chain()));
  for (auto& each : all) file.items.push_back({std::move(each.kind), std::move(each.evidence)});
  CAM_TRY(const auto bytes, attestation::encode_evidence_file(file));
  CAM_TRY_STATUS(write_output(making.out, bytes));
  for (const auto& item : file.items)
    std::printf(
        "  %s: %s\n", report::printable(item.kind).c_str(),
        item.kind == attestation::kKeystored ? "keystored's own statement" : "the module's own signature");
  return ok();
}

Json to_json(const attestation::EvidenceFile& file, const attestation::Finding& found,
             const std::string& fingerprint) {
  Json kinds = Json::array();
  for (const auto& item : file.items) kinds.push_back(item.kind);
  Json out{{"believed", found.standing == Standing::vouched},
           {"standing", std::string(to_string(found.standing))},
           {"refusal", std::string(to_string(found.refusal))},
           {"reason", found.reason},
           {"key_sha256", fingerprint},
           {"evidence", std::move(kinds)},
           {"word_of", found.hardware_word ? "module" : "keystored"},
           {"module", found.backend},
           {"simulator", found.simulator},
           {"origin", found.origin ? Json(std::string(to_string(*found.origin))) : Json(nullptr)}};
  if (found.statement) {
    const auto purpose = keystore::from_number<keystore::Purpose>(found.statement->purpose);
    out["keystored"] = {{"backend", found.statement->backend},
                        {"origin", std::string(to_string(found.statement->origin))},
                        {"purpose", purpose ? Json(std::string(to_string(*purpose))) : Json(nullptr)},
                        {"created", to_iso8601(found.statement->created)},
                        {"stated", to_iso8601(found.statement->stated)}};
  }
  return out;
}

// The certificate of the key in question, and which attester of keystored its issuer knows.
Status read_key(const crypto::Engine& engine, const Verifying& options,
                const std::vector<crypto::Certificate>& anchors, attestation::FileCheck& check) {
  CAM_TRY(const auto chain, certificates_from(engine, options.key));
  const auto& leaf = chain.front();
  if (!leaf.key)
    return fail(Errc::unsupported, options.key.string() + " has a key of a kind that is not known");
  check.spki = leaf.key->spki_der();
  crypto::PathRequest path;
  path.leaf = &leaf;
  path.intermediates = &chain;
  path.anchors = &anchors;
  path.at = check.at;
  const bool trusted = engine.validate_path(path).verdict == crypto::PathVerdict::trusted;
  constexpr std::size_t kSha256 = 32;
  if (!trusted || leaf.attester.size() != kSha256) return ok();
  check.attester.emplace();
  check.attester->size = kSha256;
  std::copy(leaf.attester.begin(), leaf.attester.end(), check.attester->bytes.begin());
  return ok();
}

Result<bool> judge(const Verifying& options) {
  const auto engine = crypto_openssl::make_openssl_engine();
  CAM_TRY(const auto bytes, read_file(options.file, attestation::kMaxEvidenceFile));
  auto file = attestation::decode_evidence_file(bytes);
  if (!file) return fail_in(options.file.string(), file.error());
  std::vector<crypto::Certificate> anchors;
  for (const auto& path : options.trust) {
    CAM_TRY(const auto found, certificates_from(*engine, path));
    anchors.insert(anchors.end(), found.begin(), found.end());
  }
  attestation::FileCheck check;
  CAM_TRY(check.nonce, nonce_from(options.nonce));
  check.anchors = &anchors;
  check.at = SystemClock().now();
  check.must_be_made_inside = options.made_inside;
  if (!options.key.empty()) CAM_TRY_STATUS(read_key(*engine, options, anchors, check));
  const auto found = attestation::check_file(*engine, *file, check);
  const auto fingerprint = to_hex(engine->digest(crypto::HashAlg::sha256, file->spki).view());
  const bool believed = found.standing == Standing::vouched;
  if (options.json) {
    std::printf(
        "%s\n",
        to_json(*file, found, fingerprint).dump(2, ' ', true, Json::error_handler_t::replace).c_str());
    return believed;
  }
  std::printf("%s\n  %s\n",
              believed ? "BELIEVED" : ("REFUSED: " + std::string(to_string(found.refusal))).c_str(),
              report::printable(found.reason, 2000).c_str());
  if (found.simulator) std::printf("  SIMULATOR: this module protects nothing.\n");
  if (believed && !found.hardware_word)
    std::printf("  The weaker kind: a program's word, as strong as the kernel that isolates it.\n");
  std::printf("  key SHA-256 %s\n", fingerprint.c_str());
  return believed;
}
}  // namespace

void add_keystore_attest(CLI::App& keystore, int& exit_code) {
  auto making = std::make_shared<Making>();
  auto* command = keystore.add_subcommand("attest", "evidence of where a key lives, for somebody who asks");
  add_keystore_options(*command, making->keystore);
  command->add_option("NAME", making->key, "the key: application/name")->required();
  command->add_option("--nonce", making->nonce, "what the asker chose: 8 to 64 bytes, hexadecimal")
      ->type_name("HEX")
      ->required();
  command->add_option("--out", making->out, "where the evidence goes")->type_name("FILE")->required();
  command->footer(
      "A TPM or an SE05x signs it itself; keystored adds its own statement if the application has a key\n"
      "APPLICATION/attestation. camvault attest verify judges it.\n\n"
      "Examples:\n  camvault keystore attest camera/media-signing --nonce 0123456789abcdef --out "
      "key.evidence");
  command->callback([making, &exit_code] { exit_code = finish_keystore(make(*making)); });
}

void add_attest(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("attest", "judge evidence of where a key lives");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n  camvault attest verify key.evidence --trust root-ca.pem --nonce 0123456789abcdef");
  auto options = std::make_shared<Verifying>();
  auto* verify = command->add_subcommand("verify", "does the key live in a module, and was it made there?");
  verify->add_option("FILE", options->file, "what camvault keystore attest wrote")->required();
  verify
      ->add_option(
          "--trust", options->trust,
          "who vouches for attestation keys: the factory's root CA, or a maker of modules (repeatable)")
      ->type_name("ROOTS.pem")
      ->allow_extra_args(false)
      ->required();
  verify->add_option("--nonce", options->nonce, "what you asked with")->type_name("HEX")->required();
  verify
      ->add_option("--key", options->key,
                   "certificate of the key that it should be about, with its chain (default: any key)")
      ->type_name("CERT.pem");
  verify->add_flag("--made-inside", options->made_inside, "refuse keys that were put in from outside");
  verify->add_flag("--json", options->json, "as JSON");
  verify->footer(
      "Exit codes: 0 believed, 1 refused (the reason has a name: another-key, replayed-nonce, "
      "imported-as-made,\n"
      "ak-without-ek-chain, attester-unknown, another-attester, can-leave, bad-signature, ...), 64 usage, 65 "
      "unreadable.\n\n"
      "Examples:\n"
      "  camvault attest verify key.evidence --trust root-ca.pem --nonce 0123456789abcdef\n"
      "  camvault attest verify key.evidence --trust root-ca.pem --nonce 0123456789abcdef --key chain.pem "
      "--json");
  verify->callback([options, &exit_code] {
    const auto believed = judge(*options);
    exit_code = !believed                  ? complain_about_input(believed.error())
                : std::fflush(stdout) != 0 ? complain(kCannotWrite, "standard output cannot be written")
                : *believed                ? kYes
                                           : kNo;
  });
}

}  // namespace camvault::cli
