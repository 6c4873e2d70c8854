#include "forger.h"

#include <algorithm>

#include "access_units.h"
#include "camvault/signed_video/signature_sei.h"
#include "clip_file.h"
#include "clip_writer.h"

namespace camvault::cli {

namespace {
struct Picture {
  std::vector<Bytes> units;
  bool keyframe = false;
  bool carries_signature = false;
  std::size_t largest_slice = 0;  // index into units
};

struct Recording {
  std::filesystem::path path;
  codec::Codec codec = codec::Codec::h264;
  PictureTimes times;
  std::vector<Picture> pictures;
  std::vector<std::size_t> gops;  // index of the first picture of each
};

Result<Recording> load(const std::filesystem::path& path) {
  CAM_TRY(const auto clip, open_clip_file(path));
  if (clip.bytes > kMaxRecording)
    return fail(Errc::limit, path.string() + " is too long to forge in memory; use a shorter --duration");
  Recording recording;
  recording.path = path;
  recording.codec = clip.units->info().codec;
  CAM_TRY(recording.times, picture_times(*clip.units, 25));
  AccessUnitReader reader(*clip.units);
  for (;;) {
    CAM_TRY(const auto found, reader.next());
    if (!found) break;
    Picture picture;
    picture.keyframe = found->keyframe;
    std::size_t largest = 0;
    for (const auto& unit : found->units) {
      if (codec::classify(recording.codec, unit.bytes).kind == codec::UnitKind::slice &&
          unit.bytes.size() > largest) {
        largest = unit.bytes.size();
        picture.largest_slice = picture.units.size();
      }
      picture.carries_signature |= signed_video::is_signature_sei(recording.codec, unit.bytes);
      picture.units.push_back(to_bytes(unit.bytes));
    }
    if (picture.keyframe) recording.gops.push_back(recording.pictures.size());
    recording.pictures.push_back(std::move(picture));
  }
  if (recording.gops.size() < 3)
    return fail(
        Errc::usage,
        path.string() + " has fewer than three groups of pictures; record a longer clip (--duration)");
  return recording;
}

// Writes the pictures `order` names. Times stay with the place in the clip, not with the picture: the result
// plays evenly.
Status write(const Recording& recording, const std::vector<std::size_t>& order,
             const std::vector<std::size_t>& times, const std::filesystem::path& out) {
  CAM_TRY(auto writer, create_output(out, recording.path, recording.codec));
  std::vector<BytesView> units;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto& picture = recording.pictures[order[i]];
    units.assign(picture.units.begin(), picture.units.end());
    container::AccessUnit access_unit;
    access_unit.units = units;
    access_unit.pts = recording.times.pts[times[i]];
    access_unit.dts = recording.times.dts[times[i]];
    access_unit.keyframe = picture.keyframe;
    CAM_TRY_STATUS(writer->write(access_unit));
  }
  return writer->finish();
}

std::vector<std::size_t> all_of(const Recording& recording) {
  std::vector<std::size_t> order(recording.pictures.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  return order;
}

// Changes bytes at the beginning of what the picture's largest slice shows. No byte becomes small, so that no
// start code and no emulation prevention byte appears (ITU-T H.264 7.4.1.1): only the picture changes, not
// the stream around it.
Result<Forgery> alter(Recording recording, const std::filesystem::path& out) {
  const auto gop = recording.gops.size() / 3;
  const auto from = recording.gops[gop];
  const auto to = recording.gops[gop + 1];
  std::size_t victim = from + (to - from) / 2;
  // A picture in which something moves is worth altering.
  for (auto i = from + 1; i < to; ++i) {
    const auto size = [&](std::size_t p) {
      return recording.pictures[p].units[recording.pictures[p].largest_slice].size();
    };
    if (size(i) > size(victim)) victim = i;
  }
  auto& slice = recording.pictures[victim].units[recording.pictures[victim].largest_slice];
  if (slice.size() < 24)
    return fail(Errc::unsupported, "the pictures of " + recording.path.string() + " are too small to alter");
  const auto begin = std::max<std::size_t>(16, slice.size() / 8);  // behind the slice header
  const auto end = std::min(slice.size() - 4, begin + 64);
  for (auto i = begin; i < end; ++i) {
    const auto changed = static_cast<std::uint8_t>(slice[i] ^ 0x5A);
    slice[i] = changed > 3 ? changed : std::uint8_t{0x5A};
  }
  const auto order = all_of(recording);
  CAM_TRY_STATUS(write(recording, order, order, out));
  return Forgery{
      out, "picture " + std::to_string(victim) + ": content altered", "not_authentic", "altered", {victim}};
}

// Removes what lies up to a second before a keyframe: the decoder starts afresh behind the cut and shows no
// fault.
Result<Forgery> cut(const Recording& recording, const std::filesystem::path& out) {
  const auto gop = recording.gops.size() / 2;
  const auto end = recording.gops[gop + 1];
  auto begin = end;
  while (begin > recording.gops[gop] + 1 && !recording.pictures[begin - 1].carries_signature &&
         recording.times.dts[end] - recording.times.dts[begin - 1] <= kTimescale) {
    --begin;
  }
  if (begin == end)
    return fail(Errc::unsupported,
                "the groups of " + recording.path.string() + " are too short to cut something out");
  auto order = all_of(recording);
  order.erase(order.begin() + static_cast<std::ptrdiff_t>(begin),
              order.begin() + static_cast<std::ptrdiff_t>(end));
  std::vector<std::size_t> times(order.size());
  for (std::size_t i = 0; i < times.size(); ++i) times[i] = i;  // no hole in time either
  CAM_TRY_STATUS(write(recording, order, times, out));
  Forgery forgery{out,
                  "pictures " + std::to_string(begin) + " to " + std::to_string(end - 1) + " cut out",
                  "authentic_with_missing_frames",
                  "missing",
                  {}};
  for (auto i = begin; i < end; ++i) forgery.expected_frames.push_back(i);
  return forgery;
}

Result<Forgery> swap(const Recording& recording, const std::filesystem::path& out) {
  const auto gop = std::min(recording.gops.size() * 2 / 3, recording.gops.size() - 3);
  const auto at = [&](std::size_t index) { return static_cast<std::ptrdiff_t>(recording.gops[index]); };
  auto order = all_of(recording);
  std::rotate(order.begin() + at(gop), order.begin() + at(gop + 1), order.begin() + at(gop + 2));
  CAM_TRY_STATUS(write(recording, order, all_of(recording), out));
  return Forgery{out,
                 "groups " + std::to_string(gop) + " and " + std::to_string(gop + 1) + " swapped",
                 "not_authentic",
                 "",
                 {}};
}
}  // namespace

Result<std::vector<Forgery>> forge(const std::filesystem::path& path, const ForgedFiles& files) {
  CAM_TRY(const auto recording, load(path));
  std::vector<Forgery> forgeries;
  CAM_TRY(auto altered, alter(recording, files.altered));
  forgeries.push_back(std::move(altered));
  CAM_TRY(auto shortened, cut(recording, files.cut));
  forgeries.push_back(std::move(shortened));
  CAM_TRY(auto swapped, swap(recording, files.swapped));
  forgeries.push_back(std::move(swapped));
  return forgeries;
}

}  // namespace camvault::cli
