// kill -9 in the middle of changes, a hundred times: what was reported is true afterwards, and nothing is
// half there. (libs/keystore_software/tests/engine_test.cc ends the process at each single step.) SP-4.2.11.
#include <random>
#include <set>
#include <thread>

#include "camvault/keystore_engine/key_file.h"
#include "test_daemon.h"

namespace camvault::keystored {
namespace {

using crypto::HashAlg;
using crypto::SignatureScheme;
using keystore::default_policy;
using keystore::KeyName;
using keystore::KeyType;
using keystore::Purpose;

constexpr int kKills = 100;

struct Reported {
  std::set<std::string> created;
  std::set<std::string> removed;
  std::string open_create;  // asked for, no answer
  std::string open_remove;
};

// Makes, imports and removes keys until the service is gone.
void change_until_the_end(keystore::Keystore& keystore, int round, Reported& reported) {
  const auto policy = default_policy(KeyType::ec_p256, Purpose::media_signing);
  const auto mac_policy = default_policy(KeyType::hmac_sha256, Purpose::mac);
  for (int i = 0;; ++i) {
    const auto text =
        "camera/" + std::to_string(round) + "-" + std::to_string(i) + (i % 2 == 0 ? ".ec" : ".mac");
    reported.open_create = text;
    const auto made = i % 2 == 0 ? keystore.generate(key_name(text), KeyType::ec_p256, policy)
                                 : keystore.import_key(key_name(text), KeyType::hmac_sha256, mac_policy,
                                                       Secret(Bytes(32, 7)));
    if (!made) return;
    reported.open_create.clear();
    reported.created.insert(text);
    if (i % 3 != 2) continue;
    const auto victim = *reported.created.begin();
    reported.open_remove = victim;
    if (!keystore.remove(key_name(victim))) return;
    reported.open_remove.clear();
    reported.created.erase(victim);
    reported.removed.insert(victim);
  }
}

TEST(Crash, KillAtAHundredRandomMomentsLosesAndLeavesNothing) {
  TestDaemon daemon;
  std::mt19937 random(42);
  Reported reported;
  std::size_t checked = 0;
  for (int round = 0; round < kKills; ++round) {
    ASSERT_TRUE(daemon.start()) << daemon.log();
    const auto keystore = daemon.connect();
    ASSERT_NE(keystore, nullptr);

    std::set<std::string> present;
    const auto keys = keystore->list().value();
    for (const auto& info : keys) present.insert(info.name.text());
    ASSERT_TRUE(keystore->status().value().damaged.empty()) << daemon.log();
    // What was asked for and not answered may be there or not; from now on it is one of them.
    if (!reported.open_create.empty() && present.contains(reported.open_create))
      reported.created.insert(reported.open_create);
    if (!reported.open_remove.empty() && !present.contains(reported.open_remove)) {
      reported.created.erase(reported.open_remove);
      reported.removed.insert(reported.open_remove);
    }
    reported.open_create.clear();
    reported.open_remove.clear();
    ASSERT_EQ(present, reported.created) << "round " << round;
    for (const auto& name : reported.removed) ASSERT_FALSE(present.contains(name));
    for (const auto& name : present) {
      crypto::Digest digest;
      digest.size = 32;
      const bool works = name.ends_with(".ec")
                             ? keystore
                                   ->sign_digest({key_name(name), Purpose::media_signing},
                                                 SignatureScheme::ecdsa, digest, HashAlg::sha256)
                                   .has_value()
                             : keystore->mac({key_name(name), Purpose::mac}, {}).has_value();
      ASSERT_TRUE(works) << name;
      ++checked;
    }
    // Removed now and then, so that the rounds stay short.
    while (reported.created.size() > 20) {
      ASSERT_TRUE(keystore->remove(key_name(*reported.created.begin())));
      reported.created.erase(reported.created.begin());
    }
    reported.removed.clear();

    std::thread killer([&, delay = std::chrono::microseconds(random() % 20000)] {
      std::this_thread::sleep_for(delay);
      ::kill(daemon.pid(), SIGKILL);
    });
    change_until_the_end(*keystore, round, reported);
    killer.join();
    EXPECT_TRUE(WIFSIGNALED(daemon.wait_for_end()));
  }
  ASSERT_TRUE(daemon.start());
  daemon.stop();
  for (const auto& entry : std::filesystem::directory_iterator(daemon.state() / "keys")) {
    EXPECT_TRUE(keystore_engine::key_name_of(entry.path().filename().string())) << entry.path();
  }
  std::printf("%d kills, %zu keys looked at afterwards\n", kKills, checked);
  EXPECT_GT(checked, 100u);
}

TEST(Crash, AMissingRootKeyIsNotReplacedWhileThereAreKeys) {
  TestDaemon daemon;
  ASSERT_TRUE(daemon.start());
  ASSERT_TRUE(daemon.connect()->generate(key_name("camera/a"), KeyType::aes_256,
                                         default_policy(KeyType::aes_256, Purpose::data_encryption)));
  daemon.stop();
  std::filesystem::rename(daemon.state() / "root.key", daemon.root() / "root.key");
  EXPECT_FALSE(daemon.start());
  EXPECT_NE(daemon.wait_for_end(), 0);
  EXPECT_FALSE(std::filesystem::exists(daemon.state() / "root.key"));
  std::filesystem::rename(daemon.root() / "root.key", daemon.state() / "root.key");
  ASSERT_TRUE(daemon.start()) << daemon.log();
  EXPECT_TRUE(daemon.connect()->encrypt({key_name("camera/a"), Purpose::data_encryption}, {}, {}));
}

TEST(Crash, ASecondServiceOnTheSameSocketIsRefused) {
  TestDaemon daemon;
  ASSERT_TRUE(daemon.start());
  const auto root = daemon.root().string();
  const pid_t second = ::fork();
  if (second == 0) {
    const int null = ::open("/dev/null", O_WRONLY);
    ::dup2(null, STDERR_FILENO);
    ::execl(KEYSTORED_BINARY, KEYSTORED_BINARY, "--root", root.c_str(), "--user",
            std::to_string(kDaemonUid).c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(second, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 65);
  EXPECT_TRUE(daemon.connect()->random(8));
}

}  // namespace
}  // namespace camvault::keystored
