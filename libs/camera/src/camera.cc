#include "camvault/camera/camera.h"

#include <algorithm>

#include "pipeline.h"

namespace camvault::camera {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPoll{50};                  // how late a stop request is seen at most
constexpr std::chrono::seconds kFirstPicture{30};  // network cameras take their time to begin
constexpr std::chrono::seconds kNextPicture{15};   // then something is wrong
constexpr std::chrono::seconds kDrain{5};          // for what is in the encoder when stopped

}  // namespace

struct Camera::Impl {
  std::unique_ptr<Pipeline> pipeline;
  const Clock* clock = nullptr;
  std::optional<Ticks> duration;
  bool used = false;

  std::optional<Ticks> first_dts;
  Ticks last_dts{-1};
  Ticks last_pts{-1};
  Ticks step{0};

  // Times of one access unit, since the first one; dts below pts, growing.
  void set_times(const Pipeline::AccessUnit& from, CapturedPicture& to) {
    const auto pts = from.pts   ? *from.pts
                     : from.dts ? *from.dts
                                : first_dts.value_or(Ticks(0)) + last_pts + step;
    auto dts = from.dts && *from.dts <= pts ? *from.dts : pts;
    if (!first_dts) first_dts = dts;
    to.pts = pts - *first_dts;
    to.dts = dts - *first_dts;
    if (to.dts > last_dts) step = to.dts - last_dts;
    // A source that says nothing of decoding order, or lies: one 100 ns step keeps the order.
    if (to.dts <= last_dts) to.dts = last_dts + Ticks(1);
    to.pts = std::max(to.pts, to.dts);
    last_dts = to.dts;
    last_pts = to.pts;
  }
};

Result<Camera> Camera::create(CameraOptions options, const Clock& clock) {
  CAM_TRY_STATUS(check_options(options));
  CAM_TRY(auto source, read_source(options));
  auto impl = std::make_unique<Impl>();
  CAM_TRY(impl->pipeline, Pipeline::create(std::move(source), options));
  impl->clock = &clock;
  if (options.duration) impl->duration = Ticks(*options.duration);
  return Camera(std::move(impl));
}

Camera::Camera(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Camera::~Camera() = default;
Camera::Camera(Camera&&) noexcept = default;
Camera& Camera::operator=(Camera&&) noexcept = default;

Status Camera::run(const UsePicture& use, const std::stop_token& stop) {
  auto& impl = *impl_;
  if (std::exchange(impl.used, true)) return fail(Errc::usage, "a camera runs once");
  CAM_TRY_STATUS(impl.pipeline->start());
  auto deadline = steady_clock::now() + kFirstPicture;
  bool ending = false;
  bool begun = false;
  Pipeline::AccessUnit unit;
  for (;;) {
    if (stop.stop_requested() && !std::exchange(ending, true)) {
      if (!begun) return ok();
      impl.pipeline->end_stream();
      deadline = steady_clock::now() + kDrain;
    }
    CAM_TRY(const auto event, impl.pipeline->pull(kPoll, unit));
    if (event == Pipeline::Event::end)
      return begun || ending ? ok() : fail(Errc::unavailable, "the source ended without a picture");
    if (event == Pipeline::Event::nothing) {
      if (steady_clock::now() < deadline) continue;
      if (ending) return ok();
      return fail(Errc::unavailable,
                  begun ? "the source sent no picture for 15 s" : "the source sent no picture within 30 s");
    }
    begun = begun || unit.keyframe;
    if (!begun || unit.units.empty()) continue;
    if (!ending) deadline = steady_clock::now() + kNextPicture;
    CapturedPicture picture;
    picture.codec = unit.codec;
    picture.units = unit.units;
    picture.keyframe = unit.keyframe;
    picture.time = impl.clock->now() - unit.age;
    impl.set_times(unit, picture);
    if (impl.duration && picture.dts >= *impl.duration) return ok();
    CAM_TRY_STATUS(use(picture));
  }
}

}  // namespace camvault::camera
