#include "camvault/process/child_process.h"

#include <gtest/gtest.h>

namespace camvault::process {
namespace {

TEST(ChildProcess, CollectsWhatItPrintsAndHowItEnds) {
  const auto done = run_and_capture({"/bin/sh", "-c", "echo hello; exit 3"}, nullptr).value();
  EXPECT_EQ(done.output, "hello\n");
  EXPECT_EQ(done.exit_code, 3);
  EXPECT_EQ(run_and_capture({"/bin/sh", "-c", "echo hello"}, nullptr, 3).error().code, Errc::limit);
  EXPECT_EQ(run_and_capture({"/nowhere/at-all"}, nullptr).error().code, Errc::not_found);
}

TEST(ChildProcess, HasOurEnvironmentAndWhatItIsGiven) {
  ASSERT_EQ(setenv("CAMVAULT_OURS", "1", 1), 0);
  ASSERT_EQ(setenv("CAMVAULT_REPLACED", "old", 1), 0);
  auto pipe = make_pipe().value();
  ChildProcess::Start start;
  start.arguments = {"/bin/sh", "-c", "echo $CAMVAULT_OURS $CAMVAULT_REPLACED $CAMVAULT_NEW"};
  start.environment = {"CAMVAULT_REPLACED=new", "CAMVAULT_NEW=a b"};
  start.standard_output = pipe.write_end.get();
  auto child = ChildProcess::start(start).value();
  pipe.write_end.reset();
  char text[64] = {};
  EXPECT_GT(read(pipe.read_end.get(), text, sizeof text - 1), 0);
  EXPECT_STREQ(text, "1 new a b\n");
  EXPECT_EQ(child.wait(), 0);
}

TEST(ChildProcess, IsStoppedEvenIfItWillNot) {
  ChildProcess::Start start;
  start.arguments = {"/bin/sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"};
  auto child = ChildProcess::start(start).value();
  EXPECT_TRUE(child.alive());
  const auto pid = child.pid();
  child.stop(std::chrono::milliseconds(100));
  EXPECT_FALSE(child.alive());
  EXPECT_EQ(kill(pid, 0), -1);
}

}  // namespace
}  // namespace camvault::process
