// A file that the user asked for.
#pragma once

#include <filesystem>

#include "camvault/base/bytes.h"
#include "camvault/base/result.h"

namespace camvault::cli {

// In one step. Whatever stands in the way is Errc::io, a missing folder too: not input that cannot be read.
Status write_output(const std::filesystem::path& path, BytesView content);

}  // namespace camvault::cli
