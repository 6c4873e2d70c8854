#include "camvault/cloud/queue.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <set>
#include <thread>

#include "camvault/base/file.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::cloud {
namespace {

Message message(int number) {
  return {"t/" + std::to_string(number), to_bytes(as_bytes("payload " + std::to_string(number)))};
}
std::vector<std::string> topics(Queue& queue) {
  std::vector<std::string> out;
  for (std::uint64_t at = 0;;) {
    const auto next = queue.next_after(at).value();
    if (!next) return out;
    out.push_back(next->message.topic);
    at = next->number;
  }
}

TEST(Queue, KeepsTheOrderAcrossProcessesAndRemovals) {
  const test_support::TemporaryFolder folder;
  auto queue = Queue::open(folder.path() / "queue").value();
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(queue.put(message(i)));
  auto other = Queue::open(folder.path() / "queue").value();
  const auto first = other.next_after(0).value();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->message.payload, message(0).payload);
  ASSERT_TRUE(other.remove(first->number));
  ASSERT_TRUE(queue.put(message(12)));
  const auto all = topics(other);
  ASSERT_EQ(all.size(), 12U);
  EXPECT_EQ(all.front(), "t/1");
  EXPECT_EQ(all.back(), "t/12");
  EXPECT_EQ(other.size().value(), 12U);
}

// A sender at work has passed the numbers that it saw: one that came again would be behind it.
TEST(Queue, NumbersGrowThroughAnEmptyQueue) {
  const test_support::TemporaryFolder folder;
  auto sender = Queue::open(folder.path()).value();
  std::uint64_t passed = 0;
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Queue::open(folder.path()).value().put(message(i)));
    const auto next = sender.next_after(passed).value();
    ASSERT_TRUE(next) << i;
    EXPECT_GT(next->number, passed);
    passed = next->number;
    ids.push_back(next->id);
    ASSERT_TRUE(sender.remove(passed));
  }
  EXPECT_EQ(ids.front().size(), 36U);
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
}

TEST(Queue, KeepsWhatTheCloudRefuses) {
  const test_support::TemporaryFolder folder;
  auto queue = Queue::open(folder.path()).value();
  ASSERT_TRUE(queue.put(message(1)));
  ASSERT_TRUE(queue.put(message(2)));
  ASSERT_TRUE(queue.refuse(queue.next_after(0).value()->number));
  EXPECT_EQ(queue.size().value(), 1U);
  EXPECT_EQ(queue.set_aside().value(), 1U);
  EXPECT_EQ(topics(queue), std::vector<std::string>{"t/2"});
}

TEST(Queue, RefusesWhatIsTooBigAndSetsAsideWhatIsDamaged) {
  const test_support::TemporaryFolder folder;
  auto queue = Queue::open(folder.path()).value();
  EXPECT_EQ(queue.put({"t", Bytes(kMaxPayload + 1)}).error().code, Errc::limit);
  ASSERT_TRUE(queue.put({"t", Bytes(kMaxPayload)}));
  ASSERT_TRUE(queue.put(message(1)));
  std::ofstream(folder.path() / "00000000000000000001.message") << "garbage";
  std::ofstream(folder.path() / "somebody's file") << "garbage";
  EXPECT_EQ(topics(queue), std::vector<std::string>{"t/1"});
  EXPECT_EQ(queue.damaged().size(), 1U);
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "00000000000000000001.message.bad"));
}

// Whatever moment the sender is killed at: what put() has returned for is there, whole and once.
TEST(Queue, SurvivesKillsOfItsSenders) {
  const test_support::TemporaryFolder folder;
  for (int round = 0; round < 20; ++round) {
    int told[2];
    ASSERT_EQ(::pipe(told), 0);
    const auto child = ::fork();
    if (child == 0) {
      auto queue = Queue::open(folder.path()).value();
      for (int i = 0;; ++i) {
        if (!queue.put({"r" + std::to_string(round) + "/" + std::to_string(i), Bytes(200)})) ::_exit(1);
        const char one = 1;
        if (::write(told[1], &one, 1) != 1) ::_exit(1);
      }
    }
    ::close(told[1]);
    std::this_thread::sleep_for(std::chrono::milliseconds(5 + round));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    std::size_t promised = 0;
    char room[4096];
    for (;;) {
      const auto n = ::read(told[0], room, sizeof room);
      if (n <= 0) break;
      promised += static_cast<std::size_t>(n);
    }
    ::close(told[0]);
    auto queue = Queue::open(folder.path()).value();
    const auto all = topics(queue);
    const auto prefix = "r" + std::to_string(round) + "/";
    const auto mine = static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [&](const auto& t) { return t.starts_with(prefix); }));
    EXPECT_TRUE(mine == promised || mine == promised + 1) << mine << " of " << promised;
    for (std::size_t i = 0; i < mine; ++i)
      EXPECT_EQ(std::count(all.begin(), all.end(), prefix + std::to_string(i)), 1);
    EXPECT_TRUE(queue.damaged().empty());
  }
}

}  // namespace
}  // namespace camvault::cloud
