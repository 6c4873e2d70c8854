#include "backends.h"

#include <algorithm>

#include "camvault/base/log.h"
#include "camvault/keystore/key_name.h"
#include "camvault/keystore_se05x/se05x_backend.h"
#include "camvault/keystore_software/software_backend.h"
#ifdef CAMVAULT_HAVE_PKCS11
#include "camvault/keystore_pkcs11/pkcs11_backend.h"
#endif
#ifdef CAMVAULT_HAVE_TPM2
#include "camvault/keystore_tpm2/tpm2_backend.h"
#endif

namespace camvault::keystored {

using keystore_engine::Backend;

namespace {
using BackendPtr = std::shared_ptr<Backend>;

// One row a type: another kind of module is another row here and nothing else in the daemon.
struct BackendType {
  std::string_view type;
  std::vector<std::string_view> options;
  Status (*check)(const BackendLine& line);
  Result<BackendPtr> (*make)(const BackendLine& line);
};

Status nothing_to_check(const BackendLine&) {
  return ok();
}

std::string option(const BackendLine& line, std::string_view name, std::string preset = {}) {
  const auto found = line.options.find(name);
  return found == line.options.end() ? preset : found->second;
}

#ifdef CAMVAULT_HAVE_PKCS11
// "a:b" as PATH has it.
std::vector<std::string> parts(const std::string& text) {
  std::vector<std::string> out;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto end = rest.find(':');
    out.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return out;
}

keystore_pkcs11::Pkcs11Options pkcs11_options(const BackendLine& line) {
  keystore_pkcs11::Pkcs11Options options;
  options.name = line.name;
  options.module = option(line, "module");
  options.uri = option(line, "uri", "pkcs11:");
  options.pin_file = option(line, "pin_file");
  if (const auto variable = option(line, "environment"); !variable.empty()) options.environment = {variable};
  for (const auto& path : parts(option(line, "reads"))) options.reads.emplace_back(path);
  for (const auto& path : parts(option(line, "writes"))) options.writes.emplace_back(path);
  options.unix_sockets = option(line, "sockets") == "yes";
  return options;
}
#endif
#ifdef CAMVAULT_HAVE_TPM2
keystore_tpm2::Tpm2Options tpm2_options(const BackendLine& line) {
  keystore_tpm2::Tpm2Options options;
  options.name = line.name;
  options.tcti = option(line, "tcti", options.tcti);
  return options;
}
#endif

keystore_se05x::Se05xConfig se05x_config(const BackendLine& line) {
  return {.name = line.name,
          .bus = option(line, "bus"),
          .scp03_keys = option(line, "scp03_keys"),
          .journal = option(line, "journal"),
          .login_object = option(line, "login_object"),
          .login_key = option(line, "login_key")};
}

const std::vector<BackendType>& backend_types() {
  static const std::vector<BackendType> types = {
      {.type = "software",
       .options = {},
       .check = nothing_to_check,
       .make = [](const BackendLine& line) -> Result<BackendPtr> {
         return keystore_software::make_software_backend(line.name);
       }},
#ifdef CAMVAULT_HAVE_PKCS11
      {.type = "pkcs11",
       .options = {"module", "uri", "pin_file", "environment", "reads", "writes", "sockets"},
       .check = [](const BackendLine& line) { return keystore_pkcs11::check_options(pkcs11_options(line)); },
       .make =
           [](const BackendLine& line) {
             return keystore_pkcs11::make_pkcs11_backend(pkcs11_options(line));
           }},
#endif
#ifdef CAMVAULT_HAVE_TPM2
      {.type = "tpm2",
       .options = {"tcti"},
       .check = [](const BackendLine& line) { return keystore_tpm2::check_options(tpm2_options(line)); },
       .make = [](const BackendLine& line) { return keystore_tpm2::make_tpm2_backend(tpm2_options(line)); }},
#endif
      {.type = "se05x",
       .options = {"bus", "scp03_keys", "journal", "login_object", "login_key"},
       .check = [](const BackendLine& line) { return keystore_se05x::check_config(se05x_config(line)); },
       .make =
           [](const BackendLine& line) { return keystore_se05x::make_se05x_backend(se05x_config(line)); }},
  };
  return types;
}

const BackendType* find_type(std::string_view type) {
  for (const auto& known : backend_types()) {
    if (known.type == type) return &known;
  }
  return nullptr;
}

// Stands where a backend could not be made, so that its keys are "not there now" and not "damaged".
class AbsentBackend final : public Backend {
 public:
  AbsentBackend(const BackendLine& line, std::string why)
      : name_(line.name), kind_(line.type), why_(std::move(why)) {}

  std::string_view name() const override { return name_; }
  std::string_view kind() const override { return kind_; }
  keystore_engine::Capabilities capabilities() const override {
    return {.key_types = {}, .protection = "Not known: the module could not be loaded."};
  }
  keystore_engine::Health health() const override { return {.usable = false, .detail = why_}; }
  bool is_quick(keystore::KeyType) const override { return true; }
  std::size_t parallel() const override { return 1; }
  Result<keystore_engine::NewKey> generate(keystore::KeyType) override { return absent(); }
  Result<keystore_engine::NewKey> import_key(keystore::KeyType, const Secret&) override { return absent(); }
  Result<std::shared_ptr<const keystore_engine::BackendKey>> open(keystore::KeyType, const Secret&) override {
    return absent();
  }
  Status destroy(keystore::KeyType, const Secret&) override { return absent(); }
  Status random(std::span<std::uint8_t>) override { return absent(); }

 private:
  tl::unexpected<Error> absent() const { return fail(Errc::unavailable, name_ + ": " + why_); }

  const std::string name_;
  const std::string kind_;
  const std::string why_;
};
}  // namespace

Status check_backend(const BackendLine& line) {
  if (!keystore::is_backend_name(line.name))
    return fail(Errc::usage, "a backend's name is 1 to 32 characters of a-z 0-9 . _ -");
  const auto* type = find_type(line.type);
  if (type == nullptr) {
    std::string known;
    for (const auto& other : backend_types()) known += " " + std::string(other.type);
    return fail(Errc::usage,
                "there is no backend type " + line.type + "; this keystored was built with:" + known);
  }
  for (const auto& [option, value] : line.options) {
    if (std::find(type->options.begin(), type->options.end(), option) == type->options.end())
      return fail(Errc::usage,
                  "backend " + line.name + ": the type " + line.type + " has no option " + option);
  }
  if (auto checked = type->check(line); !checked) return fail_in("backend " + line.name, checked.error());
  return ok();
}

std::vector<BackendPtr> make_backends(const std::vector<BackendLine>& lines) {
  std::vector<BackendPtr> backends;
  for (const auto& line : lines) {
    auto made = find_type(line.type)->make(line);
    if (!made) log(LogLevel::error, "backend " + line.name + " is not usable: " + made.error().what);
    backends.push_back(made ? std::move(*made) : std::make_shared<AbsentBackend>(line, made.error().what));
  }
  return backends;
}

keystore_engine::SandboxNeeds needs_of(const std::vector<BackendPtr>& backends) {
  keystore_engine::SandboxNeeds all;
  for (const auto& backend : backends) {
    auto needs = backend->needs();
    std::move(needs.paths.begin(), needs.paths.end(), std::back_inserter(all.paths));
    all.unix_sockets = all.unix_sockets || needs.unix_sockets;
    all.foreign_code = all.foreign_code || needs.foreign_code;
  }
  return all;
}

}  // namespace camvault::keystored
