// camvault export: a piece of a recording with everything somebody needs to check it.
#include <cstdio>
#include <memory>

#include "bundle.h"
#include "camvault/base/file.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/evidence/checksums.h"
#include "camvault/evidence/method_statement.h"
#include "camvault/evidence/zip.h"
#include "camvault/report/json.h"
#include "camvault/report/text.h"
#include "clip_file.h"
#include "commands.h"
#include "cutter.h"
#include "exit_code.h"
#include "report_file.h"
#include "report_signing.h"
#include "seal.h"
#include "verification.h"

namespace camvault::cli {

namespace {

struct Options {
  VerificationRequest request;
  std::filesystem::path out;
  std::string from;
  std::string to;
  std::string operator_name;
  std::string camera_name;
  std::string camera_url;
  std::string camera_mac;
  bool eff = false;
  ReportSigner signer;
};

struct Work {
  const Options& options;
  const crypto::Engine& engine;
  Timestamp now;
  std::filesystem::path folder;  // where the bundle grows
  std::vector<std::string> names;
};

Status add_text(Work& work, const std::string& name, std::string_view text) {
  std::error_code error;
  std::filesystem::create_directories((work.folder / name).parent_path(), error);
  CAM_TRY_STATUS(write_file_atomically(work.folder / name, as_bytes(text)));
  work.names.push_back(name);
  return ok();
}

evidence::ExportInfo export_info(const Work& work, const signed_video::Report& report) {
  evidence::ExportInfo info;
  info.unit_name = std::string("camvault ") + kVersion;
  info.time = work.now;
  info.operator_name = work.options.operator_name;
  evidence::ExportTrack track;
  track.track = 1;
  track.name = work.options.camera_name;
  if (track.name.empty() && report.signer) track.name = report::printable(report.signer->serial, 200);
  track.url = work.options.camera_url;
  track.mac = work.options.camera_mac;
  info.tracks.push_back(std::move(track));
  // When the timeline begins is known when its first picture is signed.
  for (const auto& gop : report.gops) {
    if (gop.pictures == 0) continue;
    if (gop.first_picture == 0 && gop.start) info.starts.push_back({1, *gop.start});
    break;
  }
  return info;
}

std::string asked(const Options& o) {
  if (o.from.empty() && o.to.empty()) return "the whole recording";
  return (o.from.empty() ? "the beginning" : o.from) + " to " + (o.to.empty() ? "the end" : o.to);
}

// Cuts the clip into work.folder and writes everything beside it.
Result<Verification> fill(Work& work) {
  const auto& o = work.options;
  auto request = o.request;
  CAM_TRY(const auto codec, codec_from_name(request.codec));
  CAM_TRY(const auto whole, verify_clip(work.engine, request));
  CAM_TRY(auto source, open_clip_file(request.clip, {.codec = codec}));
  CAM_TRY(const auto gops, gops_between(*source.units, whole.report, o.from, o.to));
  CAM_TRY(const auto plan, plan_cut(work.engine, *source.units, gops));
  const std::string clip_name = "clip.mp4";
  const auto clip = work.folder / clip_name;
  CAM_TRY_STATUS(write_cut(request.clip, clip, plan, codec));
  work.names.push_back(clip_name);

  std::optional<Examiner> examiner;
  if (o.signer.wanted()) {
    CAM_TRY(examiner, open_examiner(work.engine, o.signer));
  }
  auto again = request;
  again.clip = clip;
  again.codec.clear();
  again.hash_file = true;
  again.progress = false;
  CAM_TRY(auto result, verify_clip(work.engine, again));
  if (o.eff) {
    CAM_TRY_STATUS(write_export_box(clip, export_info(work, result.report), examiner ? &*examiner : nullptr,
                                    work.engine));
    // The report names the hash of the file as it is now.
    CAM_TRY(result, verify_clip(work.engine, again));
  }
  CAM_TRY_STATUS(add_text(work, "report.json", report::to_json(result.subject, result.report)));
  CAM_TRY_STATUS(write_html_report(clip, result, work.folder / "report.html"));
  work.names.push_back("report.html");
  if (examiner) {
    for (const auto* name : {"report.json", "report.html"}) {
      CAM_TRY_STATUS(sign_file(*examiner, work.folder / name));
      work.names.push_back(std::string(name) + ".p7s");
    }
    CAM_TRY_STATUS(
        add_text(work, "certificates/examiner.pem", crypto_openssl::certificates_pem(examiner->chain)));
  }
  if (!result.report.chain.empty())
    CAM_TRY_STATUS(
        add_text(work, "certificates/camera.pem", crypto_openssl::certificates_pem(result.report.chain)));

  evidence::MethodFacts facts;
  facts.source_name = report::printable(request.clip.filename().string(), 200);
  CAM_TRY(facts.source_sha256, evidence::sha256_of_file(work.engine, request.clip));
  facts.clip_name = clip_name;
  facts.clip_sha256 = result.subject.sha256;
  facts.asked = report::printable(asked(o), 200);
  facts.first = result.report.first_time;
  facts.last = result.report.last_time;
  facts.verdict = result.report.verdict_reason + ".";
  facts.provenance = report::printable(result.report.provenance_reason, 400) + ".";
  facts.operator_name = report::printable(o.operator_name, 200);
  facts.tool = std::string("camvault ") + kVersion;
  facts.exported = work.now;
  facts.report_is_signed = examiner.has_value();
  CAM_TRY_STATUS(add_text(work, "METHOD.txt", evidence::method_statement(facts)));

  std::vector<evidence::Checksum> sums;
  for (const auto& name : work.names) {
    CAM_TRY(auto sum, evidence::sha256_of_file(work.engine, work.folder / name));
    sums.push_back({name, std::move(sum)});
  }
  CAM_TRY_STATUS(add_text(work, "SHA256SUMS", evidence::write_checksums(sums)));
  return result;
}

Result<Verification> run(const Options& options) {
  const auto engine = crypto_openssl::make_openssl_engine();
  const auto& out = options.out;
  std::error_code error;
  if (std::filesystem::exists(out, error))
    return fail(Errc::exists, out.string() + " is there already: an export replaces nothing");
  CAM_TRY_STATUS(check_input(options.request.clip));
  const bool zip = out.extension() == ".zip";
  const bool lone_clip = out.extension() == ".mp4";
  if (lone_clip && !options.eff)
    return fail(Errc::usage, "OUT is a folder or a .zip file; an .mp4 file alone is written with --eff");
  Work work{options, *engine, SystemClock().now(), {}, {}};
  // Beside the output: the last step is a rename.
  auto growing = out;
  growing += ".part";
  if (!std::filesystem::create_directory(growing, error))
    return fail(Errc::io,
                growing.string() + (error ? ": " + error.message()
                                          : " is there already: another export runs, or was broken off"));
  work.folder = growing;
  auto result = fill(work);
  Status done = result ? ok() : Status(tl::unexpected(result.error()));
  if (done && zip) done = evidence::write_zip(out, growing, work.names, work.now);
  if (done && lone_clip) std::filesystem::rename(growing / "clip.mp4", out, error);
  if (done && !zip && !lone_clip) {
    std::filesystem::rename(growing, out, error);
  } else {
    std::error_code ignored;
    std::filesystem::remove_all(growing, ignored);
  }
  if (!done) return tl::unexpected(std::move(done).error());
  if (error) return fail(Errc::io, out.string() + ": " + error.message());
  return result;
}

}  // namespace

void add_export(CLI::App& app, int& exit_code) {
  auto* command =
      app.add_subcommand("export", "cut a piece out of a recording, with everything needed to check it");
  auto o = std::make_shared<Options>();
  command
      ->add_option("IN", o->request.clip,
                   "the recording: MP4, fragmented MP4, Matroska, MPEG-TS or a raw stream")
      ->required();
  command->add_option("OUT", o->out, "a new folder, or a .zip file; with --eff an .mp4 file alone, too")
      ->required();
  command
      ->add_option("--from", o->from,
                   "beginning: a time by the camera's clock (UTC, 2026-11-21T10:00:00Z), or seconds since "
                   "the clip begins")
      ->type_name("TIME");
  command->add_option("--to", o->to, "end, likewise; whole groups of pictures are taken")->type_name("TIME");
  command
      ->add_option("--operator", o->operator_name,
                   "who exports: stands in the method statement and the export box")
      ->type_name("NAME");
  command->add_flag("--eff", o->eff,
                    "write the clip in ONVIF's Export File Format; sealed when --sign-report is given");
  command
      ->add_option("--camera-name", o->camera_name,
                   "for the export box (default the serial number in the certificate)")
      ->type_name("NAME");
  command->add_option("--camera-url", o->camera_url, "for the export box")->type_name("URL");
  command->add_option("--camera-mac", o->camera_mac, "for the export box")->type_name("MAC");
  add_trust_options(*command, o->request.trust);
  command
      ->add_option("--codec", o->request.codec,
                   "h264, h265 or av1, for raw streams whose codec cannot be guessed")
      ->type_name("CODEC")
      ->check(CLI::IsMember({"h264", "h265", "av1"}));
  add_report_signer(*command, o->signer);
  command->footer(
      "The clip is cut where groups of pictures begin, so that signatures and certificates stay whole; no "
      "picture is changed.\n"
      "Exit codes are those of camvault verify for the exported clip.\n\n"
      "Examples:\n"
      "  camvault export recording.mp4 case-7.zip --from 2026-11-21T10:00:00Z --to 2026-11-21T10:05:00Z "
      "--trust ca.pem\n"
      "  camvault export recording.mp4 case-7 --from 600 --to 660 --operator \"J. Doe\"\n"
      "  camvault export recording.mp4 clip.mp4 --eff --from 600 --to 660");
  command->callback([o, &exit_code] {
    const auto done = run(*o);
    if (!done) {
      exit_code = complain_about(done.error());
      return;
    }
    std::printf("%s: %u pictures, %s\n", report::printable(o->out.string()).c_str(), done->report.pictures,
                report::printable(done->report.verdict_reason).c_str());
    exit_code = exit_code_of(*done);
  });
}

}  // namespace camvault::cli
