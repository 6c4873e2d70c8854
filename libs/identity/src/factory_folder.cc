#include "factory_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

namespace camvault::identity {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {
constexpr int kVersion = 1;
constexpr std::size_t kMaxFile = 256 * 1024;
constexpr std::size_t kFewFiles = 8;
constexpr std::chrono::seconds kLockDeadline{3};
constexpr std::chrono::milliseconds kLockRetry{20};
}  // namespace

Result<UniqueFd> lock_folder(const fs::path& folder) {
  const auto path = folder / kLockFile;
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) {
    const auto code = errno == ENOENT ? Errc::not_found : errno == EACCES ? Errc::denied : Errc::io;
    return fail(code, "cannot open " + path.string() + ": " + errno_text(errno));
  }
  const auto deadline = std::chrono::steady_clock::now() + kLockDeadline;
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return fail(Errc::io, "cannot lock " + path.string() + ": " + errno_text(errno));
    if (std::chrono::steady_clock::now() > deadline) {
      return fail(Errc::unavailable, "another process is working in " + folder.string());
    }
    std::this_thread::sleep_for(kLockRetry);
  }
  return fd;
}

Status write_settings(const fs::path& folder, const FactorySettings& settings) {
  json out{{"v", kVersion},
           {"organization", settings.organization},
           {"country", settings.country},
           {"product", settings.product},
           {"module_type_oid", settings.module_type_oid}};
  out["media_supplement"] = settings.media_supplement;
  if (settings.orders_required) out["orders_required"] = true;
  if (settings.media_signing_validity)
    out["media_signing_validity_days"] = settings.media_signing_validity->count();
  const auto text = out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
  return write_file_atomically(folder / kSettingsFile, as_bytes(text));
}

Result<FactorySettings> read_settings(const fs::path& folder) {
  const auto path = folder / kSettingsFile;
  CAM_TRY(const auto content, read_file(path, kMaxFile));
  const auto in = json::parse(as_text(content), nullptr, false);
  const auto bad = [&] { return fail(Errc::malformed, path.string() + " is not a factory's settings"); };
  if (!in.is_object()) return bad();
  const auto version = in.find("v");
  if (version == in.end() || *version != kVersion)
    return fail(Errc::unsupported, path.string() + " is of another version");
  FactorySettings out;
  out.media_supplement = false;  // factories from before there were supplements promise none
  for (const auto& [name, value] : in.items()) {
    std::string* const text = name == "organization"      ? &out.organization
                              : name == "country"         ? &out.country
                              : name == "product"         ? &out.product
                              : name == "module_type_oid" ? &out.module_type_oid
                                                          : nullptr;
    if (text != nullptr && value.is_string()) {
      *text = value.get<std::string>();
    } else if (name == "media_signing_validity_days" && value.is_number_integer()) {
      out.media_signing_validity = std::chrono::days(value.get<std::int32_t>());
    } else if (name == "media_supplement" && value.is_boolean()) {
      out.media_supplement = value.get<bool>();
    } else if (name == "orders_required" && value.is_boolean()) {
      out.orders_required = value.get<bool>();
    } else if (name != "v") {
      return bad();  // a misspelled setting must not be a default
    }
  }
  return out;
}

Result<crypto::Certificate> read_certificate(const crypto::Engine& engine, const fs::path& file) {
  CAM_TRY(const auto content, read_file(file, kMaxFile));
  auto list = engine.certificates_from_pem(as_text(content), 1);
  if (!list) return fail_in(file.string(), std::move(list).error());
  return std::move(list->front());
}

namespace {
fs::path folder_of_issued(const fs::path& folder, std::uint16_t ca) {
  return folder /
         (ca == 0 ? std::string(kIssuedFolder) : std::string(kIssuedFolder) + "-" + std::to_string(ca));
}

Status write_whole(const fs::path& path, std::string_view text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd.valid()) return fail(Errc::io, "cannot write " + path.string() + ": " + errno_text(errno));
  while (!text.empty()) {
    const auto written = ::write(fd.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return fail(Errc::io, "cannot write " + path.string() + ": " + errno_text(errno));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ok();
}
}  // namespace

fs::path issued_file(const fs::path& folder, std::string_view serial, std::uint16_t ca) {
  return folder_of_issued(folder, ca) / (std::string(serial) + ".pem");
}

fs::path further_file(const fs::path& folder, std::string_view serial, std::string_view use,
                      std::uint16_t ca) {
  // No serial number has a '_': the name of one camera's file is never that of another's.
  return folder_of_issued(folder, ca) / (std::string(serial) + "_" + std::string(use) + ".pem");
}

Status write_files_together(const fs::path& folder,
                            const std::vector<std::pair<fs::path, std::string>>& files) {
  const bool few = files.size() <= kFewFiles;
  fs::path made;
  for (const auto& [path, text] : files) {
    if (path.parent_path() != made) {
      std::error_code error;
      fs::create_directories(path.parent_path(), error);
      if (error) return fail(Errc::io, path.parent_path().string() + ": " + error.message());
      made = path.parent_path();
    }
    // syncfs waits for what others wrote, too: for a few files it is the longer way.
    CAM_TRY_STATUS(few ? write_file_atomically(path, as_bytes(text)) : write_whole(path, text));
  }
  if (few) return ok();
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::syncfs(fd.get()) != 0)
    return fail(Errc::io, "cannot sync " + folder.string() + ": " + errno_text(errno));
  return ok();
}

}  // namespace camvault::identity
