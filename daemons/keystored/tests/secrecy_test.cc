// A private key whose bytes the test knows is put in and used; then its bytes are looked for everywhere else.
// SP-4.2.11, IP-3-1: 0 key bytes found outside the keystore's process.
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstdlib>

#include "camvault/test_support/program.h"
#include "test_daemon.h"

namespace camvault::keystored {
namespace {

using crypto::HashAlg;
using crypto::SignatureScheme;
using keystore::default_policy;
using keystore::KeyType;
using keystore::Purpose;

// Searches the readable memory of a process for the needles. Gives the number found, or -1 if it may not be
// read.
int find_in_process(pid_t pid, const std::vector<Bytes>& needles) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  const UniqueFd memory(::open(("/proc/" + std::to_string(pid) + "/mem").c_str(), O_RDONLY | O_CLOEXEC));
  if (!maps || !memory.valid()) return -1;
  int found = 0;
  std::size_t looked_at = 0;
  for (std::string line; std::getline(maps, line);) {
    unsigned long begin = 0;
    unsigned long end = 0;
    char rights[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, rights) != 3 || rights[0] != 'r') continue;
    if (end - begin > (512ul << 20)) continue;  // shadow memory of sanitizers
    Bytes content(end - begin);
    const auto n = ::pread(memory.get(), content.data(), content.size(), static_cast<off_t>(begin));
    if (n <= 0) continue;
    content.resize(static_cast<std::size_t>(n));
    looked_at += content.size();
    for (const auto& needle : needles) {
      for (auto at = content.begin();
           (at = std::search(at, content.end(), needle.begin(), needle.end())) != content.end(); ++at)
        ++found;
    }
  }
  return looked_at == 0 ? -1 : found;
}

std::vector<Bytes> forms_of(const Bytes& scalar) {
  Bytes reversed(scalar.rbegin(), scalar.rend());  // OpenSSL keeps numbers as little-endian words
  return {scalar, reversed, to_bytes(as_bytes(to_hex(scalar))), Bytes(scalar.begin(), scalar.begin() + 16),
          Bytes(reversed.begin(), reversed.begin() + 16)};
}

class Secrecy : public KeystoredTest {
 protected:
  // A client in a process of its own, which was made before this process knew the key: it signs, tells, and
  // waits.
  void start_client() {
    ASSERT_EQ(::pipe(to_client_), 0);
    ASSERT_EQ(::pipe(from_client_), 0);
    client_ = ::fork();
    if (client_ == 0) {
      char go = 0;
      [[maybe_unused]] auto n = ::read(to_client_[0], &go, 1);
      char result = 'f';
      {
        const auto client = ipc::connect_keystore(daemon_.socket());
        crypto::Digest digest;
        digest.size = 32;
        int signatures = 0;
        for (int i = 0; client && i < 200; ++i) {
          signatures += (*client)->sign_digest({key_name("camera/known"), Purpose::media_signing},
                                               SignatureScheme::ecdsa, digest, HashAlg::sha256)
                            ? 1
                            : 0;
        }
        if (signatures == 200) result = 's';
      }
      n = ::write(from_client_[1], &result, 1);
      n = ::read(to_client_[0], &go, 1);
      ::_exit(0);
    }
  }
  char let_client_sign() {
    char result = 0;
    [[maybe_unused]] auto n = ::write(to_client_[1], "g", 1);
    n = ::read(from_client_[0], &result, 1);
    return result;
  }
  void TearDown() override {
    if (client_ > 0) {
      [[maybe_unused]] const auto n = ::write(to_client_[1], "e", 1);
      ::waitpid(client_, nullptr, 0);
    }
    KeystoredTest::TearDown();
  }

  // Makes a P-256 key with the openssl program; remembers its scalar; imports it.
  void import_known_key() {
    const auto pem = (daemon_.root() / "known.pem").string();
    const auto der = (daemon_.root() / "known.der").string();
    ASSERT_EQ(test_support::run_program({"openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
                                         "ec_paramgen_curve:P-256", "-out", pem})
                  .exit_code,
              0);
    ASSERT_EQ(test_support::run_program(
                  {"openssl", "pkcs8", "-topk8", "-nocrypt", "-in", pem, "-outform", "DER", "-out", der})
                  .exit_code,
              0);
    const auto pkcs8 = read_file(der, 4096).value();
    std::filesystem::remove(pem);
    std::filesystem::remove(der);
    // RFC 5915: the private key is the octet string (04 20) of 32 bytes in the inner sequence (02 01 01).
    const Bytes before = {0x02, 0x01, 0x01, 0x04, 0x20};
    const auto at = std::search(pkcs8.begin(), pkcs8.end(), before.begin(), before.end());
    ASSERT_NE(at, pkcs8.end());
    scalar_.assign(at + 5, at + 37);
    const auto info =
        keystore_->import_key(key_name("camera/known"), KeyType::ec_p256,
                              default_policy(KeyType::ec_p256, Purpose::media_signing), Secret(pkcs8));
    ASSERT_TRUE(info) << info.error().what;
  }

  pid_t client_ = -1;
  int to_client_[2] = {-1, -1};
  int from_client_[2] = {-1, -1};
  Bytes scalar_;
};

TEST_F(Secrecy, KnownKeyBytesAreInNoFileAndNoClient) {
  start_client();
  import_known_key();
  ASSERT_EQ(let_client_sign(), 's') << daemon_.log();
  const auto needles = forms_of(scalar_);

  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(daemon_.root())) {
    if (!entry.is_regular_file()) continue;
    ++files;
    const auto content = read_file(entry.path(), 64 << 20).value();
    for (const auto& needle : needles) {
      EXPECT_EQ(std::search(content.begin(), content.end(), needle.begin(), needle.end()), content.end())
          << entry.path();
    }
  }
  EXPECT_GE(files, 4);  // configuration, log, root key, key

  const int in_client = find_in_process(client_, needles);
  if (in_client < 0) GTEST_SKIP() << "the memory of another process cannot be read here";
  EXPECT_EQ(in_client, 0);

  // That the search would find it: this process has the bytes.
  EXPECT_GT(find_in_process(::getpid(), needles), 0);
}

// Where the bytes are is known too, to whom everything is open: root with the right to trace. The test shows
// that the search above is not blind, and what `status` means by "no stronger than the kernel".
TEST_F(Secrecy, TheServiceItselfHoldsTheKeyAndOnlyTracingRootSeesIt) {
  if (!is_root()) GTEST_SKIP() << "needs root";
  import_known_key();
  crypto::Digest digest;
  digest.size = 32;
  ASSERT_TRUE(keystore_->sign_digest({key_name("camera/known"), Purpose::media_signing},
                                     SignatureScheme::ecdsa, digest, HashAlg::sha256));
  const int found = find_in_process(daemon_.pid(), forms_of(scalar_));
  if (found < 0) GTEST_SKIP() << "root may not read other processes' memory here";
  EXPECT_GT(found, 0);
}

// What any process of the daemon's own uid gets: nothing.
int read_as_same_user(pid_t pid) {
  const auto base = "/proc/" + std::to_string(pid);
  for (const auto* file : {"/mem", "/maps", "/environ", "/auxv", "/stack", "/pagemap"}) {
    const int fd = ::open((base + file).c_str(), O_RDONLY);
    char byte = 0;
    if (fd >= 0 && ::read(fd, &byte, 1) == 1) return 1;
  }
  if (::open((base + "/fd/0").c_str(), O_RDONLY) >= 0) return 2;
  char byte = 0;
  const iovec local{&byte, 1};
  const iovec remote{reinterpret_cast<void*>(0x1000), 1};
  if (::process_vm_readv(pid, &local, 1, &remote, 1, 0) >= 0 || errno != EPERM) return 3;
  if (::ptrace(PTRACE_ATTACH, pid, nullptr, nullptr) == 0) return 4;
  if (::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0) return 5;
  return 0;
}

TEST_F(Secrecy, AProcessOfTheSameUserCannotReadOrTraceTheService) {
  const auto uid = is_root() ? kDaemonUid : static_cast<std::uint32_t>(::geteuid());
  const auto pid = daemon_.pid();
  if (is_root()) {
    EXPECT_EQ(run_as(uid, [&] { return read_as_same_user(pid); }), 0);
    EXPECT_EQ(run_as(kStranger, [&] { return read_as_same_user(pid); }), 0);
  } else {
    EXPECT_EQ(read_as_same_user(pid), 0);
  }
}

TEST_F(Secrecy, OthersCannotOpenTheFilesAndACrashLeavesNoCore) {
  import_known_key();
  struct stat info {};
  ASSERT_EQ(::stat(daemon_.state().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0700u);
  ASSERT_EQ(::stat((daemon_.state() / "root.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
  EXPECT_EQ(info.st_uid, is_root() ? kDaemonUid : static_cast<std::uint32_t>(::geteuid()));
  if (is_root()) {
    EXPECT_EQ(run_as(kStranger,
                     [&] {
                       return ::open((daemon_.state() / "root.key").c_str(), O_RDONLY) < 0 &&
                                      ::open((daemon_.state() / "keys/camera@known.key").c_str(), O_RDONLY) <
                                          0
                                  ? 0
                                  : 1;
                     }),
              0);
  }
  const int status = daemon_.stop(SIGSEGV);
  EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);  // sanitizers turn the signal into an exit
  if (WIFSIGNALED(status)) {
    EXPECT_FALSE(WCOREDUMP(status));
  }
}

}  // namespace
}  // namespace camvault::keystored
