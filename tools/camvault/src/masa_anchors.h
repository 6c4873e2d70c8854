// For zero touch (docs/zero-touch.md): who signs vouchers of a maker goes into his cameras' identity folders.
#pragma once

#include <filesystem>

#include "camvault/crypto/engine.h"

namespace camvault::cli {

// Errc::malformed without a certificate in the file.
Status install_masa_anchors(const crypto::Engine& engine, const std::filesystem::path& file,
                            const std::filesystem::path& camera_root);
// Those that a factory has in its folder; nothing if it has none.
Status install_masa_anchors_of(const crypto::Engine& engine, const std::filesystem::path& factory_folder,
                               const std::filesystem::path& camera_root);

}  // namespace camvault::cli
