#include "trust_options.h"

#include <cstdlib>
#include <optional>

#include "camvault/base/file.h"
#include "camvault/trust_store/location.h"
#include "camvault/trust_store/trust_store.h"
#include "exit_code.h"

namespace camvault::cli {

namespace {
constexpr std::size_t kMaxCertificateFile = 1 << 20;  // a bundle of some hundred certificates
constexpr std::size_t kMaxCrlFile = 64 << 20;         // the largest public ones have some ten MB
constexpr std::size_t kMaxOcspFile = 1 << 20;

Status load_store(const crypto::Engine& engine, const TrustSettings& settings, TrustMaterial& out) {
  if (settings.no_store) return ok();
  const auto folder = settings.store.empty() ? default_trust_store() : settings.store;
  const trust_store::TrustStore store(folder, engine);
  if (!store.exists()) {
    if (settings.store.empty()) return ok();  // nobody asked for it
    return fail(Errc::not_found,
                "there is no trust store at " + folder.string() + " (camvault trust add makes it)");
  }
  CAM_TRY(const auto content, store.load());
  for (const auto& damaged : content.damaged)
    complain(kYes, "note: not trusted: " + damaged.file.string() + ": " + damaged.why);
  const auto take = [&](trust_store::Kind kind, std::vector<crypto::Certificate>& into) {
    for (auto& certificate : content.of(kind)) into.push_back(std::move(certificate));
  };
  take(trust_store::Kind::maker, out.makers);
  take(trust_store::Kind::owner, out.owners);
  out.store_anchors = out.makers.size() + out.owners.size();
  take(trust_store::Kind::tsa, out.tsas);
  out.store = folder;
  return ok();
}
}  // namespace

std::filesystem::path default_trust_store() {
  return trust_store::default_location([](const char* name) -> std::optional<std::string> {
    const char* value =
        std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread, and nothing sets it
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  });
}

Result<std::vector<crypto::Certificate>> certificates_from(const crypto::Engine& engine,
                                                           const std::filesystem::path& path) {
  auto content = read_file(path, kMaxCertificateFile);
  if (!content) return fail_in(path.string(), content.error());
  const auto text = as_text(*content);
  if (text.find("-----BEGIN") != std::string_view::npos) {
    auto found = engine.certificates_from_pem(text, 256);
    if (!found) return fail_in(path.string(), found.error());
    if (found->empty()) return fail(Errc::malformed, path.string() + " holds no certificate");
    return std::move(*found);
  }
  auto one = engine.certificate_from_der(*content);
  if (!one) return fail(Errc::malformed, path.string() + " is not a certificate in PEM or DER");
  return std::vector<crypto::Certificate>{std::move(*one)};
}

void add_trust_options(CLI::App& command, TrustSettings& settings) {
  command.add_option("--trust", settings.anchors, "certificate authority you trust, PEM or DER (repeatable)")
      ->type_name("CA.pem")
      ->allow_extra_args(false);
  auto* store =
      command
          .add_option(
              "--trust-store", settings.store,
              "trust what is in this trust store (default: yours, if you have one; camvault trust --help)")
          ->type_name("DIR");
  command.add_flag("--no-trust-store", settings.no_store, "trust nothing but what is named here")
      ->excludes(store);
  command
      .add_option("--tsa-trust", settings.tsa_anchors,
                  "time stamp authority you trust, PEM or DER (repeatable)")
      ->type_name("CA.pem")
      ->allow_extra_args(false);
  command.add_option("--crl", settings.crls, "revocation list, PEM or DER (repeatable)")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command.add_option("--ocsp", settings.ocsp, "OCSP response, DER (repeatable)")
      ->type_name("FILE")
      ->allow_extra_args(false);
  auto* online =
      command.add_flag("--online", settings.online,
                       "ask the OCSP responders that the certificates name; tells them what you look at");
  command.add_option("--ocsp-url", settings.ocsp_url, "ask this OCSP responder instead")
      ->type_name("URL")
      ->excludes(online);
}

Result<std::vector<crypto::RevocationList>> revocation_lists_from(
    const crypto::Engine& engine, const std::vector<std::filesystem::path>& files, std::size_t limit) {
  std::vector<crypto::RevocationList> out;
  for (const auto& file : files) {
    auto content = read_file(file, limit);
    if (!content) return fail_in(file.string(), content.error());
    auto list = engine.crl_from_pem_or_der(*content);
    if (!list) return fail_in(file.string(), list.error());
    out.push_back(std::move(*list));
  }
  return out;
}

Result<TrustMaterial> load_trust(const crypto::Engine& engine, const TrustSettings& settings) {
  TrustMaterial out;
  CAM_TRY_STATUS(load_store(engine, settings, out));
  for (const auto& path : settings.anchors) {
    CAM_TRY(const auto found, certificates_from(engine, path));
    out.makers.insert(out.makers.end(), found.begin(), found.end());
    out.owners.insert(out.owners.end(), found.begin(), found.end());
  }
  for (const auto& path : settings.tsa_anchors) {
    CAM_TRY(const auto found, certificates_from(engine, path));
    out.tsas.insert(out.tsas.end(), found.begin(), found.end());
  }
  CAM_TRY(out.crls, revocation_lists_from(engine, settings.crls, kMaxCrlFile));
  for (const auto& path : settings.ocsp) {
    auto content = read_file(path, kMaxOcspFile);
    if (!content) return fail_in(path.string(), content.error());
    auto response = engine.ocsp_from_der(*content);
    if (!response) return fail_in(path.string(), response.error());
    out.ocsp.push_back(std::move(*response));
  }
  out.ocsp.insert(out.ocsp.end(), settings.fetched.begin(), settings.fetched.end());
  return out;
}

}  // namespace camvault::cli
