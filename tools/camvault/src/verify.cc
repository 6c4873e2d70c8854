// camvault verify: is this clip what the camera signed, and which camera was that?
#include <cstdio>
#include <memory>

#include "bundle.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/report/html.h"
#include "camvault/report/json.h"
#include "camvault/report/terminal.h"
#include "camvault/report/text.h"
#include "clip_file.h"
#include "commands.h"
#include "exit_code.h"
#include "output_file.h"
#include "report_file.h"
#include "report_signing.h"
#include "seal.h"
#include "terminal.h"
#include "verification.h"
#include "verify_folder.h"
#include "verify_line.h"

namespace camvault::cli {

namespace {
struct Options {
  VerificationRequest request;
  bool json = false;
  bool json_line = false;
  bool quiet = false;
  std::string html;
  FolderRequest folder;
  std::string json_file;
  std::filesystem::path reference;
  ReportSigner signer;
};

// The unit of work of a batch engine: one line, whatever the clip is.
int run_line(const VerificationRequest& request) {
  const auto engine = crypto_openssl::make_openssl_engine();
  const auto file = request.clip.string();
  const auto result = verify_clip(*engine, request);
  int code = kUnreadableInput;
  std::string line;
  if (result) {
    code = exit_code_of(*result);
    line = result_line(file, code, report::to_json(result->subject, result->report));
  } else {
    if (result.error().code == Errc::usage) return complain_about_input(result.error());
    if (result.error().code == Errc::internal) code = kOurBug;
    line = failure_line(file, code, result.error().what);
  }
  if (std::fputs(line.c_str(), stdout) < 0 || std::fflush(stdout) != 0)
    return complain(kCannotWrite, "the result could not be written to standard output");
  return code;
}

// What a bundle and an export say beside the report of their clip.
std::optional<report::Packing> packing_of(const std::optional<Bundle>& bundle,
                                          const std::optional<SealCheck>& seal) {
  if (!bundle && !seal) return std::nullopt;
  report::Packing packing;
  if (bundle) {
    packing.bundle = true;
    packing.files = bundle->files;
    packing.problems = bundle->problems;
    packing.report_signed_by = bundle->report_signed_by;
  }
  if (seal) {
    packing.exported = true;
    packing.exported_at = seal->info.time;
    packing.seals = seal->seals;
    packing.broken = seal->broken;
    packing.sealed_by = seal->sealed_by;
  }
  return packing;
}

std::string packing_text(const report::Packing& packing) {
  std::string text;
  if (packing.bundle) {
    text += packing.problems.empty()
                ? "  bundle      " + std::to_string(packing.files) + " files, all as they were packed\n"
                : "  BUNDLE      NOT as it was packed:\n";
    for (const auto& problem : packing.problems) text += "              " + report::printable(problem) + "\n";
    if (!packing.report_signed_by.empty())
      text += "  report      signed by " + report::printable(packing.report_signed_by) + "\n";
  }
  if (packing.exported && packing.seals > 0) {
    text += packing.broken == 0
                ? "  export      sealed by " + report::printable(packing.sealed_by) + ", seal intact\n"
                : "  EXPORT      the seal is BROKEN: the file changed after it was exported\n";
  } else if (packing.exported) {
    text += "  export      of " + to_iso8601(packing.exported_at) + ", not sealed\n";
  }
  return text;
}

// The files that were asked for, signed if that was.
Status write_reports(const crypto::Engine& engine, const Options& options, const VerificationRequest& request,
                     const Verification& result) {
  std::vector<std::filesystem::path> written;
  if (!options.html.empty()) {
    CAM_TRY_STATUS(write_html_report(request.clip, result, options.html, options.reference));
    written.emplace_back(options.html);
  }
  if (!options.json_file.empty()) {
    CAM_TRY_STATUS(write_output(options.json_file, as_bytes(report::to_json(result.subject, result.report))));
    written.emplace_back(options.json_file);
  }
  if (!options.signer.wanted()) return ok();
  if (written.empty())
    return fail(Errc::usage, "--sign-report signs files: name one with --report-json or --report");
  CAM_TRY(const auto examiner, open_examiner(engine, options.signer));
  for (const auto& path : written) CAM_TRY_STATUS(sign_file(examiner, path));
  return ok();
}

int run(const Options& options) {
  if (!options.folder.folder.empty()) {
    auto request = options.folder;
    request.each = options.request;
    request.json = options.json;
    request.quiet = options.quiet;
    return verify_folder(request);
  }
  if (options.request.clip.empty())
    return complain(kUsage, "name a clip, or a folder with --recursive (camvault verify --help)");
  if (options.json_line) {
    auto request = options.request;
    request.progress = false;
    return run_line(request);
  }
  const auto engine = crypto_openssl::make_openssl_engine();
  auto request = options.request;
  request.hash_file = request.hash_file || !options.html.empty() || !options.json_file.empty();
  std::optional<Bundle> bundle;
  if (std::error_code error; !std::filesystem::is_directory(request.clip, error)) {
    if (const auto fit = check_input(request.clip); !fit) return complain_about_input(fit.error());
  }
  if (is_bundle(request.clip)) {
    auto opened = open_bundle(*engine, request.clip);
    if (!opened) return complain_about_input(opened.error());
    bundle = std::move(*opened);
    request.clip = bundle->clip;
  }
  auto result = verify_clip(*engine, request);
  if (!result) return complain_about_input(result.error());
  const auto seal = check_seal(*engine, request.clip);
  if (!seal) return complain_about_input(seal.error());
  const auto packing = packing_of(bundle, *seal);
  result->subject.packing = packing;
  if (const auto written = write_reports(*engine, options, request, *result); !written)
    return complain_about(written.error());
  const bool as_packed = !packing || packing->as_packed();
  std::string text;
  if (options.json) {
    text = report::to_json(result->subject, result->report);
  } else if (options.quiet) {
    text = report::one_line(result->subject, result->report) + "\n";
  } else {
    text = report::to_terminal(result->subject, result->report, output_style());
    if (packing) text += packing_text(*packing);
    if (!options.html.empty()) text += "  report      " + options.html + "\n";
  }
  if ((options.json || options.quiet) && !as_packed)
    complain(kNo, "the export was changed after it was packed (camvault verify says more)");
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0)
    return complain(kCannotWrite, "the report could not be written to standard output");
  return as_packed ? exit_code_of(*result) : kNo;
}
}  // namespace

void add_verify(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("verify", "tell whether a clip is what the camera signed");
  auto options = std::make_shared<Options>();
  auto& request = options->request;
  auto* file = command->add_option(
      "FILE", request.clip,
      "the clip: MP4, fragmented MP4, Matroska, MPEG-TS, a raw H.264 or H.265 stream, AV1 as OBUs or IVF; or "
      "a bundle of camvault export");
  add_trust_options(*command, request.trust);
  command->add_option("--signer", request.signer, "only the camera with this certificate counts")
      ->type_name("CERT.pem");
  command
      ->add_option("--expect-serial", request.expected_serial, "only a camera with this serial number counts")
      ->type_name("SERIAL");
  command
      ->add_option("--at", request.at,
                   "judge certificates at this time (UTC, 2026-11-21T10:00:00Z), not at the recording time")
      ->type_name("TIME");
  command
      ->add_option("--codec", request.codec,
                   "h264, h265 or av1, for raw streams whose codec cannot be guessed")
      ->type_name("CODEC")
      ->check(CLI::IsMember({"h264", "h265", "av1"}));
  command
      ->add_option(
          "--format", request.format,
          "units: the file holds units, each behind its length of four bytes, big endian (needs --codec)")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"units"}));
  command->add_flag("--json", options->json,
                    "write the report as JSON to standard output (docs/formats/report-json.md)");
  command->add_flag("-q,--quiet", options->quiet, "one line only")->excludes("--json");
  command->add_option("--report", options->html, "write a report for people, one HTML file that prints well")
      ->type_name("OUT.html");
  command->add_option("--report-json", options->json_file, "write the JSON report into a file")
      ->type_name("OUT.json");
  command
      ->add_option("--reference", options->reference,
                   "the recording as it was: --report shows altered pictures beside those of this file")
      ->type_name("FILE");
  add_report_signer(*command, options->signer);
  command->add_flag("--file-hash", request.hash_file,
                    "put the SHA-256 of the whole file into the report (always with --report)");
  command
      ->add_option("--jobs", request.jobs,
                   "threads for one clip, or clips at a time (default: as many as there are cores)")
      ->type_name("N")
      ->check(CLI::Range(1, 64));
  auto* line =
      command
          ->add_flag("--json-line", options->json_line,
                     "the result as one line of JSON, errors too: for batch engines (docs/verify.md)")
          ->excludes("--json")
          ->excludes("--quiet")
          ->excludes("--report");
  auto* folder = command
                     ->add_option("--recursive", options->folder.folder,
                                  "check every clip below this folder and write one summary")
                     ->type_name("DIR")
                     ->excludes(file)
                     ->excludes(line)
                     ->excludes("--report")
                     ->excludes("--file-hash");
  command->add_option("--summary", options->folder.summary, "write the summary of --recursive as JSON")
      ->type_name("OUT.json")
      ->needs(folder);
  command
      ->add_option("--html", options->folder.html,
                   "write the summary of --recursive for people, one HTML file that prints well")
      ->type_name("OUT.html")
      ->needs(folder);
  command
      ->add_option("--state", options->folder.state,
                   "remember results of --recursive in this file, and go on there if it exists")
      ->type_name("FILE")
      ->needs(folder);
  command->footer(
      "Exit codes: 0 authentic; 1 not authentic, not signed, or (with a trust store, --trust, --signer or\n"
      "--expect-serial) signed by somebody else; 2 authentic but frames are missing; 64 wrong usage; 65 "
      "unreadable\n"
      "input.\n\n"
      "Without a trust store, --trust or --signer the check says that the clip is unchanged, not whose it "
      "is.\n\n"
      "Examples:\n"
      "  camvault verify clip.mp4\n"
      "  camvault verify clip.mp4 --trust device-root-ca.pem --report report.html\n"
      "  camvault verify clip.mp4 --signer camera7.pem --json\n"
      "  camvault verify --recursive /archive --trust ca.pem --state archive.state --summary archive.json\n"
      "  camvault verify units.rec --format units --codec av1\n"
      "  camvault verify old.mp4 --trust ca.pem --crl ca.crl --at 2026-11-21T10:00:00Z");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace camvault::cli
