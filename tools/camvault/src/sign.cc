// camvault sign: signs a clip that is already there, as a camera would have signed it while it was recorded.
#include <cstdio>
#include <memory>

#include "camvault/container/rewrite.h"
#include "camvault/container/writer.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/report/text.h"
#include "camvault/signed_video/signature_sei.h"
#include "clip_file.h"
#include "commands.h"
#include "exit_code.h"
#include "signer_options.h"
#include "terminal.h"

namespace camvault::cli {

namespace {
struct Options {
  std::filesystem::path in;
  std::filesystem::path out;
  SignerSettings signer;
  std::string start_time;
  std::string codec;
  double fps = 0;
  bool replace = false;
};

// Puts the signer between the two files.
class Signing final : public container::ClipEditor {
 public:
  Signing(const Options& options, Timestamp start)
      : options_(options), start_(start), progress_("signing " + options.in.filename().string(), 0) {}

  Status begin(const container::SourceInfo& source) override {
    codec_ = source.codec;
    progress_.of(source.size);
    for (const auto& track : source.dropped)
      complain(kYes, "note: the output cannot hold this track, it is left out: " + track);
    CAM_TRY(auto identity, key_source::open_identity(options_.signer.key));
    auto how = signer_options(options_.signer, codec_, std::move(identity.chain_pem));
    how.wait_for_key = true;  // files pass faster than keystores sign
    CAM_TRY(evidence_, EvidenceFeed::create(*engine_, options_.signer.evidence, identity, true));
    evidence_->attach(how);
    CAM_TRY(auto signer, signed_video::Signer::create(*engine_, std::move(identity.key), std::move(how)));
    signer_ = std::make_unique<signed_video::Signer>(std::move(signer));
    for (const auto& unit : source.header_units) signer_->add_header_unit(unit);
    evidence_->deliver_to([this](signed_video::RecordType type, Bytes record) {
      return signer_->add_record(type, std::move(record));
    });
    return ok();
  }

  Result<std::span<const BytesView>> edit(const container::SourceAccessUnit& access_unit) override {
    progress_.at(access_unit.position);
    units_.clear();
    for (const auto unit : access_unit.units) {
      if (!signed_video::is_signature_sei(codec_, unit)) {
        units_.push_back(unit);
      } else if (!options_.replace) {
        return fail(Errc::usage,
                    options_.in.string() + " is signed already; --replace removes its signatures first");
      }
    }
    // What held nothing but signatures is no picture.
    if (units_.empty()) return std::span<const BytesView>{};
    CAM_TRY(const auto seis, signer_->add(units_, start_ + access_unit.time, access_unit.presentation));
    container::insert_before_first_slice(codec_, units_, seis, result_);
    return std::span<const BytesView>(result_);
  }

  Status side(const codec::SideSample& sample) override { return signer_->add_side(sample); }

  Result<std::span<const BytesView>> end() override {
    evidence_->drain(std::chrono::seconds(20));  // what comes now still goes into the last supplement
    evidence_->stop();
    CAM_TRY(const auto seis, signer_->finish());
    result_.assign(seis.begin(), seis.end());
    return std::span<const BytesView>(result_);
  }

  signed_video::Signer::Counters counters() const { return signer_->counters(); }
  const EvidenceFeed& evidence() const { return *evidence_; }

 private:
  const Options& options_;
  Timestamp start_;
  Progress progress_;
  std::unique_ptr<crypto::Engine> engine_ = crypto_openssl::make_openssl_engine();
  codec::Codec codec_ = codec::Codec::h264;
  std::unique_ptr<signed_video::Signer> signer_;
  std::unique_ptr<EvidenceFeed> evidence_;  // ends before the signer does
  std::vector<BytesView> units_;
  std::vector<BytesView> result_;
};

struct Outcome {
  std::uint64_t pictures = 0;
  signed_video::Signer::Counters counters;
  std::string time_stamps;  // summary; empty: none were asked for
  bool all_stamped = true;
};

Result<Outcome> run(const Options& options) {
  container::RewriteOptions how;
  CAM_TRY(how.codec, codec_from_name(options.codec));
  how.frames_per_second = options.fps;
  Timestamp start = SystemClock().now();
  if (!options.start_time.empty()) {
    auto given = from_iso8601(options.start_time);
    if (!given) return fail(Errc::usage, "--start-time: " + given.error().what);
    start = *given;
  }
  std::error_code ignored;
  if (std::filesystem::equivalent(options.out, options.in, ignored))
    return fail(Errc::usage, "input and output are the same file; name another output");
  if (auto format = container::format_of_name(options.out); !format)
    return fail(Errc::usage, options.out.string() + ": " + format.error().what);
  CAM_TRY_STATUS(check_input(options.in));
  Signing signing(options, start);
  CAM_TRY(const auto summary, container::rewrite_clip(options.in, options.out, signing, how));
  Outcome outcome{summary.access_units, signing.counters(), signing.evidence().summary(), true};
  const auto stamps = signing.evidence().time_stamps();
  outcome.all_stamped = stamps.stamped == stamps.offered;
  return outcome;
}
}  // namespace

void add_sign(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("sign", "sign a clip with a camera's key");
  auto options = std::make_shared<Options>();
  command
      ->add_option(
          "IN", options->in,
          "the clip to sign: MP4, fragmented MP4, Matroska, a raw H.264/H.265 stream, AV1 as OBUs or IVF")
      ->required();
  command->add_option("OUT", options->out, "the signed clip: .mp4, .mkv, .h264, .h265 or .obu")->required();
  command
      ->add_option("--start-time", options->start_time,
                   "capture time of the first picture, UTC (default now)")
      ->type_name("TIME");
  command
      ->add_option("--codec", options->codec,
                   "h264, h265 or av1, for raw streams whose codec cannot be guessed")
      ->type_name("CODEC")
      ->check(CLI::IsMember({"h264", "h265", "av1"}));
  command
      ->add_option(
          "--fps", options->fps,
          "pictures a second of a raw stream, which has no times (default: what it says itself, else 25)")
      ->type_name("N")
      ->check(CLI::Range(0.1, 1000.0));
  command->add_flag("--replace", options->replace, "remove signatures that are in the clip already");
  add_signer_options(*command, options->signer);
  command->footer(
      "The key stays in keystored: only fingerprints go there and signatures come back.\n\n"
      "Examples:\n"
      "  camvault sign raw.mp4 signed.mp4\n"
      "  camvault sign raw.mp4 signed.mp4 --root /srv/camera1 --start-time 2026-11-21T10:00:00Z\n"
      "  camvault sign raw.h265 signed.h265 --fps 30 --low-bitrate\n"
      "  camvault sign raw.mp4 signed.mp4 --tsa http://tsa.example/tsr --tsa-interval 5m\n"
      "  camvault sign raw.mp4 signed.mp4 --key-file test-key.pem --chain test-chain.pem    (tests only)");
  command->callback([options, &exit_code] {
    const auto outcome = run(*options);
    if (!outcome) {
      exit_code = complain_about(outcome.error());
      return;
    }
    tell_of_kept_promise(options->signer, outcome->counters);
    std::printf("%s: %llu pictures, %llu signatures%s%s\n", options->out.c_str(),
                static_cast<unsigned long long>(outcome->pictures),
                static_cast<unsigned long long>(outcome->counters.seis_signed),
                outcome->time_stamps.empty() ? "" : ", ", report::printable(outcome->time_stamps).c_str());
    if (outcome->counters.signatures_failed == 0 && !outcome->all_stamped) {
      exit_code =
          complain(kServiceMissing, "not every time stamp could be had; the output is signed all the same");
      return;
    }
    exit_code =
        outcome->counters.signatures_failed == 0
            ? kYes
            : complain(
                  kServiceMissing,
                  "some signatures failed: the key went away or refused; the output is not fully signed");
  });
}

}  // namespace camvault::cli
