// What happens to the module in processes that fork, change their user, have many threads, or outlive
// keystored.
#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "token.h"

namespace camvault::pkcs11_module {
namespace {

using keystore::KeyType;

const Bytes kDigest(32, 0x5a);

int sockets_of_this_process() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    count += std::filesystem::read_symlink(entry, gone).native().starts_with("socket:") ? 1 : 0;
  }
  return count;
}

// In a child, which starts anew as PKCS#11 has it; 0 if it can sign.
int start_anew_and_sign(const CK_FUNCTION_LIST& p11, const std::string& name) {
  if (p11.C_Initialize(nullptr) != CKR_OK) return 10;
  CK_SESSION_HANDLE session = 0;
  if (p11.C_OpenSession(0, CKF_SERIAL_SESSION, nullptr, nullptr, &session) != CKR_OK) return 11;
  CK_RV rv = CKR_OK;
  const auto key = find_key(p11, session, name);
  if (key == CK_INVALID_HANDLE) return 12;
  return sign(p11, session, key, {CKM_ECDSA, nullptr, 0}, kDigest, rv).size() == 64 ? 0 : 13;
}

int exit_code_of(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 200 + WTERMSIG(status);
}

class Process : public TokenTest {
 protected:
  void SetUp() override {
    TokenTest::SetUp();
    make_key("camera/ec", KeyType::ec_p256);
    ASSERT_EQ(sign_as(key("camera/ec"), {CKM_ECDSA, nullptr, 0}, kDigest).size(), 64u);
  }
};

TEST_F(Process, AChildHasNoneOfItsParentsConnectionsAndStartsAnew) {
  const auto handle = key("camera/ec");
  keystore_.reset();
  ASSERT_GT(sockets_of_this_process(), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (sockets_of_this_process() != 0) ::_exit(1);
    CK_MECHANISM mechanism{CKM_ECDSA, nullptr, 0};
    if (p11_.C_SignInit(session_, &mechanism, handle) != CKR_CRYPTOKI_NOT_INITIALIZED) ::_exit(2);
    ::_exit(start_anew_and_sign(p11_, "camera/ec"));
  }
  EXPECT_EQ(exit_code_of(child), 0);
  EXPECT_EQ(sign_as(handle, {CKM_ECDSA, nullptr, 0}, kDigest).size(), 64u);
}

TEST_F(Process, ManyThreadsSignWhileOthersFork) {
  const auto handle = key("camera/ec");
  std::atomic<int> good{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      CK_SESSION_HANDLE session = 0;
      if (p11_.C_OpenSession(0, CKF_SERIAL_SESSION, nullptr, nullptr, &session) != CKR_OK) return;
      for (int n = 0; n < 50; ++n) {
        CK_RV rv = CKR_OK;
        good += sign(p11_, session, handle, {CKM_ECDSA, nullptr, 0}, kDigest, rv).size() == 64 ? 1 : 0;
      }
    });
  }
  int children = 0;
  for (; children < 20; ++children) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(start_anew_and_sign(p11_, "camera/ec"));
    EXPECT_EQ(exit_code_of(child), 0);
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 400);
}

// A server that starts as root and gives its rights away must not keep root's.
TEST_F(Process, AProcessThatChangesItsUserIsSomebodyElseFromThenOn) {
  if (!keystored::is_root()) GTEST_SKIP() << "needs root";
  const auto code = keystored::run_as(0, [&] {
    if (const int failed = start_anew_and_sign(p11_, "camera/ec"); failed != 0) return failed;
    CK_SESSION_HANDLE session = 0;
    if (p11_.C_OpenSession(0, CKF_SERIAL_SESSION, nullptr, nullptr, &session) != CKR_OK) return 20;
    const auto known = find_key(p11_, session, "camera/ec");
    if (::setresuid(keystored::kStranger, keystored::kStranger, keystored::kStranger) != 0) return 21;
    CK_RV rv = CKR_OK;
    sign(p11_, session, known, {CKM_ECDSA, nullptr, 0}, kDigest, rv);
    if (rv != CKR_KEY_FUNCTION_NOT_PERMITTED) return 22;
    // Nor is it shown any more: an empty token, and no error.
    if (p11_.C_FindObjectsInit(session, nullptr, 0) != CKR_OK) return 23;
    CK_OBJECT_HANDLE any = 0;
    CK_ULONG found = 1;
    return p11_.C_FindObjects(session, &any, 1, &found) == CKR_OK && found == 0 ? 0 : 24;
  });
  EXPECT_EQ(code, 0);
}

TEST_F(Process, TheSameSessionWorksWhenKeystoredIsBack) {
  const auto handle = key("camera/ec");
  daemon_.stop(SIGKILL);
  sign_as(handle, {CKM_ECDSA, nullptr, 0}, kDigest, CKR_DEVICE_ERROR);
  ASSERT_TRUE(daemon_.start()) << daemon_.log();
  EXPECT_EQ(sign_as(handle, {CKM_ECDSA, nullptr, 0}, kDigest).size(), 64u);
}

TEST_F(Process, AKeyThatIsGoneOrAnotherIsNotTakenForTheOldOne) {
  const auto handle = key("camera/ec");
  ASSERT_TRUE(keystore_->remove(keystored::key_name("camera/ec")));
  sign_as(handle, {CKM_ECDSA, nullptr, 0}, kDigest, CKR_KEY_HANDLE_INVALID);
  EXPECT_EQ(key("camera/ec"), CK_ULONG{CK_INVALID_HANDLE});
  make_key("camera/ec", KeyType::ec_p384);
  EXPECT_NE(key("camera/ec"), handle);
  EXPECT_EQ(sign_as(key("camera/ec"), {CKM_ECDSA, nullptr, 0}, kDigest).size(), 96u);
}

}  // namespace
}  // namespace camvault::pkcs11_module
