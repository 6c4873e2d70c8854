#include "profile_folder.h"

#include "camvault/base/file.h"

namespace camvault::identity {

namespace fs = std::filesystem;

namespace {
constexpr std::size_t kMaxProfiles = 64;
}

Result<std::map<std::string, CertificateRules, std::less<>>> read_profiles(const fs::path& folder) {
  std::map<std::string, CertificateRules, std::less<>> out;
  for (const auto& [name, text] : built_in_profiles()) {
    CAM_TRY(auto rules, parse_profile(text));
    out.emplace(name, std::move(rules));
  }
  std::error_code error;
  std::size_t count = 0;
  for (fs::directory_iterator at(folder / kProfilesFolder, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().extension() != ".toml") continue;
    if (++count > kMaxProfiles) return fail(Errc::limit, "more than 64 profiles");
    CAM_TRY(const auto text, read_file(at->path(), kMaxProfileFile));
    auto rules = parse_profile(as_text(text));
    if (!rules) return fail_in(at->path().string(), rules.error());
    if (rules->name != at->path().stem())
      return fail(Errc::malformed, at->path().string() + " is named as another profile than it holds");
    out.insert_or_assign(rules->name, *rules);
  }
  if (error && error != std::errc::no_such_file_or_directory)
    return fail(Errc::io, (folder / kProfilesFolder).string() + ": " + error.message());
  for (const auto& [name, rules] : out) {
    const bool known = rules.issuer == "self" || (out.contains(rules.issuer) && out.at(rules.issuer).ca);
    if (!known) return fail(Errc::invalid, "profile " + name + ": its issuer is no authority's profile");
  }
  return out;
}

Status write_profiles(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder / kProfilesFolder, error);
  if (error) return fail(Errc::io, (folder / kProfilesFolder).string() + ": " + error.message());
  for (const auto& [name, text] : built_in_profiles()) {
    const auto file = folder / kProfilesFolder / (name + ".toml");
    if (!fs::exists(file, error)) CAM_TRY_STATUS(write_file_atomically(file, as_bytes(text)));
  }
  return ok();
}

}  // namespace camvault::identity
