// Killed at any moment, a process that changes the store leaves every anchor whole: there or not there.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>
#include <thread>

#include "anchors.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::trust_store {
namespace {

using namespace test;

constexpr int kKills = 60;

TEST(TrustStoreKill, KilledAtSixtyMoments) {
  const test_support::TemporaryFolder folder;
  const auto engine = crypto_openssl::make_openssl_engine();
  TrustStore store(folder / "trust", *engine);
  const auto stays = make_anchor("stays", Kind::tsa);
  ASSERT_TRUE(store.add(stays, crypto_openssl::certificate_pem(stays.certificate)));
  std::vector<std::pair<Anchor, std::string>> coming;
  for (int i = 0; i < 8; ++i) {
    const auto anchor = make_anchor("comes and goes " + std::to_string(i), Kind::maker);
    coming.emplace_back(anchor, crypto_openssl::certificate_pem(anchor.certificate));
  }
  std::mt19937 random(20261121);
  std::uniform_int_distribution<int> wait_us(0, 20'000);
  int seen_there = 0;
  int seen_gone = 0;
  for (int kill_number = 0; kill_number < kKills; ++kill_number) {
    const auto child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (;;) {
        for (const auto& [anchor, pem] : coming) {
          if (!store.add(anchor, pem)) ::_exit(1);
        }
        for (const auto& [anchor, pem] : coming) {
          if (!store.remove(anchor.certificate.sha256, {})) ::_exit(2);
        }
      }
    }
    std::this_thread::sleep_for(std::chrono::microseconds(wait_us(random)));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);
    const auto content = store.load();
    ASSERT_TRUE(content) << content.error().what;
    EXPECT_TRUE(content->damaged.empty()) << content->damaged.front().file << content->damaged.front().why;
    ASSERT_EQ(content->of(Kind::tsa).size(), 1u);
    seen_there += static_cast<int>(content->of(Kind::maker).size());
    seen_gone += static_cast<int>(coming.size() - content->of(Kind::maker).size());
    for (const auto& anchor : content->anchors) {  // the next child begins with none
      if (anchor.kind != Kind::maker) continue;
      ASSERT_TRUE(store.remove(anchor.certificate.sha256, Kind::maker));
    }
  }
  EXPECT_GT(seen_there, 0) << "the kills came too early to mean anything";
  EXPECT_GT(seen_gone, 0);
  std::printf("%d kills: %d anchors found whole, %d not there\n", kKills, seen_there, seen_gone);
}

}  // namespace
}  // namespace camvault::trust_store
