// The seal of ONVIF's Export File Format: written into an MP4, and checked.
#pragma once

#include <filesystem>
#include <optional>

#include "camvault/crypto/engine.h"
#include "camvault/evidence/export_box.h"
#include "report_signing.h"

namespace camvault::cli {

// Appends the meta box; with an examiner it is sealed over the whole file.
Status write_export_box(const std::filesystem::path& mp4, const evidence::ExportInfo& info,
                        const Examiner* examiner, const crypto::Engine& engine);

struct SealCheck {
  evidence::ExportInfo info;
  std::size_t seals = 0;
  std::size_t broken = 0;  // seals that the file does not fit any more
  std::string sealed_by;   // of the first seal
};
// Nothing when the file is no export.
Result<std::optional<SealCheck>> check_seal(const crypto::Engine& engine, const std::filesystem::path& clip);

}  // namespace camvault::cli
