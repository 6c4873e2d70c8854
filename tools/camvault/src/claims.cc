// camvault status --claims: what is protected by what on this machine, from what the keystore measures and
// nothing else.
#include <cstdio>
#include <map>

#include "camvault/report/text.h"
#include "commands.h"
#include "exit_code.h"
#include "keystore_options.h"

namespace camvault::cli {

namespace {
using Json = nlohmann::ordered_json;
using keystore::BackendStatus;
using keystore::KeyInfo;

// How much a claim is worth. Simulators are not called anything better.
struct Claim {
  std::string subject;
  std::string strength;  // "hardware", "simulator", "software", "kernel", "none"
  std::string sentence;
  std::string certified;  // of hardware: a certificate, or "uncertified"
};

struct Options {
  KeystoreOptions keystore;
  bool claims = false;
};

std::string strength_of(const BackendStatus& backend) {
  return backend.simulator ? "simulator" : backend.kind == "software" ? "software" : "hardware";
}

std::string count_of(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

Claim about_keys(const BackendStatus& backend, const std::vector<const KeyInfo*>& keys) {
  std::size_t imported = 0;
  for (const auto* key : keys) imported += key->origin == keystore::Origin::imported ? 1 : 0;
  Claim out{.subject = count_of(keys.size(), "key") + " in " + backend.name,
            .strength = strength_of(backend),
            .sentence = {},
            .certified = {}};
  if (backend.simulator) {
    out.sentence = "Held by a simulator of a module (" + backend.kind + "), which protects nothing.";
  } else if (backend.kind == "software") {
    out.sentence =
        "Protected by the kernel's isolation of keystored, and no better: who controls the kernel reads "
        "them.";
  } else {
    out.sentence = "Used inside " + (backend.module.empty() ? backend.kind : backend.module) +
                   "; it does not give them away. What the chip withstands is its maker's word.";
    out.certified = backend.certification.empty() ? "uncertified" : backend.certification;
  }
  if (imported > 0)
    out.sentence +=
        " " + count_of(imported, "key") + " came from outside: whoever had it before may have it still.";
  if (!backend.usable) out.sentence += " The module does not answer now: " + backend.health + ".";
  return out;
}

Claim about_counter(const KeyInfo& key, const BackendStatus* backend) {
  if (backend == nullptr || backend->kind == "software") {
    return {.subject = "counter " + key.name.text(),
            .strength = "none",
            .sentence = "A stand-in in software: who puts an old copy of the disk back sets it back.",
            .certified = {}};
  }
  return {.subject = "counter " + key.name.text(),
          .strength = strength_of(*backend),
          .sentence = backend->simulator ? "In a simulator, which protects nothing."
                                         : "In the module: nothing sets it back.",
          .certified = {}};
}

std::vector<Claim> claims_of(const keystore::ServiceStatus& status, const std::vector<KeyInfo>& keys) {
  std::vector<Claim> out;
  for (const auto& backend : status.backends) {
    std::vector<const KeyInfo*> here;
    for (const auto& key : keys) {
      if (key.backend == backend.name && key.type != keystore::KeyType::counter) here.push_back(&key);
    }
    if (!here.empty()) out.push_back(about_keys(backend, here));
  }
  for (const auto& key : keys) {
    if (key.type != keystore::KeyType::counter) continue;
    const BackendStatus* backend = nullptr;
    for (const auto& each : status.backends) backend = each.name == key.backend ? &each : backend;
    out.push_back(about_counter(key, backend));
  }
  out.push_back(
      {.subject = "key files on disk", .strength = "software", .sentence = status.root_key, .certified = {}});
  for (const auto& mechanism : status.mechanisms) {
    out.push_back({.subject = "keystored: " + mechanism.name,
                   .strength = mechanism.active ? "kernel" : "none",
                   .sentence = mechanism.detail,
                   .certified = {}});
  }
  for (const auto& name : status.damaged)
    out.push_back({.subject = "damaged key file", .strength = "none", .sentence = name, .certified = {}});
  return out;
}

constexpr const char* kNotClaimed[] = {
    "That silicon withstands tampering: only a module's certificate could say so, and none is taken on "
    "trust.",
    "That keys are safe from whoever controls the kernel of this machine, unless a module holds them.",
    "That an old copy of the disk is noticed, unless a counter of a module is used for it."};

void print(const std::vector<Claim>& claims) {
  for (const auto& claim : claims) {
    std::printf("%-10s %s\n           %s\n", claim.strength.c_str(), report::printable(claim.subject).c_str(),
                report::printable(claim.sentence, 2000).c_str());
    if (!claim.certified.empty())
      std::printf("           certified: %s\n", report::printable(claim.certified).c_str());
  }
  std::printf("\nNot claimed:\n");
  for (const auto* sentence : kNotClaimed) std::printf("  %s\n", sentence);
}

void print_json(const keystore::ServiceStatus& status, const std::vector<Claim>& claims) {
  Json list = Json::array();
  for (const auto& claim : claims) {
    Json one{{"subject", claim.subject}, {"strength", claim.strength}, {"sentence", claim.sentence}};
    if (!claim.certified.empty()) one["certified"] = claim.certified;
    list.push_back(std::move(one));
  }
  Json not_claimed = Json::array();
  for (const auto* sentence : kNotClaimed) not_claimed.push_back(sentence);
  const Json out{
      {"version", status.version}, {"claims", std::move(list)}, {"not_claimed", std::move(not_claimed)}};
  std::printf("%s\n", out.dump(2, ' ', true, Json::error_handler_t::replace).c_str());
}

Status run(const Options& options) {
  if (!options.claims)
    return fail(Errc::usage, "camvault status --claims; camvault keystore status has the details");
  CAM_TRY(const auto store, connect_keystore(options.keystore));
  CAM_TRY(const auto status, store->status());
  auto keys = store->list();
  // Who belongs to no application sees no keys, and still what protects them.
  if (!keys && keys.error().code != Errc::denied) return tl::unexpected(keys.error());
  const auto claims = claims_of(status, keys ? *keys : std::vector<KeyInfo>());
  if (options.keystore.json) {
    print_json(status, claims);
  } else {
    print(claims);
  }
  return ok();
}
}  // namespace

void add_status(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("status", "what is really protected by what on this machine");
  add_keystore_options(*command, options->keystore);
  command->add_flag("--claims", options->claims, "each claim, how strong it is, and what is not claimed");
  command->footer(
      "strength: hardware (a module), kernel, software, simulator (protects nothing), none.\n\n"
      "Examples:\n  camvault status --claims\n  camvault status --claims --root /srv/camera1 --json");
  command->callback([options, &exit_code] { exit_code = finish_keystore(run(*options)); });
}

}  // namespace camvault::cli
