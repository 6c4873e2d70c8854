#include "clip_file.h"

#include <sys/stat.h>

#include "camvault/base/file.h"
#include "camvault/container/media_source.h"

namespace camvault::cli {

Result<std::optional<codec::Codec>> codec_from_name(const std::string& name) {
  if (name.empty()) return std::optional<codec::Codec>{};
  if (name == "h264") return std::optional(codec::Codec::h264);
  if (name == "h265") return std::optional(codec::Codec::h265);
  if (name == "av1") return std::optional(codec::Codec::av1);
  return fail(Errc::usage, "codec must be h264, h265 or av1, not " + name);
}

Status check_input(const std::filesystem::path& path) {
  const auto where = path.string();
  struct stat status {};
  if (stat(where.c_str(), &status) != 0) return fail(Errc::not_found, where + ": " + errno_text(errno));
  if (S_ISDIR(status.st_mode)) return fail(Errc::unsupported, where + " is a directory; name one video file");
  if (!S_ISREG(status.st_mode))
    return fail(Errc::unsupported, where + " is not a regular file; copy the video into one first");
  if (status.st_size == 0) return fail(Errc::malformed, where + " is empty");
  return ok();
}

Result<ClipFile> open_clip_file(const std::filesystem::path& path, const codec::ClipOptions& options) {
  const auto where = path.string();
  CAM_TRY_STATUS(check_input(path));
  ClipFile clip;
  auto units = container::open_media(path, options);
  if (!units) {
    // Some errors name the file themselves.
    if (units.error().what.find(where) != std::string::npos) return tl::unexpected(units.error());
    return fail_in(where, units.error());
  }
  clip.units = std::move(*units);
  std::error_code ignored;
  clip.bytes = std::filesystem::file_size(path, ignored);
  return clip;
}

}  // namespace camvault::cli
