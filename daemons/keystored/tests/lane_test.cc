// A lane's deadlines: what is begun and what waits, and when it may end.
#include "lane.h"

#include <gtest/gtest.h>

#include <future>

namespace camvault::keystored {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class LaneTest : public testing::Test {
 protected:
  ~LaneTest() override { release(); }
  // Work that lasts until release().
  std::function<void(Lane::Ticket)> hanging() {
    return [this](Lane::Ticket) {
      begun_.set_value();
      gate_.wait();
    };
  }
  void release() {
    if (!std::exchange(released_, true)) open_.set_value();
  }
  const SteadyTime now_ = std::chrono::steady_clock::now();
  std::promise<void> begun_;
  std::promise<void> open_;
  std::shared_future<void> gate_ = open_.get_future().share();
  bool released_ = false;
  Lane lane_{{.threads = 1, .deadline = seconds(1)}};
};

TEST_F(LaneTest, ACallThatHangsIsOverdueOnceAndItsAnswerIsNotWanted) {
  const auto ticket = lane_.submit(1, {7, 70}, false, now_, hanging());
  ASSERT_TRUE(ticket);
  begun_.get_future().wait();
  EXPECT_TRUE(lane_.take_overdue(now_ + milliseconds(999)).empty());
  EXPECT_FALSE(lane_.is_stuck());
  const auto overdue = lane_.take_overdue(now_ + seconds(1));
  ASSERT_EQ(overdue.size(), 1u);
  EXPECT_TRUE(overdue[0].begun);
  EXPECT_EQ(overdue[0].asked.client, 7u);
  EXPECT_EQ(overdue[0].asked.request, 70u);
  EXPECT_TRUE(lane_.take_overdue(now_ + seconds(5)).empty());
  EXPECT_TRUE(lane_.is_stuck());
  EXPECT_EQ(lane_.silent(now_ + seconds(5)), seconds(5));
  EXPECT_FALSE(lane_.finished(*ticket));
  EXPECT_FALSE(lane_.is_stuck());
  EXPECT_FALSE(lane_.silent(now_ + seconds(5)));
}

TEST_F(LaneTest, WhatOnlyWaitedIsNotDoneAfterwards) {
  const auto first = lane_.submit(1, {1, 1}, true, now_, hanging());
  begun_.get_future().wait();
  bool done = false;
  ASSERT_TRUE(lane_.submit(1, {2, 2}, false, now_, [&](Lane::Ticket) { done = true; }));
  const auto overdue = lane_.take_overdue(now_ + seconds(1));
  ASSERT_EQ(overdue.size(), 1u) << "making a key has four times as long";
  EXPECT_FALSE(overdue[0].begun);
  EXPECT_EQ(overdue[0].asked.client, 2u);
  EXPECT_FALSE(lane_.is_stuck());
  release();
  std::promise<void> third;
  const auto last = lane_.submit(1, {3, 3}, false, now_, [&](Lane::Ticket) { third.set_value(); });
  third.get_future().wait();
  EXPECT_FALSE(done);
  EXPECT_TRUE(lane_.finished(*first));
  EXPECT_TRUE(lane_.finished(*last));
  EXPECT_FALSE(lane_.finished(*last));
}

TEST_F(LaneTest, ItEndsWhenItsWorkDoesAndSaysWhenItDoesNot) {
  ASSERT_TRUE(lane_.submit(1, {1, 1}, false, now_, hanging()));
  begun_.get_future().wait();
  EXPECT_FALSE(lane_.end(milliseconds(50)));
  release();
  EXPECT_TRUE(lane_.end(seconds(10)));
}

}  // namespace
}  // namespace camvault::keystored
