// Alone in its program: it forks before anything of GStreamer runs.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recorder_fixture.h"

namespace camvault::camera {
namespace {

class RecorderKill : public test::RecorderTest {};

// Fragments that have reached the file.
int fragments_in(const std::filesystem::path& path) {
  const auto bytes = read_file(path, std::size_t{1} << 28);
  if (!bytes) return 0;
  const auto text = as_text(*bytes);
  int count = 0;
  for (auto at = text.find("moof"); at != std::string_view::npos; at = text.find("moof", at + 4)) ++count;
  return count;
}

// Power and processes go away at any time: what was recorded plays, and what was signed is authentic.
TEST_F(RecorderKill, AKilledRecorderLeavesAnAuthenticRecording) {
  const auto path = folder_.path() / "killed.mp4";
  const auto pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    const auto key = make_key();  // its threads are the child's
    CameraOptions camera_options;
    camera_options.width = 320;
    camera_options.height = 240;
    camera_options.key_interval = std::chrono::milliseconds(400);
    auto camera = Camera::create(std::move(camera_options), clock_);
    auto recorder = Recorder::create(*engine_, key, options("killed.mp4"));
    if (!camera || !recorder || !write_file_atomically(folder_.path() / "anchor.der", anchor_->der))
      ::_exit(1);
    (void)record(*camera, *recorder);
    ::_exit(2);
  }
  // Four GOPs of ten pictures and more.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (fragments_in(path) < 4 && std::chrono::steady_clock::now() < deadline &&
         ::waitpid(pid, nullptr, WNOHANG) == 0)
    ::usleep(100'000);
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
  expect_plays(path);
  anchor_ = engine_->certificate_from_der(read_file(folder_.path() / "anchor.der", 1 << 16).value()).value();
  const auto report = verify(path);
  EXPECT_EQ(report.verdict, signed_video::Verdict::authentic) << report.verdict_reason;
  EXPECT_EQ(report.provenance, signed_video::Provenance::trusted) << report.provenance_reason;
}

}  // namespace
}  // namespace camvault::camera
