#include "camvault/network/credentials.h"

#include <sys/stat.h>

#include "camvault/base/file.h"
#include "camvault/network/time_policy.h"

namespace camvault::network {

namespace {
constexpr std::size_t kMaxChainFile = 256 * 1024;

struct Place {
  IdentityKind kind;
  std::string_view key;
  std::string_view chain;
};
// P-256 before RSA: its handshake is the shortest, and most networks take it.
constexpr Place kPlaces[] = {{IdentityKind::ldevid, "camera/ldevid", "ldevid-chain.pem"},
                             {IdentityKind::idevid, "camera/idevid", "idevid-chain.pem"},
                             {IdentityKind::idevid, "camera/idevid-rsa-2048", "idevid-rsa-2048-chain.pem"},
                             {IdentityKind::idevid, "camera/idevid-rsa-4096", "idevid-rsa-4096-chain.pem"}};

// The name of the key that the certificate is for. An owner's is made anew at each renewal:
// "camera/ldevid-1", "-2".
Result<std::string> key_of(const Place& place, const crypto::Certificate& leaf,
                           keystore::Keystore& keystore) {
  std::vector<std::string> names{std::string(place.key)};
  if (place.kind == IdentityKind::ldevid) {
    CAM_TRY(const auto all, keystore.list());
    for (const auto& key : all)
      if (key.name.text().starts_with(std::string(place.key) + "-")) names.push_back(key.name.text());
  }
  std::string why = "the certificate is not for key " + std::string(place.key);
  for (const auto& text : names) {
    CAM_TRY(const auto name, keystore::KeyName::parse(text));
    const auto spki = keystore.public_key(name);
    if (spki && equal(leaf.key->spki_der(), *spki)) return text;
    if (!spki) why = "key " + text + ": " + spki.error().what;
  }
  return fail(Errc::invalid, why);
}

Result<Credential> look_at(const Place& place, const std::filesystem::path& chain_path,
                           keystore::Keystore& keystore, const crypto::Engine& engine) {
  CAM_TRY(const auto pem, read_file(chain_path, kMaxChainFile));
  CAM_TRY(const auto chain, engine.certificates_from_pem(as_text(pem)));
  if (chain.empty()) return fail(Errc::malformed, "no certificate");
  const auto& leaf = chain.front();
  if (leaf.key == nullptr) return fail(Errc::unsupported, "a key of a kind that is not known");
  CAM_TRY(const auto key, key_of(place, leaf, keystore));
  Credential found;
  found.kind = place.kind;
  found.key = key;
  found.chain = chain_path;
  found.algorithm = leaf.key->alg();
  found.device_serial = leaf.device_serial;
  found.not_before = leaf.not_before;
  found.not_after = leaf.not_after;
  found.fingerprint = leaf.sha256;
  return found;
}
}  // namespace

std::string_view to_string(IdentityKind kind) {
  return kind == IdentityKind::ldevid ? "ldevid" : "idevid";
}

std::string chains_mark(const std::filesystem::path& identity_folder) {
  struct stat now {};
  if (stat(identity_folder.c_str(), &now) != 0) return "absent";
  std::string mark;
  for (const auto& place : kPlaces) {
    if (stat((identity_folder / place.chain).c_str(), &now) != 0) now = {};
    mark += std::to_string(now.st_ino) + "." + std::to_string(now.st_mtim.tv_sec) + "." +
            std::to_string(now.st_mtim.tv_nsec) + "." + std::to_string(now.st_size) + " ";
  }
  return mark;
}

std::vector<Timestamp> beginnings(const Credentials& credentials) {
  std::vector<Timestamp> times;
  times.reserve(credentials.usable.size());
  for (const auto& credential : credentials.usable) times.push_back(credential.not_before);
  return times;
}

Credentials find_credentials(const std::filesystem::path& identity_folder, keystore::Keystore& keystore,
                             const crypto::Engine& engine, Timestamp now) {
  Credentials credentials;
  for (const auto& place : kPlaces) {
    const auto path = identity_folder / place.chain;
    std::error_code error;
    if (!std::filesystem::exists(path, error)) continue;
    auto found = look_at(place, path, keystore, engine);
    if (found) {
      credentials.usable.push_back(std::move(*found));
    } else {
      credentials.left_out.push_back(std::string(place.chain) + ": " + found.error().what);
    }
  }
  const auto clock = judge_clock(now, beginnings(credentials));
  if (!clock.plausible) return credentials;
  std::erase_if(credentials.usable, [&](const Credential& credential) {
    if (credential.not_after >= now) return false;
    credentials.left_out.push_back(credential.chain.filename().string() + ": it ended at " +
                                   to_iso8601(credential.not_after));
    return true;
  });
  return credentials;
}

}  // namespace camvault::network
