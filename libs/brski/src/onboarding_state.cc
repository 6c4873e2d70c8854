#include "camvault/brski/onboarding_state.h"

#include <nlohmann/json.hpp>

#include "camvault/base/base64.h"
#include "camvault/base/file.h"

namespace camvault::brski {

using nlohmann::json;

namespace {
constexpr std::size_t kMaxState = 1 << 20;
constexpr int kVersion = 1;
}  // namespace

Result<OwnerState> read_owner(const std::filesystem::path& folder) {
  const auto file = folder / kOwnerFile;
  const auto content = read_file(file, kMaxState);
  if (!content && content.error().code == Errc::not_found) return OwnerState{};
  if (!content) return tl::unexpected(content.error());
  const auto bad = [&] { return fail(Errc::malformed, file.string() + " does not say who the owner is"); };
  const auto value = json::parse(as_text(*content), nullptr, false);
  if (!value.is_object()) return bad();
  try {
    if (value.value("version", 0) != kVersion)
      return fail(Errc::unsupported, file.string() + " has another version");
    OwnerState out;
    out.server = value.value("server", "");
    out.pinned_pem = value.value("pinned", "");
    out.reported = value.value("reported", false);
    CAM_TRY(out.voucher, read_base64(value.value("voucher", "")));
    return out;
  } catch (const json::exception&) {
    return bad();
  }
}

Status write_owner(const std::filesystem::path& folder, const OwnerState& state) {
  const json value{{"version", kVersion},
                   {"server", state.server},
                   {"pinned", state.pinned_pem},
                   {"voucher", write_base64(state.voucher)},
                   {"reported", state.reported}};
  return write_file_atomically(folder / kOwnerFile, as_bytes(value.dump(1) + "\n"));
}

Status forget_owner(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::remove(folder / kOwnerFile, error);
  if (error)
    return fail(Errc::io, "cannot remove " + (folder / kOwnerFile).string() + ": " + error.message());
  return ok();
}

}  // namespace camvault::brski
