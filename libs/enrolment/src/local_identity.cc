#include "camvault/enrolment/local_identity.h"

#include <nlohmann/json.hpp>

#include "camvault/base/file.h"

namespace camvault::enrolment {

using nlohmann::json;

namespace {
constexpr std::size_t kMaxState = 1 << 20;
constexpr int kVersion = 1;

json to_json(const std::optional<KeyedChain>& chain) {
  return chain ? json{{"key", chain->key}, {"chain", chain->chain_pem}} : json(nullptr);
}

std::optional<KeyedChain> chain_from(const json& value) {
  if (!value.is_object()) return std::nullopt;
  return KeyedChain{value.value("key", ""), value.value("chain", "")};
}
}  // namespace

Result<LocalIdentity> read_local_identity(const std::filesystem::path& folder, std::string_view state_file) {
  const auto file = folder / state_file;
  const auto content = read_file(file, kMaxState);
  if (!content && content.error().code == Errc::not_found) return LocalIdentity{};
  if (!content) return tl::unexpected(content.error());
  const auto bad = [&] { return fail(Errc::malformed, file.string() + " is not the state of an enrolment"); };
  const auto value = json::parse(as_text(*content), nullptr, false);
  if (!value.is_object()) return bad();
  try {
    if (value.value("version", 0) != kVersion)
      return fail(Errc::unsupported, file.string() + " has another version");
    LocalIdentity out;
    out.server = value.value("server", "");
    out.keys_made = value.value("keys_made", std::uint64_t{0});
    out.active = chain_from(value.value("active", json()));
    out.previous = chain_from(value.value("previous", json()));
    out.pending_key = value.value("pending_key", "");
    out.anchors_pem = value.value("anchors", "");
    return out;
  } catch (const json::exception&) {
    return bad();
  }
}

Status write_state(const std::filesystem::path& file, const LocalIdentity& identity) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  if (error) return fail(Errc::io, "cannot create " + file.parent_path().string() + ": " + error.message());
  const json value{{"version", kVersion},
                   {"server", identity.server},
                   {"keys_made", identity.keys_made},
                   {"active", to_json(identity.active)},
                   {"previous", to_json(identity.previous)},
                   {"pending_key", identity.pending_key},
                   {"anchors", identity.anchors_pem}};
  return write_file_atomically(file, as_bytes(value.dump(1) + "\n"));
}

Status write_local_identity(const std::filesystem::path& folder, const LocalIdentity& identity) {
  CAM_TRY_STATUS(write_state(folder / kStateFile, identity));
  if (!identity.anchors_pem.empty())
    CAM_TRY_STATUS(write_file_atomically(folder / kAnchorsFile, as_bytes(identity.anchors_pem)));
  if (!identity.active) return ok();
  return write_file_atomically(folder / kChainFile, as_bytes(identity.active->chain_pem));
}

}  // namespace camvault::enrolment
