// camvault report: keys that sign reports, and signed reports checked.
#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

#include "camvault/base/file.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/evidence/checksums.h"
#include "camvault/ipc/keystore_client.h"
#include "camvault/key_source/root_layout.h"
#include "camvault/report/text.h"
#include "commands.h"
#include "exit_code.h"
#include "output_file.h"
#include "report_signing.h"
#include "trust_options.h"

namespace camvault::cli {

namespace {

constexpr std::size_t kMaxReport = 256 << 20;
constexpr std::size_t kMaxSignature = 1 << 20;
constexpr auto kSelfSignedFor = std::chrono::hours(24 * 3650);

struct VerifyOptions {
  std::filesystem::path report;
  std::filesystem::path signature;
  std::filesystem::path clip;
  TrustSettings trust;
};

// The report names its clip by hash: a report of another clip proves nothing about this one.
Result<std::string> clip_hash_in(BytesView report) {
  const auto json = nlohmann::json::parse(as_text(report), nullptr, false);
  if (json.is_discarded() || !json.is_object() || json.value("schema", "") != "camvault-verification-report")
    return fail(Errc::malformed, "this is no verification report");
  const auto file = json.find("file");
  if (file == json.end() || !file->is_object()) return fail(Errc::malformed, "the report names no file");
  const auto sum = file->find("sha256");
  return sum != file->end() && sum->is_string() ? sum->get<std::string>() : std::string();
}

Result<int> verify(const VerifyOptions& o) {
  const auto engine = crypto_openssl::make_openssl_engine();
  CAM_TRY(const auto report, read_file(o.report, kMaxReport));
  auto beside = o.report;
  beside += ".p7s";
  const auto where = o.signature.empty() ? beside : o.signature;
  auto signature = read_file(where, kMaxSignature);
  if (!signature) return fail(Errc::not_found, "no signature: " + signature.error().what);
  const auto found = crypto_openssl::verify_detached(*engine, *signature, report);
  if (!found && found.error().code != Errc::invalid) return fail_in(where.string(), found.error());
  if (!found) {
    std::printf("NOT as it was signed: %s\n", found.error().what.c_str());
    return kNo;
  }
  int code = kYes;
  const auto& signer = found->chain.front();
  std::printf("as it was signed by %s\n", report::printable(signer.subject).c_str());
  std::printf("  certificate  %s\n", signer.sha256.c_str());
  if (found->signing_time)
    std::printf("  signed       %s (the signer's clock)\n", to_iso8601(*found->signing_time).c_str());
  if (!o.trust.anchors.empty()) {
    CAM_TRY(const auto trust, load_trust(*engine, o.trust));
    std::vector<crypto::Certificate> anchors = trust.makers;
    anchors.insert(anchors.end(), trust.owners.begin(), trust.owners.end());
    const std::vector<crypto::Certificate> others(found->chain.begin() + 1, found->chain.end());
    crypto::PathRequest request;
    request.leaf = &signer;
    request.intermediates = &others;
    request.anchors = &anchors;
    request.at = found->signing_time.value_or(SystemClock().now());
    const auto path = engine->validate_path(request);
    const bool trusted = path.verdict == crypto::PathVerdict::trusted;
    std::printf("  signer       %s\n", trusted ? "leads to a certificate authority you trust"
                                               : ("NOT trusted: " + report::printable(path.reason)).c_str());
    if (!trusted) code = kNo;
  } else {
    std::printf("  signer       not known: no --trust was given\n");
  }
  if (!o.clip.empty()) {
    CAM_TRY(const auto named, clip_hash_in(report));
    CAM_TRY(const auto hash, evidence::sha256_of_file(*engine, o.clip));
    const bool same = named == hash;
    std::printf("  clip         %s\n", same ? "is the one that the report speaks about"
                                            : "is NOT the one that the report speaks about");
    if (!same) code = kNo;
  }
  return code;
}

struct KeyOptions {
  std::filesystem::path root = "/";
  std::string key = "examiner/report-signing";
  std::string name = "Examiner";
  std::string organization;
  std::string type = "ec-p256";
  std::filesystem::path request;
  std::filesystem::path self_signed;
};

Result<int> make_key(const KeyOptions& o) {
  if (o.request.empty() && o.self_signed.empty())
    return fail(Errc::usage, "name a file: --request OUT.csr or --self-signed OUT.pem");
  CAM_TRY(const auto name, keystore::KeyName::parse(o.key));
  CAM_TRY(const auto type, keystore::key_type_from_string(o.type));
  CAM_TRY(const auto store, ipc::connect_keystore(key_source::RootLayout{o.root}.keystore_socket()));
  CAM_TRY_STATUS(
      store->generate(name, type, keystore::default_policy(type, keystore::Purpose::report_signing)));
  CAM_TRY(const auto key, store->signing_key({name, keystore::Purpose::report_signing}));
  crypto_openssl::SubjectName subject;
  subject.common_name = o.name;
  subject.organization = o.organization;
  if (!o.request.empty()) {
    CAM_TRY(const auto request, crypto_openssl::make_certificate_request(*key, subject));
    CAM_TRY_STATUS(write_output(o.request, as_bytes(crypto_openssl::certificate_request_pem(request))));
    std::printf("%s: have it signed, then give the certificate as --report-chain\n",
                report::printable(o.request.string()).c_str());
  }
  if (!o.self_signed.empty()) {
    const auto engine = crypto_openssl::make_openssl_engine();
    crypto_openssl::CertificateProfile profile;
    profile.key_usage =
        crypto_openssl::KeyUsage::digital_signature | crypto_openssl::KeyUsage::non_repudiation;
    profile.not_before = SystemClock().now() - std::chrono::minutes(5);
    profile.not_after = profile.not_before + kSelfSignedFor;
    Bytes serial(crypto_openssl::kSerialSize);
    engine->random(serial);
    serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7f) | 0x40);
    CAM_TRY(const auto certificate, crypto_openssl::issue_self_signed(*key, subject, profile, serial));
    CAM_TRY_STATUS(write_output(o.self_signed, as_bytes(crypto_openssl::certificate_pem(certificate))));
    std::printf("%s: certificate of %s, SHA-256 %s\n", report::printable(o.self_signed.string()).c_str(),
                o.key.c_str(), certificate.sha256.c_str());
  }
  return kYes;
}

}  // namespace

void add_report(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("report", "signed reports, and the keys that sign them");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n  camvault report verify report.json --trust examiner-ca.pem --clip clip.mp4\n"
      "  camvault report key --self-signed examiner.pem");
  auto* check = command->add_subcommand("verify", "tell whether a report is as it was signed, and by whom");
  auto v = std::make_shared<VerifyOptions>();
  check->add_option("REPORT", v->report, "the report: report.json or report.html")->required();
  check->add_option("--signature", v->signature, "its signature (default REPORT.p7s)")->type_name("FILE");
  check->add_option("--clip", v->clip, "the clip that a JSON report must speak about")->type_name("CLIP");
  check->add_option("--trust", v->trust.anchors, "certificate authority you trust, PEM or DER (repeatable)")
      ->type_name("CA.pem")
      ->allow_extra_args(false);
  check->footer(
      "Exit codes: 0 as it was signed (and, when asked, by a trusted signer and about that clip); 1 no; 65 "
      "unreadable.\n\n"
      "Examples:\n  camvault report verify report.json --trust examiner-ca.pem --clip clip.mp4\n\n"
      "Without camvault: openssl cms -verify -binary -inform DER -in report.json.p7s -content report.json "
      "-CAfile CA.pem -purpose any");
  check->callback([v, &exit_code] {
    v->trust.no_store = true;
    const auto done = verify(*v);
    exit_code = done ? *done : complain_about_input(done.error());
  });
  auto* key =
      command->add_subcommand("key", "make a key in the keystore that signs reports and nothing else");
  auto k = std::make_shared<KeyOptions>();
  key->add_option("--root", k->root, "folder with the keystore's socket (default /)")->type_name("DIR");
  key->add_option("--key", k->key, "its name (default examiner/report-signing)")
      ->type_name("APPLICATION/NAME");
  key->add_option("--type", k->type, "ec-p256, ec-p384, ec-p521, rsa-3072, ... (default ec-p256)")
      ->type_name("TYPE");
  key->add_option("--name", k->name, "whose it is, for the certificate (default Examiner)")
      ->type_name("NAME");
  key->add_option("--organization", k->organization, "for the certificate")->type_name("NAME");
  key->add_option("--request", k->request, "write a certificate request (PKCS#10)")->type_name("OUT.csr");
  key->add_option("--self-signed", k->self_signed, "write a certificate that it signs itself")
      ->type_name("OUT.pem");
  key->footer(
      "Examples:\n  camvault report key --request examiner.csr --name \"J. Doe\" --organization \"Court\"");
  key->callback([k, &exit_code] {
    const auto done = make_key(*k);
    exit_code = done ? *done : complain_about(done.error());
  });
}

}  // namespace camvault::cli
