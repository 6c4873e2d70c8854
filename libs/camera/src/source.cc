#include "source.h"

#include <algorithm>
#include <sstream>

namespace camvault::camera {

using codec::Codec;

namespace {

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// RFC 3986 2.1
Result<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0)
      return fail(Errc::usage, "user or password in the camera's URL is not percent-encoded correctly");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

Result<Source> read_rtsp(const CameraOptions& options) {
  Source source;
  source.kind = SourceKind::rtsp;
  source.tls = starts_with(options.source, "rtsps://");
  source.user = options.user;
  source.password = options.password.clone();
  const std::string scheme = source.tls ? "rtsps://" : "rtsp://";
  auto rest = options.source.substr(scheme.size());
  const auto authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  if (const auto at = rest.rfind('@', authority_end); at != std::string::npos && at < authority_end) {
    auto user_info = rest.substr(0, at);
    rest.erase(0, at + 1);
    const auto colon = std::min(user_info.find(':'), user_info.size());
    CAM_TRY(auto user, percent_decoded(std::string_view(user_info).substr(0, colon)));
    if (source.user.empty()) source.user = std::move(user);
    if (colon < user_info.size() && source.password.empty()) {
      CAM_TRY(auto password, percent_decoded(std::string_view(user_info).substr(colon + 1)));
      source.password = Secret(as_bytes(password));
      wipe(password.data(), password.size());
    }
    wipe(user_info.data(), user_info.size());
  }
  if (rest.empty() || rest[0] == '/' || rest[0] == ':')
    return fail(Errc::usage, "the camera's URL has no host");
  source.location = scheme + rest;
  return source;
}

std::uint32_t pictures_per_gop(const CameraOptions& options) {
  const auto pictures = options.key_interval.count() * options.frames_per_second / 1000;
  return static_cast<std::uint32_t>(std::max<std::int64_t>(pictures, 1));
}

}  // namespace

Result<Source> read_source(const CameraOptions& options) {
  const std::string_view text = options.source;
  Source source;
  if (text.empty()) return fail(Errc::usage, "no source given");
  if (text == "test") return source;
  if (starts_with(text, "rtsp://") || starts_with(text, "rtsps://")) return read_rtsp(options);
  if (starts_with(text, "v4l2:")) {
    source.kind = SourceKind::v4l2;
    source.location = text.substr(5);
    if (!starts_with(source.location, "/dev/"))
      return fail(Errc::usage, "a local camera is named like v4l2:/dev/video0");
    return source;
  }
  if (text.find("://") != std::string_view::npos) {
    return fail(Errc::usage, "sources are test, a file, v4l2:/dev/videoN, rtsp:// or rtsps://");
  }
  source.kind = SourceKind::file;
  source.location = text;
  return source;
}

Status check_options(const CameraOptions& options) {
  const auto even = [](std::uint32_t side) { return side >= 16 && side <= kMaxSide && side % 2 == 0; };
  if (!even(options.width) || !even(options.height))
    return fail(Errc::usage, "width and height are even numbers from 16 to 7680");
  if (options.frames_per_second < 1 || options.frames_per_second > kMaxFramesPerSecond) {
    return fail(Errc::usage, "1 to 240 frames per second");
  }
  constexpr std::uint32_t kMaxKbit = 500'000;
  if (options.kbit_per_second < 16 || options.kbit_per_second > kMaxKbit)
    return fail(Errc::usage, "16 to 500000 kbit/s");
  if (options.slices < 1 || options.slices > kMaxSlices)
    return fail(Errc::usage, "1 to 64 slices per picture");
  if (options.b_frames > 8) return fail(Errc::usage, "at most 8 B-frames");
  using std::chrono::milliseconds;
  if (options.key_interval < milliseconds(1) || options.key_interval > std::chrono::minutes(10)) {
    return fail(Errc::usage, "a keyframe every 1 ms to 10 min");
  }
  if (options.duration && *options.duration <= milliseconds(0))
    return fail(Errc::usage, "the duration must be longer than 0");
  return ok();
}

std::vector<NeededElement> needed_elements(SourceKind kind, const CameraOptions& options) {
  std::vector<NeededElement> needed = {{"appsink", "gstreamer1.0-plugins-base"},
                                       {"queue", "libgstreamer1.0-0"},
                                       {"videoconvert", "gstreamer1.0-plugins-base"},
                                       {"h264parse", "gstreamer1.0-plugins-bad"},
                                       {"h265parse", "gstreamer1.0-plugins-bad"}};
  const bool encodes = kind != SourceKind::rtsp || options.codec;
  const auto codec = options.codec.value_or(Codec::h264);
  if (encodes && codec == Codec::h264) needed.push_back({"x264enc", "gstreamer1.0-plugins-ugly"});
  if (encodes && codec == Codec::h265) needed.push_back({"x265enc", "gstreamer1.0-plugins-bad"});
  switch (kind) {
    case SourceKind::test:
      needed.push_back({"videotestsrc", "gstreamer1.0-plugins-base"});
      needed.push_back({"clockoverlay", "gstreamer1.0-x"});
      break;
    case SourceKind::file:
      needed.push_back({"parsebin", "gstreamer1.0-plugins-base"});
      needed.push_back({"qtdemux", "gstreamer1.0-plugins-good"});
      if (!options.pass_through) needed.push_back({"avdec_h264", "gstreamer1.0-libav"});
      break;
    case SourceKind::v4l2:
      needed.push_back({"v4l2src", "gstreamer1.0-plugins-good"});
      needed.push_back({"decodebin", "gstreamer1.0-plugins-base"});
      break;
    case SourceKind::rtsp:
      needed.push_back({"rtspsrc", "gstreamer1.0-plugins-good"});
      needed.push_back({"rtph264depay", "gstreamer1.0-plugins-good"});
      if (encodes) needed.push_back({"avdec_h264", "gstreamer1.0-libav"});
      break;
  }
  return needed;
}

std::string head_description(SourceKind kind, const CameraOptions& options) {
  std::ostringstream text;
  switch (kind) {
    case SourceKind::test:
      // The ball moves with the count of pictures: by running time it would stand still.
      text << "videotestsrc name=source is-live=true pattern=ball motion=wavy animation-mode=frames"
              " background-color=0xff183048 ! video/x-raw,format=I420,width="
           << options.width << ",height=" << options.height << ",framerate=" << options.frames_per_second
           << "/1 ! clockoverlay time-format=\"%Y-%m-%d %H:%M:%S\" halignment=left valignment=top "
              "font-desc=\"Sans Bold 20\""
              " ! timeoverlay halignment=left valignment=bottom font-desc=\"Sans Bold 20\" ! identity "
              "name=pictures";
      break;
    case SourceKind::file:
      text << "filesrc name=source ! " << (options.pass_through ? "parsebin" : "decodebin")
           << " name=pictures";
      break;
    case SourceKind::v4l2:
      text << "v4l2src name=source ! decodebin name=pictures";
      break;
    case SourceKind::rtsp:
      text << "rtspsrc name=source latency=200 protocols=tcp tls-validation-flags=validate-all";
      break;
  }
  return text.str();
}

// Parameter sets stand before every keyframe: a recording can be cut and joined anywhere.
std::string pass_description(Codec codec) {
  const std::string name = codec == Codec::h264 ? "h264" : "h265";
  return name + "parse config-interval=-1 ! capsfilter caps=video/x-" + name +
         ",stream-format=byte-stream,alignment=au ! " + name + "timestamper";
}

std::string decode_description(Codec codec) {
  return codec == Codec::h264 ? "h264parse ! avdec_h264" : "h265parse ! avdec_h265";
}

std::string encode_description(Codec codec, const CameraOptions& options) {
  std::ostringstream text;
  // Pictures that the encoder cannot keep up with are dropped in front of it (live), never behind the signer.
  text << "queue max-size-buffers=30 max-size-bytes=0 max-size-time=0 ! videoconvert ! "
          "video/x-raw,format=I420 ! ";
  if (codec == Codec::h264) {
    // zerolatency alone would cut every picture into one slice per processor.
    text << "x264enc tune=zerolatency speed-preset=veryfast sliced-threads=false threads=2 bitrate="
         << options.kbit_per_second << " key-int-max=" << pictures_per_gop(options)
         << " bframes=" << options.b_frames << " b-adapt=false option-string=\"slices=" << options.slices
         << ":scenecut=0:open-gop=0\" ! video/x-h264,profile=high";
  } else {
    text << "x265enc tune=zerolatency speed-preset=ultrafast bitrate=" << options.kbit_per_second
         << " key-int-max=" << pictures_per_gop(options) << " option-string=\"bframes=" << options.b_frames
         << ":slices=" << options.slices << ":scenecut=0:open-gop=0:log-level=none\"";
  }
  text << " ! " << (codec == Codec::h264 ? "h264" : "h265")
       << "parse config-interval=-1 ! capsfilter caps=video/x-" << (codec == Codec::h264 ? "h264" : "h265")
       << ",stream-format=byte-stream,alignment=au";
  return text.str();
}

}  // namespace camvault::camera
