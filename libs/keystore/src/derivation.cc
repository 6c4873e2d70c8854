#include "camvault/keystore/derivation.h"

namespace camvault::keystore {

namespace {
constexpr Kdf kAllKdfs[] = {Kdf::hkdf_sha256, Kdf::pbkdf2_sha256, Kdf::wpa_psk};
}  // namespace

std::string_view to_string(Kdf kdf) {
  switch (kdf) {
    case Kdf::hkdf_sha256:
      return "hkdf-sha256";
    case Kdf::pbkdf2_sha256:
      return "pbkdf2-sha256";
    case Kdf::wpa_psk:
      return "wpa-psk";
  }
  return "?";
}

Result<Kdf> kdf_from_string(std::string_view text) {
  for (const auto kdf : kAllKdfs) {
    if (to_string(kdf) == text) return kdf;
  }
  return fail(Errc::usage, "unknown derivation; known are hkdf-sha256, pbkdf2-sha256 and wpa-psk");
}

Status check_derivation(const Derivation& d) {
  if (d.size == 0 || d.size > kMaxDerived) return fail(Errc::usage, "1 to 512 bytes are derived");
  if (d.kdf != Kdf::hkdf_sha256 && !d.info.empty()) return fail(Errc::usage, "only HKDF takes an info");
  switch (d.kdf) {
    case Kdf::hkdf_sha256:
      return d.rounds == 0 ? ok() : Status(fail(Errc::usage, "HKDF has no rounds"));
    case Kdf::pbkdf2_sha256:
      if (d.salt.size() < kMinPbkdf2Salt) return fail(Errc::usage, "a salt of PBKDF2 has 8 bytes or more");
      if (d.rounds < kMinRounds || d.rounds > kMaxRounds)
        return fail(Errc::usage, "PBKDF2 takes 1000 to 1000000 rounds");
      return ok();
    case Kdf::wpa_psk:
      if (d.salt.empty() || d.salt.size() > kMaxSsid) return fail(Errc::usage, "an SSID has 1 to 32 bytes");
      if (d.rounds != kWpaRounds || d.size != kWpaPsk)
        return fail(Errc::usage, "a WPA key has 32 bytes and 4096 rounds");
      return ok();
  }
  return fail(Errc::usage, "unknown derivation");
}

}  // namespace camvault::keystore
