// The process ends at any step of a change: what was reported is true afterwards. SP-4.2.11.
#include "engine_fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace camvault::keystore_engine {
namespace {

// The process ends at each step that generate, import and remove make on disk: what was reported is true
// afterwards.
TEST_F(EngineTest, SurvivesAnEndAtEveryStepOfEveryChange) {
  const Secret known(Bytes(32, 0x4b));
  const auto mac_policy = default_policy(KeyType::hmac_sha256, Purpose::mac);
  bool finished = false;
  int ends = 0;
  for (int last_step = 1; last_step < 200 && !finished; ++last_step) {
    engine_.reset();
    std::filesystem::remove_all(folder_ / "keys");
    reopen();
    make_key("camera/old");
    engine_.reset();
    int report[2];
    ASSERT_EQ(::pipe(report), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      int step = 0;
      auto with_end = config();
      with_end.step = [&](std::string_view) {
        if (++step == last_step) ::raise(SIGKILL);
      };
      const auto engine = Engine::open(std::move(with_end)).value();
      const auto tell = [&](char what) { [[maybe_unused]] const auto n = ::write(report[1], &what, 1); };
      if (engine->generate(kManager, name("camera/new"), KeyType::ec_p256,
                           default_policy(KeyType::ec_p256, Purpose::media_signing)))
        tell('g');
      if (engine->import_key(kManager, name("camera/mac"), KeyType::hmac_sha256, mac_policy, known))
        tell('i');
      if (engine->remove(kManager, name("camera/old"))) tell('r');
      ::_exit(0);
    }
    ::close(report[1]);
    int status = 0;
    ::waitpid(child, &status, 0);
    std::string told(8, '\0');
    const auto count = ::read(report[0], told.data(), told.size());
    told.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    ::close(report[0]);
    finished = WIFEXITED(status);
    ends += finished ? 0 : 1;

    reopen();
    EXPECT_TRUE(engine_->counts(kCamera).value().damaged.empty()) << last_step;
    if (told.find('g') != std::string::npos) {
      EXPECT_EQ(sign_error(kCamera, signing("camera/new")), kNone) << last_step;
    }
    if (told.find('i') != std::string::npos) {
      EXPECT_TRUE(engine_->mac(kCamera, {name("camera/mac"), Purpose::mac}, {})) << last_step;
    }
    EXPECT_EQ(sign_error(kCamera, signing("camera/old")) == kNone,
              told.find('r') == std::string::npos && engine_->info(kCamera, name("camera/old")).has_value())
        << last_step;
    if (told.find('r') != std::string::npos) {
      EXPECT_EQ(sign_error(kCamera, signing("camera/old")), ServiceError::not_found);
    }
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "keys")) {
      EXPECT_TRUE(key_name_of(entry.path().filename().string())) << entry.path();  // no half files
    }
  }
  EXPECT_TRUE(finished);
  EXPECT_EQ(ends, 7 + 7 + 3);
}

}  // namespace
}  // namespace camvault::keystore_engine
