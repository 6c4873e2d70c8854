// The same modules behind keystored's engine: policies, two at once, power cuts, and names that move.
// AX-3.1-3, NA-2.3-2, SP-4.2.11.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "camvault/keystore_engine/engine.h"
#include "camvault/keystore_software/root_key_file.h"
#include "camvault/keystore_software/software_backend.h"
#include "conformance.h"

namespace camvault::conformance {
namespace {

using keystore::default_policy;
using keystore::KeyName;
using keystore::KeyUse;
using keystore::MoveMode;
using keystore::Purpose;
using keystore::ServiceError;
using keystore_engine::AccessRules;
using keystore_engine::ApplicationRule;
using keystore_engine::Caller;
using keystore_engine::Engine;

constexpr Caller kCamera{.uid = 100, .gid = 100, .pid = 1};
constexpr Caller kStranger{.uid = 999, .gid = 999, .pid = 1};

KeyName name(std::string_view text) {
  return KeyName::parse(text).value();
}

class EngineConformance : public Conformance {
 protected:
  void SetUp() override {
    Conformance::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    sealer_ = keystore_software::open_root_key(folder_ / "root.key", true).value();
    open_engine();
  }
  std::unique_ptr<Engine> make_engine(std::shared_ptr<Backend> backend) {
    ApplicationRule camera;
    camera.name = "camera";
    camera.uid = kCamera.uid;
    camera.managers = {kCamera.uid};
    camera.import = true;
    auto engine =
        Engine::open({.key_folder = folder_ / "keys",
                      .rules = AccessRules::make({camera}).value(),
                      .backends = {std::move(backend), keystore_software::make_software_backend("soft")},
                      .sealer = sealer_,
                      .clock = std::make_shared<SystemClock>(),
                      .audit = {},
                      .step = {},
                      .sha256 = keystore_software::sha256});
    return engine ? std::move(*engine) : nullptr;
  }
  void open_engine() {
    engine_.reset();
    engine_ = make_engine(backend_);
    ASSERT_NE(engine_, nullptr);
  }
  keystore::Answer<keystore::KeyInfo> generate(std::string_view text, std::string_view backend) {
    const auto type = signing_type();
    return engine_->generate(kCamera, name(text), type, default_policy(type, Purpose::media_signing),
                             backend);
  }
  keystore::Answer<Bytes> use(std::string_view text) {
    const auto scheme = schemes_of(signing_type()).front();
    const auto digest = openssl_->digest(HashAlg::sha256, as_bytes("message"));
    return engine_->sign_digest(kCamera, {name(text), Purpose::media_signing}, scheme, HashAlg::sha256,
                                digest);
  }
  ServiceError sign_error(std::string_view text, const Caller& who = kCamera,
                          Purpose purpose = Purpose::media_signing) {
    const auto scheme = schemes_of(signing_type()).front();
    const auto digest = openssl_->digest(HashAlg::sha256, as_bytes("message"));
    const auto signature = engine_->sign_digest(who, {name(text), purpose}, scheme, HashAlg::sha256, digest);
    if (!signature) {
      last_why_ = signature.error().why;
      return signature.error().error;
    }
    const auto key = openssl_->public_key_from_spki(engine_->public_key(kCamera, name(text)).value()).value();
    return key->verify_digest(scheme, HashAlg::sha256, digest, *signature) ? ServiceError{}
                                                                           : ServiceError::internal;
  }
  static constexpr ServiceError kNone{};
  std::string last_why_;  // of the thread that looks at it
  std::shared_ptr<keystore_engine::Sealer> sealer_;
  std::unique_ptr<Engine> engine_;
};

TEST_P(EngineConformance, PoliciesAndPurposesHoldWhereverTheKeyIs) {
  ASSERT_TRUE(generate("camera/a", "under-test"));
  EXPECT_EQ(sign_error("camera/a"), kNone);
  EXPECT_EQ(sign_error("camera/a", kStranger), ServiceError::denied);
  EXPECT_EQ(sign_error("camera/a", kCamera, Purpose::tls), ServiceError::wrong_purpose);
  EXPECT_EQ(generate("camera/a", "soft").error().error, ServiceError::exists);
  const auto info = engine_->info(kCamera, name("camera/a")).value();
  EXPECT_EQ(info.backend, "under-test");
  EXPECT_EQ(info.origin, keystore::Origin::generated_inside);
}

TEST_P(EngineConformance, TwoAtOnceEachWithItsOwnKeys) {
  ASSERT_TRUE(generate("camera/a", "under-test"));
  ASSERT_TRUE(generate("camera/b", "soft"));
  EXPECT_EQ(sign_error("camera/a"), kNone);
  EXPECT_EQ(sign_error("camera/b"), kNone);
  engine_.reset();
  reopen();
  open_engine();
  EXPECT_EQ(sign_error("camera/a"), kNone);
  EXPECT_EQ(sign_error("camera/b"), kNone);
}

TEST_P(EngineConformance, ADeadModuleStopsItsOwnKeysOnly) {
  CAM_NEEDS(rig_->can_vanish(), "a way to vanish");
  ASSERT_TRUE(generate("camera/a", "under-test"));
  ASSERT_TRUE(generate("camera/b", "soft"));
  rig_->vanish();
  EXPECT_EQ(sign_error("camera/a"), ServiceError::unavailable);
  EXPECT_EQ(sign_error("camera/b"), kNone);
  EXPECT_TRUE(generate("camera/c", "soft"));
  EXPECT_TRUE(engine_->info(kCamera, name("camera/a")));  // it is known, and not called damaged
  EXPECT_FALSE(engine_->backends()[0].usable);
  EXPECT_TRUE(engine_->backends()[1].usable);
  rig_->come_back();
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  EXPECT_EQ(sign_error("camera/a"), kNone);
}

// The name of a key moves from software into the module while programs sign with it: none of them fails, and
// the public key is the same.
TEST_P(EngineConformance, ANameMovesIntoTheModuleAndNobodyNotices) {
  CAM_NEEDS(backend_->capabilities().import, "import");
  ASSERT_TRUE(generate("camera/a", "soft"));
  const auto spki = engine_->public_key(kCamera, name("camera/a")).value();
  std::atomic<bool> stop = false;
  std::atomic<int> failed = 0;
  std::atomic<int> signatures = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      while (!stop) {
        failed += use("camera/a") ? 0 : 1;
        ++signatures;
      }
    });
  }
  const auto moved = engine_->move(kCamera, name("camera/a"), "under-test", MoveMode::same_key);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  stop = true;
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(moved) << moved.error().why;
  EXPECT_EQ(moved->origin, keystore::Origin::imported);
  EXPECT_EQ(failed, 0);
  EXPECT_GT(signatures, 0);
  EXPECT_EQ(engine_->public_key(kCamera, name("camera/a")).value(), spki);
  EXPECT_EQ(sign_error("camera/a"), kNone) << last_why_;
  // Back it does not come, but its name does, to another key.
  const auto back = engine_->move(kCamera, name("camera/a"), "soft", MoveMode::same_key);
  EXPECT_EQ(back.has_value(), backend_->kind() == "software");
  EXPECT_TRUE(engine_->move(kCamera, name("camera/a"), "soft", MoveMode::new_key));
  EXPECT_EQ(sign_error("camera/a"), kNone);
}

// kill -9 while keys are made and removed: what was reported is true afterwards, and nothing is half there.
TEST_P(EngineConformance, KilledInTheMiddleOfChangesItKeepsItsWord) {
  constexpr int kKills = 12;
  std::mt19937 random(7);
  engine_.reset();
  const auto type = signing_type();
  backend_.reset();  // the child has the module for itself
  std::set<std::string> promised;
  int next = 0;
  for (int round = 0; round < kKills; ++round) {
    int told[2];
    ASSERT_EQ(::pipe2(told, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const auto engine = make_engine(rig_->open("under-test"));
      const auto policy = default_policy(type, Purpose::media_signing);
      for (int i = next; engine != nullptr; ++i) {
        if (!engine->generate(kCamera, name("camera/" + std::to_string(i)), type, policy, "under-test"))
          ::_exit(1);
        const auto n = ::write(told[1], &i, sizeof i);
        if (n != sizeof i) ::_exit(1);
      }
      ::_exit(2);
    }
    ::close(told[1]);
    // After its first key, somewhere in the middle of the next ones.
    int made = 0;
    if (::read(told[0], &made, sizeof made) == sizeof made) promised.insert("camera/" + std::to_string(made));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 30'000));
    ::kill(child, SIGKILL);
    while (::read(told[0], &made, sizeof made) == sizeof made)
      promised.insert("camera/" + std::to_string(made));
    ::close(told[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself with " << WEXITSTATUS(status);
    next = promised.empty() ? 0 : next + 1000;
  }
  reopen();
  open_engine();
  EXPECT_TRUE(engine_->counts(kCamera).value().damaged.empty());
  EXPECT_GE(promised.size(), static_cast<std::size_t>(kKills));
  for (const auto& key : promised) EXPECT_EQ(sign_error(key), kNone) << key;
  std::printf("%s: %d kills, %zu keys that were promised are there\n", GetParam().name.c_str(), kKills,
              promised.size());
}

// kill -9 of the module in the middle of its work, again and again: its users hear that it is not there and
// nothing else, and every key that was reported works afterwards.
TEST_P(EngineConformance, AModuleThatIsKilledAtWorkBreaksNoPromise) {
  CAM_NEEDS(rig_->can_vanish(), "a way to vanish");
  constexpr int kKills = 5;
  constexpr std::size_t kKept = 50;
  std::mt19937 random(11);
  ASSERT_TRUE(generate("camera/first", "under-test"));
  std::atomic<bool> stop = false;
  std::mutex mutex;
  std::vector<std::string> promised = {"camera/first"};
  std::set<std::string> errors;  // other ones than "not there"
  const auto note = [&](const keystore::Refusal& refusal) {
    if (refusal.error == ServiceError::unavailable) return;
    const std::lock_guard lock(mutex);
    errors.insert(refusal.why);
  };
  std::thread maker([&] {
    for (int i = 0; !stop; ++i) {
      const auto text = "camera/" + std::to_string(i);
      const auto made = generate(text, "under-test");
      if (!made) note(made.error());
      if (made) promised.push_back(text);
      if (promised.size() < kKept) continue;
      // Its name is gone now, whether the module was there to hear of it or not.
      if (const auto removed = engine_->remove(kCamera, name(promised[1])); !removed) note(removed.error());
      promised.erase(promised.begin() + 1);
    }
  });
  std::thread signer([&] {
    while (!stop) {
      if (const auto made = use("camera/first"); !made) note(made.error());
    }
  });
  for (int round = 0; round < kKills; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + random() % 60));
    rig_->vanish();
    rig_->come_back();
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  }
  stop = true;
  maker.join();
  signer.join();
  EXPECT_THAT(errors, testing::IsEmpty());
  for (const auto& key : promised) EXPECT_EQ(sign_error(key), kNone) << key << ": " << last_why_;
  engine_.reset();
  reopen();
  open_engine();
  EXPECT_TRUE(engine_->counts(kCamera).value().damaged.empty());
  EXPECT_EQ(sign_error(promised.back()), kNone);
  std::printf("%s: %d kills, %zu keys that were promised are there\n", GetParam().name.c_str(), kKills,
              promised.size());
}

INSTANTIATE_TEST_SUITE_P(Backends, EngineConformance, testing::ValuesIn(rig_kinds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace camvault::conformance
