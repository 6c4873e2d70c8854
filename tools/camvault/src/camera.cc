// camvault camera run: a camera in software. Pictures from a source are encoded, signed with a key from the
// keystore and recorded; nothing here ever holds the key.
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <memory>
#include <stop_token>
#include <thread>

#include "camvault/base/file.h"
#include "camvault/camera/camera.h"
#include "camvault/camera/recorder.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/key_source/media_key_watch.h"
#include "camvault/report/text.h"
#include "clip_file.h"
#include "commands.h"
#include "exit_code.h"
#include "signer_options.h"
#include "terminal.h"

namespace camvault::cli {

namespace {
constexpr std::size_t kMaxPasswordFile = 4096;

struct Options {
  std::string source = "test";
  std::string codec;
  double duration = 0;  // seconds; 0: until stopped
  std::filesystem::path record;
  std::uint32_t width = 1280;
  std::uint32_t height = 720;
  std::uint32_t fps = 25;
  std::uint32_t kbit = 8000;
  double key_interval = 1;
  std::uint32_t slices = 1;
  std::uint32_t b_frames = 0;
  std::string user;
  std::filesystem::path password_file;
  std::string ca_file;
  bool pass_through = false;
  bool fragmented = false;
  SignerSettings signer;
};

// Turns SIGINT and SIGTERM into a stop request, on a thread of its own: handlers may do next to nothing.
class StopOnSignal {
 public:
  StopOnSignal() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);  // inherited by all threads made later
    waiter_ = std::jthread([this](const std::stop_token& ending) {
      const timespec slice{0, 100'000'000};
      while (!ending.stop_requested()) {
        if (sigtimedwait(&signals_, nullptr, &slice) > 0) source_.request_stop();
      }
    });
  }
  std::stop_token token() const { return source_.get_token(); }

 private:
  sigset_t signals_{};
  std::stop_source source_;
  std::jthread waiter_;
};

// Redrawn on a terminal, a line every five seconds elsewhere.
class Display {
 public:
  Display(double duration, const EvidenceFeed& evidence)
      : duration_(duration), evidence_(evidence), terminal_(isatty(STDOUT_FILENO) != 0) {}
  ~Display() {
    if (terminal_ && drawn_) std::fputs("\n", stdout);
    std::fflush(stdout);
  }
  void update(const camera::RecorderProgress& p) {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return;
    next_ = now + (terminal_ ? std::chrono::milliseconds(200) : std::chrono::milliseconds(5000));
    draw(p);
  }
  void draw(const camera::RecorderProgress& p) {
    drawn_ = true;
    const auto seconds = static_cast<double>(p.video.count()) / 1e7;
    const auto whole = duration_ > 0 ? " of " + std::to_string(static_cast<long>(duration_)) : std::string();
    const auto stamps = evidence_.summary();
    std::printf("%s  %5.1f%s s   %llu pictures   %.1f MB   %llu signatures%s%s%s",
                terminal_ ? "\r\x1b[K" : "", seconds, whole.c_str(),
                static_cast<unsigned long long>(p.pictures), static_cast<double>(p.bytes) / 1e6,
                static_cast<unsigned long long>(p.signer.seis_signed), stamps.empty() ? "" : "   ",
                report::printable(stamps, 100).c_str(), terminal_ ? "" : "\n");
    std::fflush(stdout);
  }

 private:
  double duration_;
  const EvidenceFeed& evidence_;
  bool terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point next_{};
};

std::chrono::milliseconds milliseconds_of(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

Result<camera::CameraOptions> camera_options(const Options& o) {
  camera::CameraOptions options;
  options.source = o.source;
  CAM_TRY(options.codec, codec_from_name(o.codec));
  options.pass_through = o.pass_through;
  if (o.duration > 0) options.duration = milliseconds_of(o.duration);
  options.width = o.width;
  options.height = o.height;
  options.frames_per_second = o.fps;
  options.kbit_per_second = o.kbit;
  options.key_interval = milliseconds_of(o.key_interval);
  options.slices = o.slices;
  options.b_frames = o.b_frames;
  options.user = o.user;
  options.ca_file = o.ca_file;
  if (!o.password_file.empty()) {
    auto bytes = read_file(o.password_file, kMaxPasswordFile);
    if (!bytes) return fail_in(o.password_file.string(), bytes.error());
    while (!bytes->empty() && (bytes->back() == '\n' || bytes->back() == '\r')) bytes->pop_back();
    options.password = Secret::absorb(std::move(*bytes));
  }
  return options;
}

// `SignerOptions::codec` must be that of the pictures, and a network camera's is known only with its first
// picture.
struct Recorded {
  camera::RecorderProgress progress;
  std::string time_stamps;  // summary; empty: none were asked for
};

// A renewed key takes over; whether that worked shows in the recording, which goes on in any case.
class KeyChanges {
 public:
  KeyChanges(const key_source::KeySource& source, const std::string& name, camera::Recorder& recorder,
             EvidenceFeed& evidence)
      : watch_(source, name), recorder_(recorder), evidence_(evidence) {}

  void look() {
    if (!waiting_) waiting_ = watch_.take();
    if (!waiting_) return;
    const auto changed = recorder_.change_key(waiting_->key, waiting_->chain_pem);
    if (!changed && changed.error().code == Errc::exists) return;  // the change before is under way
    if (changed) evidence_.key_changed(*waiting_);
    if (!changed)
      complain(kYes, "note: the renewed key " + waiting_->name +
                         " signs from the next recording on: " + changed.error().what);
    waiting_.reset();
  }

 private:
  key_source::MediaKeyWatch watch_;
  camera::Recorder& recorder_;
  EvidenceFeed& evidence_;
  std::optional<key_source::SigningIdentity> waiting_;
};

Result<Recorded> run(const Options& options) {
  const StopOnSignal stop;
  const SystemClock clock;
  const auto engine = crypto_openssl::make_openssl_engine();
  CAM_TRY(auto identity, key_source::open_identity(options.signer.key));
  CAM_TRY(auto settings, camera_options(options));
  CAM_TRY(const auto codec, codec_from_name(options.codec));
  CAM_TRY(auto camera, camera::Camera::create(std::move(settings), clock));
  camera::RecorderOptions how;
  how.path = options.record;
  how.signer =
      signer_options(options.signer, codec.value_or(codec::Codec::h264), std::move(identity.chain_pem));
  how.index_at_end = !options.fragmented;
  CAM_TRY(const auto evidence, EvidenceFeed::create(*engine, options.signer.evidence, identity, false));
  evidence->attach(how.signer);
  CAM_TRY(auto recorder, camera::Recorder::create(*engine, std::move(identity.key), std::move(how)));
  evidence->deliver_to([&](signed_video::RecordType type, Bytes record) {
    return recorder.add_record(type, std::move(record));
  });
  KeyChanges key_changes(options.signer.key, identity.name, recorder, *evidence);
  Display display(options.duration, *evidence);
  auto recorded = camera::record(
      camera, recorder,
      [&](const camera::RecorderProgress& progress) {
        key_changes.look();
        display.update(progress);
      },
      stop.token());
  evidence->stop();  // before the recorder goes
  CAM_TRY_STATUS(std::move(recorded));
  display.draw(recorder.progress());
  return Recorded{recorder.progress(), evidence->summary()};
}

int run_and_tell(const Options& options) {
  const auto done = run(options);
  if (!done) return complain_about(done.error());
  const auto& p = done->progress;
  tell_of_kept_promise(options.signer, p.signer);
  if (p.signer.keys_changed != 0)
    std::printf("  the signing key was renewed while it ran (%llu)\n",
                static_cast<unsigned long long>(p.signer.keys_changed));
  std::printf("  %s: %llu pictures in %llu groups, %llu signatures%s%s\n", options.record.c_str(),
              static_cast<unsigned long long>(p.pictures), static_cast<unsigned long long>(p.gops),
              static_cast<unsigned long long>(p.signer.seis_signed), done->time_stamps.empty() ? "" : ", ",
              report::printable(done->time_stamps).c_str());
  if (p.signer.signatures_failed != 0)
    return complain(
        kServiceMissing,
        "some signatures failed: the keystore went away or refused; the recording is not fully signed");
  return kYes;
}
}  // namespace

void add_camera(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("camera", "a camera in software");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n  camvault camera run --root /srv/camera1 --source test --duration 20 --record clip.mp4");
  auto* run_command = command->add_subcommand("run", "film, sign, record");
  auto o = std::make_shared<Options>();
  run_command
      ->add_option("--source", o->source,
                   "test (a moving picture with a clock), a video file, v4l2:/dev/videoN, rtsp://... or "
                   "rtsps://... (default test)")
      ->type_name("SOURCE");
  run_command->add_option("--record", o->record, "the recording: .mp4, .mkv, .h264 or .h265")
      ->type_name("OUT.mp4")
      ->required();
  run_command
      ->add_option("--duration", o->duration, "seconds of video (default: until stopped, or the source ends)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 1e7));
  run_command
      ->add_option("--codec", o->codec, "h264 or h265 (default h264; network cameras keep what they send)")
      ->type_name("CODEC")
      ->check(CLI::IsMember({"h264", "h265"}));
  run_command
      ->add_option("--width", o->width,
                   "pixels, of the test picture and asked of a local camera (default 1280)")
      ->type_name("N");
  run_command->add_option("--height", o->height, "pixels (default 720)")->type_name("N");
  run_command->add_option("--fps", o->fps, "pictures a second (default 25)")->type_name("N");
  run_command->add_option("--bitrate", o->kbit, "kbit/s (default 8000)")->type_name("N");
  run_command
      ->add_option("--key-interval", o->key_interval, "seconds from one keyframe to the next (default 1)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.05, 60.0));
  run_command->add_option("--slices", o->slices, "slices a picture (default 1)")->type_name("N");
  run_command->add_option("--b-frames", o->b_frames, "B pictures between others (default 0)")->type_name("N");
  run_command->add_flag("--pass-through", o->pass_through,
                        "take H.264 and H.265 of a file as they are instead of encoding anew");
  run_command->add_flag("--fragmented", o->fragmented, "leave the MP4 in fragments, as a stream");
  run_command->add_option("--user", o->user, "name at the network camera")->type_name("NAME");
  run_command->add_option("--password-file", o->password_file, "file with the password at the network camera")
      ->type_name("FILE");
  run_command
      ->add_option("--ca-file", o->ca_file,
                   "for rtsps: trust these authorities instead of the system's (PEM)")
      ->type_name("CA.pem");
  add_signer_options(*run_command, o->signer);
  run_command->footer(
      "Pictures are never held up by a slow key: signatures go into the video when they are ready.\n"
      "Ctrl-C ends the recording; what was recorded is complete and signed.\n\n"
      "Examples:\n"
      "  camvault camera run --root /srv/camera1 --source test --duration 20 --record clip.mp4\n"
      "  camvault camera run --source v4l2:/dev/video0 --record clip.mp4\n"
      "  camvault camera run --source rtsps://192.0.2.7/stream --user viewer --password-file pw --record "
      "clip.mp4");
  run_command->callback([o, &exit_code] { exit_code = run_and_tell(*o); });
}

}  // namespace camvault::cli
