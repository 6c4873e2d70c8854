// AX-2.1-1: killed at any moment, the factory issues no serial number twice and forgets nothing that left it.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "factory_fixture.h"

namespace camvault::identity {
namespace {

using namespace test;

constexpr int kKills = 100;

// The child provisions camera after camera and tells each one it was handed through the pipe, as a factory
// line that got its answer would.
[[noreturn]] void provision_until_killed(const Site& site, int first, int out) {
  auto factory = Factory::open(site.path(), site.clock, *site.engine);
  if (!factory || ::write(out, "\n", 1) != 1) ::_exit(1);  // ready
  for (int i = first;; ++i) {
    const auto serial = "CAM-" + std::to_string(i);
    const auto certs = factory->provision(*site.ca_key, Camera::make().request(serial));
    if (!certs) ::_exit(2);
    const auto line = serial + " " + certs->identity.sha256 + " " + certs->media_signing.sha256 + "\n";
    if (::write(out, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(3);
  }
}

TEST(Crash, KilledAtAHundredMoments) {
  Site site;
  site.factory.reset();
  std::mt19937 random(20260301);
  // Some cameras long, so that the kills spread over all steps of one.
  const auto one = [&] {
    auto factory = Factory::open(site.path(), site.clock, *site.engine).value();
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(factory.provision(*site.ca_key, Camera::make().request("CAM-0")));
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
  }();
  std::uniform_int_distribution<std::int64_t> wait_us(0, 3 * one.count());
  std::map<std::string, std::string> handed_out;  // serial -> fingerprints
  int first = 1;
  for (int kill_number = 0; kill_number < kKills; ++kill_number) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const auto child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) provision_until_killed(site, first, ends[1]);
    ::close(ends[1]);
    char ready = 0;
    ASSERT_EQ(::read(ends[0], &ready, 1), 1);
    std::this_thread::sleep_for(std::chrono::microseconds(wait_us(random)));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);
    std::string told;
    char piece[4096];
    for (ssize_t n; (n = ::read(ends[0], piece, sizeof piece)) > 0;)
      told.append(piece, static_cast<std::size_t>(n));
    ::close(ends[0]);
    for (std::size_t at = 0, end; (end = told.find('\n', at)) != std::string::npos; at = end + 1) {
      const auto line = told.substr(at, end - at);
      const auto space = line.find(' ');
      ASSERT_TRUE(handed_out.emplace(line.substr(0, space), line.substr(space + 1)).second)
          << "twice: " << line;
    }
    // The camera that was cut off is gone with its keys; the line goes on with the next serial number.
    auto factory = Factory::open(site.path(), site.clock, *site.engine);
    ASSERT_TRUE(factory) << factory.error().what;
    for (const auto& serial : factory->serials()) first = std::max(first, std::stoi(serial.substr(4)) + 1);
    for (bool used = true; used; first += used ? 1 : 0) {
      const auto next =
          factory->provision(*site.ca_key, Camera::make().request("CAM-" + std::to_string(first)));
      used = !next && next.error().code == Errc::exists;
      ASSERT_TRUE(next || used) << next.error().what;
    }
    ++first;
  }

  auto factory = Factory::open(site.path(), site.clock, *site.engine).value();
  const auto told_of = handed_out.size();
  std::set<std::string> numbers;
  for (const auto& serial : factory.serials()) {
    const auto certs = factory.issued(serial).value();
    EXPECT_TRUE(numbers.insert(certs.identity.serial).second);
    EXPECT_TRUE(numbers.insert(certs.media_signing.serial).second);
    const auto told = handed_out.find(serial);
    if (told != handed_out.end()) {
      EXPECT_EQ(told->second, certs.identity.sha256 + " " + certs.media_signing.sha256);
      handed_out.erase(told);
    }
  }
  EXPECT_GT(told_of, 20u) << "the kills came too early to mean anything";
  EXPECT_TRUE(handed_out.empty()) << "left the factory and is not in its log";
  std::printf("%d kills, %zu cameras issued, %zu of them by the processes that were killed\n", kKills,
              factory.serials().size(), told_of);
}

// Every prefix of the log that a power cut can leave, with the certificate file written or not yet.
TEST(Crash, ThePlaceItStoppedAtDecidesWhatTheSameCameraGets) {
  Site site;
  const auto camera = Camera::make();
  const auto first = site.provision(camera, "S1").value();
  const auto log = site.folder.read("factory/issued.jsonl");
  const auto reserved_end = log.find('\n') + 1;
  const auto stored = site.folder.read("factory/issued/S1.pem");
  site.factory.reset();
  const auto restart = [&](const std::string& log_text, bool with_file) {
    site.factory.reset();
    site.folder.write("factory/issued.jsonl", log_text);
    std::filesystem::remove(site.path() / "issued/S1.pem");
    if (with_file) site.folder.write("factory/issued/S1.pem", stored);
    site.reopen();
  };
  // Nothing reserved: as if it had never been here.
  restart("", false);
  EXPECT_TRUE(site.provision(Camera::make(), "S1"));
  // Reserved, nothing written: the same keys may go on under new numbers, others may not take the serial
  // number.
  restart(log.substr(0, reserved_end), false);
  EXPECT_EQ(site.provision(Camera::make(), "S1").error().code, Errc::exists);
  EXPECT_EQ(site.factory->issued("S1").error().code, Errc::not_found);
  const auto second = site.provision(camera, "S1").value();
  EXPECT_NE(second.identity.serial, first.identity.serial);
  EXPECT_EQ(site.provision(camera, "S1").error().code, Errc::exists);
  // Written, not yet in the log: these very certificates.
  restart(log.substr(0, reserved_end), true);
  EXPECT_EQ(site.provision(camera, "S1")->identity.der, first.identity.der);
  EXPECT_EQ(site.factory->serials(), std::vector<std::string>{"S1"});
  EXPECT_EQ(site.provision(camera, "S1").error().code, Errc::exists);
}

}  // namespace
}  // namespace camvault::identity
