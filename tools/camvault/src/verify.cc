// camvault verify: is this clip what the camera signed, and which camera was that?
#include <cstdio>
#include <memory>

#include "camvault/base/file.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/report/html.h"
#include "camvault/report/json.h"
#include "camvault/report/terminal.h"
#include "commands.h"
#include "exit_code.h"
#include "report_file.h"
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
  request.hash_file = request.hash_file || !options.html.empty();
  const auto result = verify_clip(*engine, request);
  if (!result) return complain_about_input(result.error());

  if (!options.html.empty()) {
    if (const auto written = write_html_report(request.clip, *result, options.html); !written) {
      return complain(kCannotWrite, written.error().what);
    }
  }
  std::string text;
  if (options.json) {
    text = report::to_json(result->subject, result->report);
  } else if (options.quiet) {
    text = report::one_line(result->subject, result->report) + "\n";
  } else {
    text = report::to_terminal(result->subject, result->report, output_style());
    if (!options.html.empty()) text += "  report     " + options.html + "\n";
  }
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0)
    return complain(kCannotWrite, "the report could not be written to standard output");
  return exit_code_of(*result);
}
}  // namespace

void add_verify(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("verify", "tell whether a clip is what the camera signed");
  auto options = std::make_shared<Options>();
  auto& request = options->request;
  auto* file = command->add_option(
      "FILE", request.clip,
      "the clip: MP4, fragmented MP4, Matroska, MPEG-TS, a raw H.264 or H.265 stream, AV1 as OBUs or IVF");
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
