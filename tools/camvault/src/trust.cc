// camvault trust: the certificates that this user trusts, by what they are trusted for.
#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/report/text.h"
#include "camvault/trust_store/trust_store.h"
#include "commands.h"
#include "exit_code.h"
#include "trust_options.h"

namespace camvault::cli {

namespace {
using Json = nlohmann::ordered_json;
using trust_store::Anchor;
using trust_store::Kind;

struct Options {
  std::filesystem::path store;
  std::filesystem::path file;
  std::string kind;
  std::string label;
  std::string fingerprint;
  bool json = false;
};

Result<trust_store::TrustStore> open_store(const Options& options, const crypto::Engine& engine) {
  auto folder = options.store.empty() ? default_trust_store() : options.store;
  if (folder.empty())
    return fail(Errc::usage,
                "no place for a trust store is known: HOME is not set; name one with --trust-store");
  return trust_store::TrustStore(std::move(folder), engine);
}

Json json_of(const Anchor& anchor) {
  const auto& c = anchor.certificate;
  return Json{{"kind", std::string(to_string(anchor.kind))},
              {"label", anchor.label.empty() ? Json(nullptr) : Json(anchor.label)},
              {"subject", c.subject},
              {"not_before", to_iso8601(c.not_before)},
              {"not_after", to_iso8601(c.not_after)},
              {"added", to_iso8601(anchor.added)},
              {"fingerprint_sha256", c.sha256}};
}

void print_json(const Json& json) {
  std::fputs((json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n").c_str(), stdout);
}

void print_line(const Anchor& anchor) {
  const auto& c = anchor.certificate;
  const auto name = anchor.label.empty() ? c.subject : anchor.label + " (" + c.subject + ")";
  std::printf("  %-6s %s  %s\n", std::string(to_string(anchor.kind)).c_str(), c.sha256.substr(0, 16).c_str(),
              report::printable(name).c_str());
}

Status add(const Options& options) {
  const auto engine = crypto_openssl::make_openssl_engine();
  CAM_TRY(const auto kind, trust_store::kind_from_string(options.kind));
  CAM_TRY(auto store, open_store(options, *engine));
  CAM_TRY(const auto certificates, certificates_from(*engine, options.file));
  const SystemClock clock;
  Json out = Json::array();
  for (const auto& certificate : certificates) {
    const Anchor anchor{kind, options.label, clock.now(), certificate};
    CAM_TRY_STATUS(store.add(anchor, crypto_openssl::certificate_pem(certificate)));
    if (options.json) {
      out.push_back(json_of(anchor));
      continue;
    }
    print_line(anchor);
    if (!certificate.is_ca) {
      std::printf(
          "         note: no certificate authority; it is trusted by itself and vouches for nothing else\n");
    }
  }
  if (options.json) {
    print_json(out);
  } else {
    std::printf("trusted from now on, in %s\n", report::printable(store.folder().string()).c_str());
  }
  return ok();
}

Status list(const Options& options) {
  const auto engine = crypto_openssl::make_openssl_engine();
  CAM_TRY(auto store, open_store(options, *engine));
  trust_store::Content content;
  if (store.exists()) {
    CAM_TRY(content, store.load());
  }
  if (options.json) {
    Json anchors = Json::array();
    Json damaged = Json::array();
    for (const auto& anchor : content.anchors) anchors.push_back(json_of(anchor));
    for (const auto& d : content.damaged) damaged.push_back({{"file", d.file.string()}, {"why", d.why}});
    print_json({{"folder", store.folder().string()},
                {"exists", store.exists()},
                {"anchors", anchors},
                {"damaged", damaged}});
    return ok();
  }
  const auto folder = report::printable(store.folder().string());
  if (!store.exists()) {
    std::printf("there is no trust store at %s (camvault trust add makes it)\n", folder.c_str());
    return ok();
  }
  std::printf("%s\n", folder.c_str());
  for (const auto& anchor : content.anchors) print_line(anchor);
  if (content.anchors.empty()) std::printf("  nobody is trusted\n");
  for (const auto& d : content.damaged)
    std::printf("  NOT TRUSTED %s: %s\n", report::printable(d.file.string()).c_str(),
                report::printable(d.why).c_str());
  return ok();
}

Status remove(const Options& options) {
  const auto engine = crypto_openssl::make_openssl_engine();
  std::optional<Kind> kind;
  if (!options.kind.empty()) {
    CAM_TRY(kind, trust_store::kind_from_string(options.kind));
  }
  CAM_TRY(auto store, open_store(options, *engine));
  CAM_TRY(const auto removed, store.remove(options.fingerprint, kind));
  Json out = Json::array();
  for (const auto& anchor : removed) {
    if (options.json) {
      out.push_back(json_of(anchor));
    } else {
      print_line(anchor);
    }
  }
  if (options.json) {
    print_json(out);
  } else {
    std::printf("not trusted any more\n");
  }
  return ok();
}

CLI::App* add_command(CLI::App& parent, const std::shared_ptr<Options>& options, const std::string& name,
                      const std::string& description, Status (*run)(const Options&), int& exit_code) {
  auto* command = parent.add_subcommand(name, description);
  command
      ->add_option(
          "--trust-store", options->store,
          "folder of the trust store (default: $CAMVAULT_TRUST, else camvault/trust in $XDG_CONFIG_HOME or "
          "~/.config)")
      ->type_name("DIR");
  command->add_flag("--json", options->json, "as JSON");
  command->callback([options, run, &exit_code] {
    const auto done = run(*options);
    exit_code =
        done ? (std::fflush(stdout) == 0 ? kYes : complain(kCannotWrite, "standard output cannot be written"))
             : complain_about(done.error());
  });
  return command;
}

CLI::Option* add_kind(CLI::App& command, Options& options, const std::string& what) {
  return command.add_option("--kind", options.kind, what)
      ->type_name("KIND")
      ->check(CLI::IsMember({"maker", "owner", "tsa"}));
}
}  // namespace

void add_trust(CLI::App& app, int& exit_code) {
  auto* command =
      app.add_subcommand("trust", "the certificates you trust: makers, owners, time stamp authorities");
  command->require_subcommand(1);
  command->footer(
      "camvault verify uses these certificates by itself. Each kind is trusted for one thing: makers say "
      "which\n"
      "camera it is, owners stand behind certificates they put into their cameras, time stamp authorities "
      "(tsa)\n"
      "say when something existed.\n\n"
      "Examples:\n"
      "  camvault trust add --kind maker root-ca.pem --label 'Example Cameras'\n"
      "  camvault trust list");

  auto options = std::make_shared<Options>();
  auto* add_it = add_command(*command, options, "add", "trust a certificate from now on", add, exit_code);
  add_it->add_option("FILE", options->file, "certificates, PEM or DER")->required();
  add_kind(*add_it, *options, "what it is trusted for: maker, owner or tsa")->required();
  add_it->add_option("--label", options->label, "a name that tells you what it is")->type_name("TEXT");
  add_it->footer(
      "Compare the fingerprint with what its owner tells you before you trust it.\n\n"
      "Examples:\n"
      "  camvault trust add --kind maker root-ca.pem --label 'Example Cameras'\n"
      "  camvault trust add --kind tsa tsa-root.pem --trust-store /srv/evidence/trust");

  options = std::make_shared<Options>();
  add_command(*command, options, "list", "whom you trust", list, exit_code)
      ->footer("Examples:\n  camvault trust list\n  camvault trust list --json");

  options = std::make_shared<Options>();
  auto* remove_it =
      add_command(*command, options, "remove", "trust a certificate no longer", remove, exit_code);
  remove_it
      ->add_option(
          "FINGERPRINT", options->fingerprint,
          "of the certificate: the first 8 or more digits of its SHA-256, as camvault trust list shows them")
      ->required();
  add_kind(*remove_it, *options, "only as this: maker, owner or tsa (default: as anything)");
  remove_it->footer(
      "Examples:\n  camvault trust remove 1f3a9c44\n  camvault trust remove 1f3a9c44 --kind tsa");
}

}  // namespace camvault::cli
