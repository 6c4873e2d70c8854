// A factory with local keys in a temporary folder, and cameras for it.
#pragma once

#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/crypto_openssl/local_key.h"
#include "camvault/identity/factory.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::identity::test {

using crypto::KeyAlg;
using crypto_openssl::LocalKey;

class FixedClock final : public Clock {
 public:
  Timestamp now() const override { return time; }
  Timestamp time = from_iso8601("2026-03-01T12:00:00Z").value();
};

inline FactorySettings settings() {
  FactorySettings out;
  out.organization = "Acme Cameras";
  out.country = "SE";
  return out;
}

struct Camera {
  std::unique_ptr<LocalKey> identity;
  std::unique_ptr<LocalKey> media_signing;

  static Camera make(KeyAlg alg = KeyAlg::ec_p256) {
    return {LocalKey::generate(alg).value(), LocalKey::generate(alg).value()};
  }
  ProvisionRequest request(std::string_view serial) const {
    return make_provision_request(serial, *identity, *media_signing).value();
  }
};

// Memory, where 4000 fsyncs cost nothing: for tests of many cameras that are not about the disk.
inline std::filesystem::path fast_folder() {
  return std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path();
}

struct Site {
  explicit Site(KeyAlg alg = KeyAlg::ec_p256, FactorySettings with = settings(),
                const std::filesystem::path& in = std::filesystem::temp_directory_path())
      : folder(in), root_key(LocalKey::generate(alg).value()), ca_key(LocalKey::generate(alg).value()) {
    auto made = Factory::init(path(), with, *root_key, *ca_key, clock, *engine);
    if (!made) throw std::runtime_error(made.error().what);
    factory = std::make_unique<Factory>(std::move(*made));
  }
  std::filesystem::path path() const { return folder / "factory"; }
  Result<DeviceCertificates> provision(const Camera& camera, std::string_view serial) {
    return factory->provision(*ca_key, camera.request(serial));
  }
  // As a new process would.
  void reopen() {
    factory.reset();
    factory = std::make_unique<Factory>(Factory::open(path(), clock, *engine).value());
  }

  test_support::TemporaryFolder folder;
  FixedClock clock;
  std::unique_ptr<crypto::Engine> engine = crypto_openssl::make_openssl_engine();
  std::unique_ptr<LocalKey> root_key;
  std::unique_ptr<LocalKey> ca_key;
  std::unique_ptr<Factory> factory;
};

}  // namespace camvault::identity::test
