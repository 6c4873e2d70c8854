// The HTML report of a verification, with pictures of the affected places.
#pragma once

#include <filesystem>

#include "verification.h"

namespace camvault::cli {

// Decodes the pictures (in the container module's sandboxed child) and writes the file in one step. A picture
// that cannot be decoded is left out; the report comes out all the same.
// `reference`: the recording before it was altered, if there is one: altered pictures are shown beside what
// stands in their place there.
Status write_html_report(const std::filesystem::path& clip, const Verification& verification,
                         const std::filesystem::path& out, const std::filesystem::path& reference = {});

}  // namespace camvault::cli
