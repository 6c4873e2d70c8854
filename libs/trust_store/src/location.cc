#include "camvault/trust_store/location.h"

namespace camvault::trust_store {

std::filesystem::path default_location(const Environment& environment) {
  if (const auto own = environment("CAMVAULT_TRUST")) return *own;
  const std::filesystem::path xdg = environment("XDG_CONFIG_HOME").value_or("");
  if (xdg.is_absolute()) return xdg / "camvault" / "trust";
  const std::filesystem::path home = environment("HOME").value_or("");
  if (home.is_absolute()) return home / ".config" / "camvault" / "trust";
  return {};
}

}  // namespace camvault::trust_store
