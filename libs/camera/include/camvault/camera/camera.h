// A live source of encoded pictures: test picture, file, local camera or network camera, through GStreamer.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "camvault/base/bytes.h"
#include "camvault/base/secret.h"
#include "camvault/base/time.h"
#include "camvault/codec/unit.h"

namespace camvault::camera {

struct CameraOptions {
  // "test" (a moving ball with running clocks), "v4l2:/dev/videoN", "rtsp://..." or "rtsps://...", or a media
  // file, which is played at its own speed.
  std::string source = "test";
  // What to encode to. Not given: h264, and network cameras keep what they send. H.264 and H.265 of network
  // cameras are taken as they are, unless another codec is asked for.
  std::optional<codec::Codec> codec;
  bool pass_through = false;  // files: take H.264 and H.265 as they are, too
  std::optional<std::chrono::milliseconds>
      duration;                // of video; not given = until stopped or the source ends
  std::uint32_t width = 1280;  // of the test picture and of what is asked of a local camera
  std::uint32_t height = 720;
  std::uint32_t frames_per_second = 25;
  std::uint32_t kbit_per_second = 8000;
  std::chrono::milliseconds key_interval{1000};
  std::uint32_t slices = 1;  // per picture
  std::uint32_t b_frames = 0;
  // RTSP. Names and passwords that stand in the URL are taken out of it and never shown.
  std::string user;
  Secret password;
  std::string ca_file;  // PEM: trust these for rtsps instead of the system's authorities
};

// Limits of what is asked for; anything else is Errc::usage.
inline constexpr std::uint32_t kMaxSide = 7680;
inline constexpr std::uint32_t kMaxFramesPerSecond = 240;
inline constexpr std::uint32_t kMaxSlices = 64;

// One picture in decoding order, parameter sets before each keyframe.
struct CapturedPicture {
  codec::Codec codec = codec::Codec::h264;
  std::span<const BytesView> units;  // until the callback returns
  Timestamp time;  // when it was captured, UTC by the given clock; can step back with B-frames
  Ticks pts{0};    // since the first picture
  Ticks dts{0};    // grows; never above pts
  bool keyframe = false;
};

class Camera {
 public:
  // Checks the options and that GStreamer has all it needs: Errc::unavailable names the Debian package that
  // is missing. `clock` must outlive the camera.
  static Result<Camera> create(CameraOptions options, const Clock& clock);
  ~Camera();
  Camera(Camera&&) noexcept;
  Camera& operator=(Camera&&) noexcept;

  using UsePicture = std::function<Status(const CapturedPicture&)>;

  // Runs until the duration is over, the source ends, `stop` is requested (what is in the encoder still
  // comes) or `use` returns an error. Pictures come on the calling thread, from the first keyframe on. Can be
  // called once.
  Status run(const UsePicture& use, const std::stop_token& stop = {});

 private:
  struct Impl;
  explicit Camera(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace camvault::camera
