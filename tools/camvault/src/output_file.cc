#include "output_file.h"

#include "camvault/base/file.h"

namespace camvault::cli {

Status write_output(const std::filesystem::path& path, BytesView content) {
  if (auto written = write_file_atomically(path, content); !written)
    return fail(Errc::io, path.string() + ": " + written.error().what);
  return ok();
}

}  // namespace camvault::cli
