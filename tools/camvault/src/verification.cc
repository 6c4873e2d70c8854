#include "verification.h"

#include "camvault/base/file.h"
#include "camvault/signed_video/clip_feed.h"
#include "clip_file.h"
#include "commands.h"
#include "exit_code.h"
#include "revocation_online.h"
#include "terminal.h"

namespace camvault::cli {

namespace {
Result<signed_video::VerifyOptions> options_from(const crypto::Engine& engine,
                                                 const VerificationRequest& request, TrustMaterial trust) {
  signed_video::VerifyOptions options;
  options.anchors = std::move(trust.makers);
  options.owner_anchors = std::move(trust.owners);
  options.tsa_anchors = std::move(trust.tsas);
  options.crls = std::move(trust.crls);
  options.ocsp = std::move(trust.ocsp);
  if (!request.signer.empty()) {
    CAM_TRY(auto found, certificates_from(engine, request.signer));
    options.expected_signer = std::move(found.front());
  }
  options.expected_serial = request.expected_serial;
  if (!request.at.empty()) {
    auto at = from_iso8601(request.at);
    if (!at) return fail(Errc::usage, "--at: " + at.error().what);
    options.at = *at;
  }
  return options;
}

std::string hash_of(const crypto::Engine& engine, BytesView file) {
  static constexpr std::size_t kPiece = 1 << 20;
  const auto hasher = engine.hasher(crypto::HashAlg::sha256);
  for (std::size_t at = 0; at < file.size(); at += kPiece)
    hasher->update(file.subspan(at, std::min(kPiece, file.size() - at)));
  return to_hex(hasher->finish().view());
}

Result<Verification> look_at_clip(const crypto::Engine& engine, const VerificationRequest& request) {
  codec::ClipOptions how;
  CAM_TRY(how.codec, codec_from_name(request.codec));
  how.units = request.format == "units";
  how.everything = true;
  if (how.units && !how.codec) return fail(Errc::usage, "--format units needs --codec");
  CAM_TRY(auto trust, load_trust(engine, request.trust));
  const auto store = trust.store;
  const auto from_store = trust.store_anchors;
  CAM_TRY(auto options, options_from(engine, request, std::move(trust)));
  CAM_TRY(auto clip, open_clip_file(request.clip, how));
  const auto& info = clip.units->info();

  Verification result;
  auto& subject = result.subject;
  subject.file_name = request.clip.filename().string();
  subject.file_bytes = clip.bytes;
  subject.container = codec::to_string(info.format);
  subject.tool_version = kVersion;
  subject.checked_at = SystemClock().now();
  subject.trust_store = store.string();
  // Who names anchors or a camera wants a yes to "is it from there"; so does who keeps a list of them.
  result.origin_asked = !request.trust.anchors.empty() || !request.signer.empty() || from_store > 0;

  options.jobs = request.jobs;
  options.bytes_stay = info.bytes_stay;
  signed_video::Verifier verifier(info.codec, engine, std::move(options));
  signed_video::ClipFeed feed(*clip.units, verifier);
  bool truncated = false;
  {
    Progress progress("checking " + subject.file_name, subject.file_bytes);
    for (;;) {
      const auto units = feed.next();
      if (!units) {
        // What came before is worth judging; what is cut off is said in the report.
        if (units.error().code != Errc::malformed) return fail_in(request.clip.string(), units.error());
        truncated = true;
        break;
      }
      if (units->empty()) break;
      if (request.progress) progress.at(units->back().offset);
    }
  }
  result.report = verifier.finish(truncated);
  if (result.report.units == 0)
    return fail(Errc::malformed, request.clip.string() + " holds no video that could be checked");

  subject.width = info.width;
  subject.height = info.height;
  subject.not_video = info.not_video;
  subject.duration = feed.duration();
  if (request.hash_file) {
    const auto file = MappedFile::open(request.clip);
    if (!file) return fail_in(request.clip.string(), file.error());
    subject.sha256 = hash_of(engine, file->bytes());
  }
  return result;
}
}  // namespace

Result<Verification> verify_clip(const crypto::Engine& engine, const VerificationRequest& request) {
  auto first = look_at_clip(engine, request);
  if (!first || (!request.trust.online && request.trust.ocsp_url.empty())) return first;
  // Whom to ask stands in the clip; what they say counts in a second look.
  CAM_TRY(auto trust, load_trust(engine, request.trust));
  auto anchors = std::move(trust.makers);
  anchors.insert(anchors.end(), trust.owners.begin(), trust.owners.end());
  auto again = request;
  again.trust.fetched = ask_responders(engine, first->report.chain, anchors, request.trust.ocsp_url);
  return look_at_clip(engine, again);
}

int exit_code_of(const Verification& verification) {
  using signed_video::Provenance;
  using signed_video::Verdict;
  const auto& report = verification.report;
  if (report.verdict == Verdict::not_signed || report.verdict == Verdict::not_authentic) return kNo;
  if (report.provenance == Provenance::untrusted) return kNo;
  if (verification.origin_asked && report.provenance != Provenance::trusted)
    return kNo;  // "not known" is no yes
  return report.verdict == Verdict::authentic ? kYes : kPartly;
}

}  // namespace camvault::cli
