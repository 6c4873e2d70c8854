#include "masa_anchors.h"

#include "camvault/base/file.h"
#include "camvault/brski/onboarding_state.h"
#include "camvault/key_source/root_layout.h"

namespace camvault::cli {

namespace {
constexpr std::size_t kMaxAnchors = 256 * 1024;
}  // namespace

Status install_masa_anchors(const crypto::Engine& engine, const std::filesystem::path& file,
                            const std::filesystem::path& camera_root) {
  CAM_TRY(const auto pem, read_file(file, kMaxAnchors));
  const auto anchors = engine.certificates_from_pem(as_text(pem));
  if (!anchors || anchors->empty()) return fail(Errc::malformed, file.string() + " holds no certificate");
  return write_file_atomically(key_source::RootLayout{camera_root}.identity_folder() / brski::kMasaAnchors,
                               pem);
}

Status install_masa_anchors_of(const crypto::Engine& engine, const std::filesystem::path& factory_folder,
                               const std::filesystem::path& camera_root) {
  const auto file = factory_folder / brski::kMasaAnchors;
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return ok();
  return install_masa_anchors(engine, file, camera_root);
}

}  // namespace camvault::cli
