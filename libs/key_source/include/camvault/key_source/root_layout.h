// Where things are under `--root DIR`; the default "/" is the installed system. docs/camera.md prints the
// same table.
#pragma once

#include <filesystem>

namespace camvault::key_source {

struct RootLayout {
  std::filesystem::path root = "/";

  // A camera's (or factory's) keystored listens here.
  std::filesystem::path keystore_socket() const { return root / "run/camvault/keystored.sock"; }
  // Certificates are public: readable by all, written by `camvault factory`.
  std::filesystem::path identity_folder() const { return root / "var/lib/camvault/identity"; }
  std::filesystem::path media_signing_chain() const { return identity_folder() / "media-signing-chain.pem"; }
  // A key that was renewed, and its chain (media_key.h); without it the factory's.
  std::filesystem::path current_media_key() const { return identity_folder() / "media-signing-current.pem"; }
  std::filesystem::path device_identity_chain() const { return identity_folder() / "idevid-chain.pem"; }
  // Of the attestation key of the camera's module: camvault factory enroll.
  std::filesystem::path attestation_chain() const { return identity_folder() / "attestation-chain.pem"; }
  std::filesystem::path factory_folder() const { return root / "var/lib/camvault/factory"; }
  std::filesystem::path root_ca() const { return factory_folder() / "root-ca.pem"; }
};

}  // namespace camvault::key_source
