#include "clip_file.h"

#include <sys/stat.h>

namespace camvault::cli {

Result<std::optional<codec::Codec>> codec_from_name(const std::string& name) {
  if (name.empty()) return std::optional<codec::Codec>{};
  if (name == "h264") return std::optional(codec::Codec::h264);
  if (name == "h265") return std::optional(codec::Codec::h265);
  return fail(Errc::usage, "codec must be h264 or h265, not " + name);
}

Status check_input(const std::filesystem::path& path) {
  const auto where = path.string();
  struct stat status {};
  if (stat(where.c_str(), &status) != 0) return fail(Errc::not_found, where + ": " + errno_text(errno));
  if (S_ISDIR(status.st_mode)) return fail(Errc::unsupported, where + " is a directory; name one video file");
  if (!S_ISREG(status.st_mode)) return fail(Errc::unsupported, where + " is not a regular file; copy the video into one first");
  if (status.st_size == 0) return fail(Errc::malformed, where + " is empty");
  return ok();
}

Result<ClipFile> open_clip_file(const std::filesystem::path& path, std::optional<codec::Codec> codec) {
  const auto where = path.string();
  CAM_TRY_STATUS(check_input(path));
  ClipFile clip;
  auto map = MappedFile::open(path);
  if (!map) return fail_in(where, map.error());
  clip.map = std::move(*map);
  auto units = codec::open_clip(clip.map.bytes(), {codec});
  if (!units) return fail_in(where, units.error());
  clip.units = std::move(*units);
  clip.container = codec::to_string(clip.units->info().format);
  return clip;
}

}  // namespace camvault::cli
