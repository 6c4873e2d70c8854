// The engine over the software backend, and those who call it. For tests.
#pragma once

#include "camvault/keystore_engine/engine.h"

#include <gtest/gtest.h>

#include <mutex>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/keystore_software/root_key_file.h"
#include "camvault/keystore_software/software_backend.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::keystore_engine {
using crypto::HashAlg;
using crypto::SignatureScheme;
using keystore::default_policy;
using keystore::Purpose;
using keystore::ServiceError;

inline constexpr Caller kCamera{.uid = 100, .gid = 100, .pid = 1};
inline constexpr Caller kSecond{.uid = 101, .gid = 101, .pid = 1};
inline constexpr Caller kManager{.uid = 102, .gid = 102, .pid = 1};
inline constexpr Caller kStranger{.uid = 999, .gid = 999, .pid = 1};
inline constexpr Caller kRoot{.uid = 0, .gid = 0, .pid = 1};

class FixedClock final : public Clock {
 public:
  Timestamp now() const override { return from_unix_seconds(1'700'000'000); }
};

class EngineTest : public testing::Test {
 protected:
  EngineTest() { reopen(); }

  EngineConfig config() {
    ApplicationRule camera;
    camera.name = "camera";
    camera.uid = kCamera.uid;
    camera.users = {kSecond.uid};
    camera.managers = {kManager.uid};
    camera.import = true;
    return {.key_folder = folder_ / "keys",
            .rules = AccessRules::make({camera}).value(),
            .backends = {keystore_software::make_software_backend()},
            .sealer = sealer_,
            .clock = std::make_shared<FixedClock>(),
            .audit =
                [this](const Decision& d) {
                  const std::lock_guard lock(audit_mutex_);
                  audit_.push_back(std::to_string(d.who.uid) + " " + std::string(to_string(d.operation)) +
                                   " " + std::string(d.key) + (d.allowed ? " allowed" : " refused"));
                },
            .step = {},
            .sha256 = keystore_software::sha256};
  }
  void reopen() {
    engine_.reset();
    auto engine = Engine::open(config());
    ASSERT_TRUE(engine) << engine.error().what;
    engine_ = std::move(*engine);
  }
  static KeyName name(std::string_view text) { return KeyName::parse(text).value(); }
  static KeyUse signing(std::string_view text) { return {name(text), Purpose::media_signing}; }
  static crypto::Digest digest() {
    crypto::Digest d;
    d.size = 32;
    return d;
  }
  void make_key(std::string_view text, std::vector<std::uint32_t> uids = {}) {
    auto policy = default_policy(KeyType::ec_p256, Purpose::media_signing);
    policy.uids = std::move(uids);
    const auto made = engine_->generate(kManager, name(text), KeyType::ec_p256, policy);
    ASSERT_TRUE(made) << made.error().why;
  }
  ServiceError sign_error(const Caller& who, const KeyUse& use,
                          SignatureScheme scheme = SignatureScheme::ecdsa, HashAlg hash = HashAlg::sha256) {
    auto d = digest();
    d.size = static_cast<std::uint8_t>(crypto::digest_size(hash));
    const auto signature = engine_->sign_digest(who, use, scheme, hash, d);
    return signature ? ServiceError{} : signature.error().error;
  }
  std::filesystem::path file_of(std::string_view text) { return folder_ / "keys" / file_name_of(name(text)); }

  static constexpr ServiceError kNone{};
  test_support::TemporaryFolder folder_;
  std::shared_ptr<Sealer> sealer_ = keystore_software::make_volatile_root_key();
  std::mutex audit_mutex_;
  std::vector<std::string> audit_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace camvault::keystore_engine
