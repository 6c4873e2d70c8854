#include "clip_writer.h"

#include <cmath>

#include "access_units.h"
#include "decoding_times.h"

namespace camvault::cli {

Ticks ticks_of(std::int64_t at_90khz) {
  return Ticks(at_90khz * 1000 / 9);
}

Result<PictureTimes> picture_times(codec::UnitSource& source, double fps) {
  PictureTimes times;
  CAM_TRY_STATUS(source.rewind());
  AccessUnitReader pictures(source);
  for (;;) {
    auto picture = pictures.next();
    if (!picture) break;  // whoever reads the pictures themselves meets the error again
    if (!*picture) break;
    const auto index = static_cast<double>(times.pts.size());
    // Round to the nearest tick: 100 ns are 0.009 ticks of 90 kHz.
    const auto& time = (*picture)->time;
    times.pts.push_back(time ? (time->time_since_epoch().count() * 9 + 500) / 1000
                             : std::llround(index * kTimescale / fps));
  }
  CAM_TRY_STATUS(source.rewind());
  times.dts = decoding_times(times.pts);
  return times;
}

Result<std::unique_ptr<container::ClipWriter>> create_output(const std::filesystem::path& path,
                                                             const std::filesystem::path& input,
                                                             codec::Codec codec) {
  std::error_code ignored;
  if (std::filesystem::equivalent(path, input, ignored))
    return fail(Errc::usage, "input and output are the same file; name another output");
  auto format = container::format_of_name(path);
  if (!format) return fail(Errc::usage, path.string() + ": " + format.error().what);
  container::WriterOptions options;
  options.format = *format;
  options.codec = codec;
  options.timescale = kTimescale;
  auto writer = container::create_clip(path, options);
  if (!writer) return fail(Errc::io, path.string() + ": " + writer.error().what);
  return writer;
}

}  // namespace camvault::cli
