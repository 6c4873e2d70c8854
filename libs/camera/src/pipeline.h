// The one wrapper of GStreamer: a source text becomes encoded access units that can be pulled.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "source.h"

namespace camvault::camera {

class Pipeline {
 public:
  static Result<std::unique_ptr<Pipeline>> create(Source source, const CameraOptions& options);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  Status start();
  void end_stream();  // what is inside still comes, then the end

  struct AccessUnit {
    std::vector<BytesView> units;  // until the next pull
    codec::Codec codec = codec::Codec::h264;
    std::optional<Ticks> pts;  // running time of the pipeline
    std::optional<Ticks> dts;
    Ticks age{0};  // how long ago it was captured
    bool keyframe = false;
  };
  enum class Event { picture, nothing, end };
  // Waits at most `patience`. `out` is filled for Event::picture.
  Result<Event> pull(std::chrono::milliseconds patience, AccessUnit& out);

 private:
  struct Impl;
  explicit Pipeline(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace camvault::camera
