// The real daemon with real modules behind its sandbox, several at once; one of them dies and comes back.
// AX-3.1-3, SP-4.2.10.
#include <atomic>
#include <functional>
#include <thread>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/test_support/soft_element.h"
#include "camvault/test_support/soft_token.h"
#include "camvault/test_support/soft_tpm.h"
#include "test_daemon.h"

namespace camvault::keystored {
namespace {

using crypto::HashAlg;
using crypto::SignatureScheme;
using keystore::default_policy;
using keystore::KeyType;
using keystore::Purpose;

// Everything below belongs to the user that the daemon becomes.
void give_away(const std::filesystem::path& folder) {
  if (!is_root()) return;
  const auto give = [](const std::filesystem::path& path) {
    if (::lchown(path.c_str(), kDaemonUid, kDaemonUid) != 0)
      throw std::runtime_error("chown " + path.string());
  };
  give(folder);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) give(entry.path());
}

std::string token_line(const test_support::SoftToken& token) {
  return "[[backend]]\nname = \"token\"\ntype = \"pkcs11\"\nmodule = \"" + std::string(token.kModule) +
         "\"\nuri = \"" + token.uri() + "\"\npin_file = \"" + token.pin_file().string() +
         "\"\nenvironment = \"" + token.configuration() + "\"\nreads = \"" +
         (token.folder() / "softhsm2.conf").string() + "\"\nwrites = \"" +
         (token.folder() / "tokens").string() + "\"\n";
}

class Backends : public testing::Test {
 protected:
  std::shared_ptr<keystore::Keystore> start(const std::string& backends) {
    daemon_.write_config(TestDaemon::default_config() + backends);
    if (!daemon_.start()) {
      ADD_FAILURE() << daemon_.log();
      return nullptr;
    }
    return daemon_.connect();
  }
  Status use(keystore::Keystore& keystore, const std::string& name, const std::string& backend,
             KeyType type) {
    CAM_TRY_STATUS(
        keystore.generate_in(backend, key_name(name), type, default_policy(type, Purpose::media_signing)));
    return sign(keystore, name, type);
  }
  Status sign(keystore::Keystore& keystore, const std::string& name, KeyType type) {
    const auto scheme = crypto::default_scheme(*keystore::key_alg_of(type));
    const auto digest = openssl_->digest(HashAlg::sha256, as_bytes("x"));
    CAM_TRY(const auto signature,
            keystore.sign_digest({key_name(name), Purpose::media_signing}, scheme, digest, HashAlg::sha256));
    CAM_TRY(const auto spki, keystore.public_key(key_name(name)));
    CAM_TRY(const auto key, openssl_->public_key_from_spki(spki));
    return key->verify_digest(scheme, HashAlg::sha256, digest, signature)
               ? ok()
               : fail(Errc::invalid, "bad signature");
  }
  static std::string what(const Status& status) { return status ? "" : status.error().what; }

  TestDaemon daemon_;
  std::unique_ptr<crypto::Engine> openssl_ = crypto_openssl::make_openssl_engine();
};

TEST_F(Backends, ALibraryThatDoesNotLoadIsNotUsableAndTheOthersWork) {
  const auto keystore = start(
      "[[backend]]\ntype = \"software\"\n"
#ifdef CAMVAULT_HAVE_PKCS11
      "[[backend]]\ntype = \"pkcs11\"\nmodule = \"/nowhere/lib.so\"\npin_file = \"/nowhere/pin\"\n"
#endif
  );
  ASSERT_NE(keystore, nullptr);
  EXPECT_TRUE(use(*keystore, "camera/soft", "software", KeyType::ec_p256));
#ifdef CAMVAULT_HAVE_PKCS11
  const auto status = keystore->status().value();
  ASSERT_EQ(status.backends.size(), 2u);
  EXPECT_FALSE(status.backends[1].usable);
  EXPECT_NE(status.backends[1].health.find("does not load"), std::string::npos);
  EXPECT_EQ(use(*keystore, "camera/token", "pkcs11", KeyType::ec_p256).error().code, Errc::unavailable);
#endif
}

#ifdef CAMVAULT_HAVE_PKCS11
TEST_F(Backends, ATokenWorksInsideTheSandboxAndOutlivesARestart) {
  if (!test_support::SoftToken::is_installed()) GTEST_SKIP() << "not installed here: softhsm2";
  const test_support::SoftToken token(daemon_.root() / "hsm");
  give_away(daemon_.root() / "hsm");
  const auto lines = token_line(token) + "[[backend]]\ntype = \"software\"\n";
  auto keystore = start(lines);
  ASSERT_NE(keystore, nullptr);
  for (const auto& [name, type] :
       {std::pair{"camera/ec", KeyType::ec_p256}, {"camera/rsa", KeyType::rsa_2048}}) {
    const auto used = use(*keystore, name, "", type);  // the first line takes new keys
    EXPECT_TRUE(used) << what(used) << "\n" << daemon_.log();
    EXPECT_EQ(keystore->info(key_name(name)).value().backend, "token");
  }
  EXPECT_TRUE(use(*keystore, "camera/soft", "software", KeyType::ec_p256));
  const auto status = keystore->status().value();
  EXPECT_TRUE(status.backends[0].simulator);
  EXPECT_TRUE(status.backends[0].usable) << status.backends[0].health;
  EXPECT_EQ(keystore->random(64).value().size(), 64u);
  // The name of a key moves into the token while its user goes on.
  const auto moved = keystore->move(key_name("camera/soft"), "token", keystore::MoveMode::same_key);
  ASSERT_TRUE(moved) << moved.error().what << daemon_.log();
  EXPECT_TRUE(sign(*keystore, "camera/soft", KeyType::ec_p256));
  keystore.reset();
  EXPECT_EQ(daemon_.stop(), 0) << daemon_.log();
  ASSERT_TRUE(daemon_.start()) << daemon_.log();
  keystore = daemon_.connect();
  for (const auto* name : {"camera/ec", "camera/soft"}) {
    const auto signed_again = sign(*keystore, name, KeyType::ec_p256);
    EXPECT_TRUE(signed_again) << what(signed_again) << daemon_.log();
  }
  EXPECT_TRUE(keystore->remove(key_name("camera/ec")));
  EXPECT_TRUE(daemon_.is_running()) << daemon_.log();
}

TEST_F(Backends, APinFileThatOthersReadIsNotUsedAndAWrongPinIsTriedOnce) {
  if (!test_support::SoftToken::is_installed()) GTEST_SKIP() << "not installed here: softhsm2";
  const test_support::SoftToken token(daemon_.root() / "hsm");
  give_away(daemon_.root() / "hsm");
  std::filesystem::permissions(token.pin_file(), std::filesystem::perms(0644));
  const auto keystore = start(token_line(token));
  ASSERT_NE(keystore, nullptr);
  EXPECT_EQ(use(*keystore, "camera/a", "", KeyType::ec_p256).error().code, Errc::unavailable);
  EXPECT_NE(keystore->status().value().backends[0].health.find("mode 0600"), std::string::npos);
  std::ofstream(token.pin_file()) << "wrong-pin\n";
  std::filesystem::permissions(token.pin_file(), std::filesystem::perms(0600));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(use(*keystore, "camera/a", "", KeyType::ec_p256));
  EXPECT_NE(keystore->status().value().backends[0].health.find("refused the PIN"), std::string::npos)
      << keystore->status().value().backends[0].health;
  std::ofstream(token.pin_file()) << "camera-pin-1\n";
  const auto used = use(*keystore, "camera/a", "", KeyType::ec_p256);
  EXPECT_TRUE(used) << what(used) << daemon_.log();
}
#endif

#ifdef CAMVAULT_HAVE_TPM2
TEST_F(Backends, ATpmDiesAndComesBackWhileTheOthersWork) {
  if (!test_support::SoftTpm::is_installed()) GTEST_SKIP() << "not installed here: swtpm";
  test_support::SoftTpm tpm(daemon_.root() / "tpm");
  std::filesystem::permissions(daemon_.root() / "tpm", std::filesystem::perms(0755));
  const auto open_to_the_daemon = [&] {
    for (const auto& path : {tpm.socket(), std::filesystem::path(tpm.socket().string() + ".ctrl")})
      std::filesystem::permissions(path, std::filesystem::perms(0777));
  };
  open_to_the_daemon();
  const auto keystore = start("[[backend]]\ntype = \"tpm2\"\ntcti = \"" + tpm.tcti() +
                              "\"\n[[backend]]\ntype = \"software\"\n");
  ASSERT_NE(keystore, nullptr);
  const auto used = use(*keystore, "camera/ec", "", KeyType::ec_p256);
  EXPECT_TRUE(used) << what(used) << "\n" << daemon_.log();
  EXPECT_TRUE(use(*keystore, "camera/rsa", "tpm2", KeyType::rsa_2048));
  EXPECT_TRUE(use(*keystore, "camera/soft", "software", KeyType::ec_p256));
  EXPECT_TRUE(keystore->status().value().backends[0].simulator);
  // Its counters, what it seals and its own word, inside the sandbox.
  const auto counter = key_name("camera/rollback");
  ASSERT_TRUE(keystore->generate(counter, KeyType::counter,
                                 default_policy(KeyType::counter, Purpose::rollback_protection)));
  const auto before = keystore->read_counter(counter);
  ASSERT_TRUE(before) << before.error().what;
  EXPECT_EQ(keystore->increment_counter(counter).value(), *before + 1);
  // Deleting it and making it anew does not set it back.
  ASSERT_TRUE(keystore->remove(counter));
  ASSERT_TRUE(keystore->generate(counter, KeyType::counter,
                                 default_policy(KeyType::counter, Purpose::rollback_protection)));
  EXPECT_GE(keystore->read_counter(counter).value(), *before + 1);
  const auto sealed = keystore->seal(key_name("camera/disk"), Secret(as_bytes("disk key")), "tpm2");
  ASSERT_TRUE(sealed) << sealed.error().what << daemon_.log();
  EXPECT_TRUE(keystore->unseal(key_name("camera/disk"), *sealed).value().equals(as_bytes("disk key")));
  EXPECT_EQ(keystore->unseal(key_name("camera/other"), *sealed).error().code, Errc::invalid);
  EXPECT_FALSE(keystore->unseal(key_name("factory/disk"), *sealed));
  EXPECT_TRUE(keystore->certify(key_name("camera/ec"), Bytes(16)));
  EXPECT_EQ(keystore->certify(key_name("camera/ec"), Bytes(7)).error().code, Errc::usage);
  EXPECT_EQ(keystore->certify(key_name("camera/soft"), Bytes(16)).error().code, Errc::unsupported);
  tpm.stop();
  EXPECT_EQ(sign(*keystore, "camera/ec", KeyType::ec_p256).error().code, Errc::unavailable);
  EXPECT_TRUE(sign(*keystore, "camera/soft", KeyType::ec_p256));
  EXPECT_FALSE(keystore->status().value().backends[0].usable);
  tpm.start();
  open_to_the_daemon();
  const auto again = sign(*keystore, "camera/ec", KeyType::ec_p256);
  EXPECT_TRUE(again) << what(again) << "\n" << daemon_.log();
  // A TPM that hangs holds up its own keys only.
  tpm.program().signal(SIGSTOP);
  std::thread waiting([&] { EXPECT_TRUE(sign(*keystore, "camera/ec", KeyType::ec_p256)); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_TRUE(sign(*keystore, "camera/soft", KeyType::ec_p256));
  tpm.program().signal(SIGCONT);
  waiting.join();
  EXPECT_TRUE(daemon_.is_running()) << daemon_.log();
}
#endif

// A module that hangs: its users hear so within the deadline, the second at once; nobody else notices; it is
// used again when it answers, and keystored ends when it is asked to, whether it does or not.
class Hangs : public Backends {
 protected:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kSoon{4};  // the deadline below, and a busy machine

  static std::string with_deadline(const std::string& line) { return line + "deadline = 1\n"; }
  bool is_usable(keystore::Keystore& keystore) { return keystore.status().value().backends[0].usable; }

  // `hang` and `go_on`: of the module that the first line of `lines` names.
  void check(const std::string& line, const std::function<void()>& hang, const std::function<void()>& go_on) {
    auto keystore = start(with_deadline(line) + "[[backend]]\ntype = \"software\"\n");
    ASSERT_NE(keystore, nullptr);
    const auto used = use(*keystore, "camera/ec", "", KeyType::ec_p256);
    ASSERT_TRUE(used) << what(used) << daemon_.log();
    ASSERT_TRUE(use(*keystore, "camera/soft", "software", KeyType::ec_p256));
    const auto other = daemon_.connect();
    for (int round = 0; round < 2; ++round) {
      hang();
      std::atomic<bool> done = false;
      std::thread waiting([&] {
        const auto begin = Clock::now();
        EXPECT_EQ(sign(*other, "camera/ec", KeyType::ec_p256).error().code, Errc::unavailable);
        EXPECT_LT(Clock::now() - begin, kSoon);
        done = true;
      });
      int meanwhile = 0;
      for (; !done; ++meanwhile) EXPECT_TRUE(sign(*keystore, "camera/soft", KeyType::ec_p256));
      waiting.join();
      EXPECT_GT(meanwhile, 5);
      EXPECT_FALSE(is_usable(*keystore));
      EXPECT_NE(keystore->status().value().backends[0].health.find("does not answer"), std::string::npos)
          << keystore->status().value().backends[0].health;
      const auto again = sign(*keystore, "camera/ec", KeyType::ec_p256);
      EXPECT_EQ(again.error().code, Errc::unavailable);
      go_on();
      const auto until = Clock::now() + std::chrono::seconds(20);
      while (!sign(*keystore, "camera/ec", KeyType::ec_p256) && Clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      const auto back = sign(*keystore, "camera/ec", KeyType::ec_p256);
      EXPECT_TRUE(back) << what(back) << daemon_.log();
      while (!is_usable(*keystore) && Clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      EXPECT_TRUE(is_usable(*keystore)) << keystore->status().value().backends[0].health;
    }
    hang();
    EXPECT_EQ(sign(*keystore, "camera/ec", KeyType::ec_p256).error().code, Errc::unavailable);
    keystore.reset();
    const auto begin = Clock::now();
    EXPECT_EQ(daemon_.stop(), 0) << daemon_.log();
    EXPECT_LT(Clock::now() - begin, std::chrono::seconds(10));
    go_on();
  }
};

TEST_F(Hangs, AnSe05x) {
  const auto folder = daemon_.root() / "element";
  test_support::SoftElement element(SE05X_SIM_BINARY, folder);
  std::filesystem::permissions(folder, std::filesystem::perms(0755));
  give_away(folder);
  check(
      "[[backend]]\ntype = \"se05x\"\nbus = \"" + element.bus() + "\"\nscp03_keys = \"" +
          element.key_file().string() + "\"\njournal = \"" + (daemon_.state() / "se05x.journal").string() +
          "\"\n",
      [&] { element.program().signal(SIGSTOP); }, [&] { element.program().signal(SIGCONT); });
}

// It grants itself more time, again and again: the link gives up by itself, and the command is no one's.
TEST_F(Hangs, AnSe05xThatAsksForMoreTimeForEver) {
  const auto folder = daemon_.root() / "element";
  test_support::SoftElement element(SE05X_SIM_BINARY, folder);
  std::filesystem::permissions(folder, std::filesystem::perms(0755));
  give_away(folder);
  const auto keystore = start(with_deadline("[[backend]]\ntype = \"se05x\"\nbus = \"" + element.bus() +
                                            "\"\nscp03_keys = \"" + element.key_file().string() + "\"\n") +
                              "[[backend]]\ntype = \"software\"\n");
  ASSERT_NE(keystore, nullptr);
  ASSERT_TRUE(use(*keystore, "camera/ec", "", KeyType::ec_p256)) << daemon_.log();
  element.stop();
  element.start({"--fault", "more-time:1000000@6", "--fault", "more-time:1000000@5"});
  give_away(folder);
  int refused = 0;
  bool works = false;
  for (const auto until = Clock::now() + std::chrono::seconds(30); !works && Clock::now() < until;) {
    const auto made = sign(*keystore, "camera/ec", KeyType::ec_p256);
    works = made.has_value() && refused > 0;
    if (made) continue;
    EXPECT_EQ(made.error().code, Errc::unavailable) << what(made);
    ++refused;
  }
  EXPECT_TRUE(works) << refused << daemon_.log();
}

#ifdef CAMVAULT_HAVE_TPM2
TEST_F(Hangs, ATpm) {
  if (!test_support::SoftTpm::is_installed()) GTEST_SKIP() << "not installed here: swtpm";
  test_support::SoftTpm tpm(daemon_.root() / "tpm");
  std::filesystem::permissions(daemon_.root() / "tpm", std::filesystem::perms(0755));
  for (const auto& path : {tpm.socket(), std::filesystem::path(tpm.socket().string() + ".ctrl")})
    std::filesystem::permissions(path, std::filesystem::perms(0777));
  check(
      "[[backend]]\ntype = \"tpm2\"\ntcti = \"" + tpm.tcti() + "\"\n", [&] { tpm.program().signal(SIGSTOP); },
      [&] { tpm.program().signal(SIGCONT); });
}
#endif

#ifdef CAMVAULT_HAVE_PKCS11
// p11-kit's client blocks for as long as its server is silent.
TEST_F(Hangs, APkcs11Library) {
  if (!test_support::RemoteToken::is_installed()) GTEST_SKIP() << "not installed here: softhsm2, p11-kit";
  const test_support::SoftToken token(daemon_.root() / "hsm");
  test_support::RemoteToken remote(token);
  std::filesystem::permissions(daemon_.root() / "hsm", std::filesystem::perms(0755));
  give_away(daemon_.root() / "hsm");
  check(
      "[[backend]]\nname = \"token\"\ntype = \"pkcs11\"\nmodule = \"" + std::string(remote.kModule) +
          "\"\nuri = \"" + token.uri() + "\"\npin_file = \"" + token.pin_file().string() +
          "\"\nenvironment = \"" + remote.environment() + "\"\nwrites = \"" + token.folder().string() +
          "\"\nsockets = \"yes\"\n",
      [&] { remote.program().signal_all(SIGSTOP); }, [&] { remote.program().signal_all(SIGCONT); });
}
#endif

}  // namespace
}  // namespace camvault::keystored
