// What a source text and the options mean, as text for GStreamer. No GStreamer here: this is tested on its
// own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "camvault/camera/camera.h"

namespace camvault::camera {

enum class SourceKind : std::uint8_t { test, file, v4l2, rtsp };

struct Source {
  SourceKind kind = SourceKind::test;
  std::string location;  // path or URL, without user and password
  std::string user;
  Secret password;
  bool tls = false;
};

// Takes user and password out of an RTSP URL. Errc::usage for what it does not understand; the message never
// holds the URL.
Result<Source> read_source(const CameraOptions& options);

Status check_options(const CameraOptions& options);

// A GStreamer element and the Debian package that has it.
struct NeededElement {
  std::string name;
  std::string package;
};
std::vector<NeededElement> needed_elements(SourceKind kind, const CameraOptions& options);

// Pipeline descriptions hold numbers and constant text only; locations and passwords are set as properties.
std::string head_description(SourceKind kind, const CameraOptions& options);  // its source is named "source"
std::string encode_description(codec::Codec codec, const CameraOptions& options);
std::string pass_description(codec::Codec codec);
std::string decode_description(codec::Codec codec);  // in front of encode_description for encoded input

}  // namespace camvault::camera
