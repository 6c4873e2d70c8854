// One engine, two backends: where keys go, and moving them. AX-3.1-3.
#include "engine_fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace camvault::keystore_engine {
namespace {

class TwoBackends : public EngineTest {
 protected:
  TwoBackends() {
    engine_.reset();
    auto with_two = config();
    with_two.backends.push_back(keystore_software::make_software_backend("spare"));
    engine_ = Engine::open(std::move(with_two)).value();
  }
  std::string backend_of(std::string_view text) { return engine_->info(kCamera, name(text)).value().backend; }
};

// AX-3.1-3: several modules at once.
TEST_F(TwoBackends, NewKeysGoWhereTheCallerOrTheOrderSays) {
  const auto policy = default_policy(KeyType::ec_p256, Purpose::media_signing);
  ASSERT_TRUE(engine_->generate(kManager, name("camera/a"), KeyType::ec_p256, policy));
  ASSERT_TRUE(engine_->generate(kManager, name("camera/b"), KeyType::ec_p256, policy, "spare"));
  EXPECT_EQ(engine_->generate(kManager, name("camera/c"), KeyType::ec_p256, policy, "none").error().error,
            ServiceError::usage);
  EXPECT_EQ(backend_of("camera/a"), "software");
  EXPECT_EQ(backend_of("camera/b"), "spare");
  EXPECT_EQ(sign_error(kCamera, signing("camera/a")), kNone);
  EXPECT_EQ(sign_error(kCamera, signing("camera/b")), kNone);
  const auto a = name("camera/a");
  const auto b = name("camera/b");
  EXPECT_EQ(engine_->lane_of(Operation::sign_digest, &a, {}), 0u);
  EXPECT_EQ(engine_->lane_of(Operation::sign_digest, &b, {}), 1u);
  EXPECT_EQ(engine_->lane_of(Operation::generate, &a, "spare"), 1u);
  EXPECT_EQ(engine_->lane_of(Operation::generate, &a, {}), 0u);
  EXPECT_EQ(engine_->backends().size(), 2u);
}

TEST_F(TwoBackends, AKeyFileNamesItsBackendAndIsNotUsedByAnother) {
  ASSERT_TRUE(engine_->generate(kManager, name("camera/b"), KeyType::ec_p256,
                                default_policy(KeyType::ec_p256, Purpose::media_signing), "spare"));
  reopen();  // without "spare"
  EXPECT_EQ(sign_error(kCamera, signing("camera/b")), ServiceError::damaged);
  EXPECT_EQ(engine_->counts(kCamera).value().damaged.size(), 1u);
}

TEST_F(TwoBackends, TwoOfOneNameAreRefused) {
  auto twice = config();
  twice.backends.push_back(keystore_software::make_software_backend("software"));
  EXPECT_FALSE(Engine::open(std::move(twice)));
  auto badly_named = config();
  badly_named.backends = {keystore_software::make_software_backend("../x")};
  EXPECT_FALSE(Engine::open(std::move(badly_named)));
}

TEST_F(TwoBackends, AMovedKeyIsTheSameKeyAndSaysThatItWasOutside) {
  make_key("camera/a");
  const auto before = engine_->info(kCamera, name("camera/a")).value();
  const auto spki = engine_->public_key(kCamera, name("camera/a")).value();
  const auto moved = engine_->move(kManager, name("camera/a"), "spare", keystore::MoveMode::same_key);
  ASSERT_TRUE(moved) << moved.error().why;
  EXPECT_EQ(moved->backend, "spare");
  EXPECT_EQ(moved->origin, keystore::Origin::imported);  // NA-2.3-2
  EXPECT_EQ(moved->policy, before.policy);
  EXPECT_EQ(engine_->public_key(kCamera, name("camera/a")).value(), spki);
  EXPECT_EQ(sign_error(kCamera, signing("camera/a")), kNone);
  // There already: nothing happens.
  EXPECT_TRUE(engine_->move(kManager, name("camera/a"), "spare", keystore::MoveMode::same_key));
}

TEST_F(TwoBackends, MovingIsTheManagersAndToBackendsThatAreThere) {
  make_key("camera/a");
  const auto error = [&](const Caller& who, std::string_view key, std::string_view to) {
    return engine_->move(who, name(key), to, keystore::MoveMode::same_key).error().error;
  };
  EXPECT_EQ(error(kCamera, "camera/a", "spare"), ServiceError::denied);
  EXPECT_EQ(error(kStranger, "camera/a", "spare"), ServiceError::denied);
  EXPECT_EQ(error(kManager, "camera/a", "none"), ServiceError::usage);
  EXPECT_EQ(error(kManager, "camera/none", "spare"), ServiceError::not_found);
}

TEST_F(TwoBackends, ANewKeyUnderTheNameIsAnotherKeyAndNeverForData) {
  make_key("camera/a");
  const auto spki = engine_->public_key(kCamera, name("camera/a")).value();
  const auto moved = engine_->move(kManager, name("camera/a"), "spare", keystore::MoveMode::new_key);
  ASSERT_TRUE(moved) << moved.error().why;
  EXPECT_EQ(moved->origin, keystore::Origin::generated_inside);
  EXPECT_NE(engine_->public_key(kCamera, name("camera/a")).value(), spki);
  EXPECT_EQ(sign_error(kCamera, signing("camera/a")), kNone);
  ASSERT_TRUE(engine_->generate(kManager, name("camera/data"), KeyType::aes_256,
                                default_policy(KeyType::aes_256, Purpose::data_encryption)));
  EXPECT_EQ(engine_->move(kManager, name("camera/data"), "spare", keystore::MoveMode::new_key).error().error,
            ServiceError::unsupported);
  EXPECT_TRUE(engine_->move(kManager, name("camera/data"), "spare", keystore::MoveMode::same_key));
}

TEST_F(TwoBackends, MovingBackAndForthIsNotNoticedByThoseWhoSign) {
  make_key("camera/a");
  std::atomic<bool> stop = false;
  std::atomic<int> failed = 0;
  std::atomic<int> signatures = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      while (!stop) {
        failed += sign_error(kCamera, signing("camera/a")) == kNone ? 0 : 1;
        ++signatures;
      }
    });
  }
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(engine_->move(kManager, name("camera/a"), i % 2 == 0 ? "spare" : "software",
                              keystore::MoveMode::same_key));
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_GT(signatures, 0);
}

// A power cut at each step of a move: the name has the old key or the new one, never none.
TEST_F(TwoBackends, SurviveAnEndAtEveryStepOfAMove) {
  make_key("camera/a");
  int ends = 0;
  for (int last_step = 1; last_step < 50; ++last_step) {
    engine_.reset();
    const pid_t child = ::fork();
    if (child == 0) {
      int step = 0;
      auto with_end = config();
      with_end.backends.push_back(keystore_software::make_software_backend("spare"));
      with_end.step = [&](std::string_view) {
        if (++step == last_step) ::raise(SIGKILL);
      };
      const auto engine = Engine::open(std::move(with_end)).value();
      const auto now = engine->info(kCamera, name("camera/a")).value().backend;
      const bool moved = engine
                             ->move(kManager, name("camera/a"), now == "spare" ? "software" : "spare",
                                    keystore::MoveMode::same_key)
                             .has_value();
      ::_exit(moved ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    auto with_two = config();
    with_two.backends.push_back(keystore_software::make_software_backend("spare"));
    engine_ = Engine::open(std::move(with_two)).value();
    EXPECT_TRUE(engine_->counts(kCamera).value().damaged.empty()) << last_step;
    EXPECT_EQ(sign_error(kCamera, signing("camera/a")), kNone) << last_step;
    if (WIFEXITED(status)) {
      EXPECT_EQ(WEXITSTATUS(status), 0);
      break;
    }
    ++ends;
  }
  EXPECT_EQ(ends, 7);
}

}  // namespace
}  // namespace camvault::keystore_engine
