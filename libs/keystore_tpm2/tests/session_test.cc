// What crosses the bus between us and a TPM, and what happens if somebody on it changes answers. AX-3.1-1,
// SP-4.2.11.
#include "session.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <mutex>
#include <thread>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/keystore_tpm2/tpm2_backend.h"
#include "camvault/test_support/soft_tpm.h"

namespace camvault::keystore_tpm2 {
namespace {

using crypto::HashAlg;
using crypto::SignatureScheme;
using keystore::KeyType;

sockaddr_un address_of(const std::filesystem::path& path) {
  sockaddr_un out{};
  out.sun_family = AF_UNIX;
  path.string().copy(out.sun_path, sizeof out.sun_path - 1);
  return out;
}

// Between the backend and swtpm: writes down all that passes, and changes answers on request. Commands and
// answers both carry their size at offset 2 (TPM 2.0 part 1, 18).
class Wire {
 public:
  explicit Wire(const test_support::SoftTpm& tpm, const std::filesystem::path& folder)
      : path_(folder / "wire"), behind_(tpm.socket()) {
    std::filesystem::create_symlink(tpm.socket().string() + ".ctrl", path_.string() + ".ctrl");
    const auto address = address_of(path_);
    if (!listener_.valid() ||
        ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_.get(), 4) != 0)
      throw std::runtime_error("the wire cannot be laid");
    thread_ = std::thread([this] { serve(); });
  }
  ~Wire() {
    stopped_ = true;
    thread_.join();
  }
  std::string tcti() const { return "swtpm:path=" + path_.string(); }

  // Called with each command's code and its answer, which it may change.
  void on_answer(std::function<void(TPM2_CC code, Bytes& answer)> change) {
    const std::lock_guard lock(mutex_);
    change_ = std::move(change);
  }
  bool saw(BytesView what) {
    const std::lock_guard lock(mutex_);
    return std::search(seen_.begin(), seen_.end(), what.begin(), what.end()) != seen_.end();
  }

 private:
  bool wait_for(int fd) const {
    while (!stopped_) {
      pollfd ready{fd, POLLIN, 0};
      if (::poll(&ready, 1, 50) > 0) return true;
    }
    return false;
  }
  bool read_message(int fd, Bytes& out) const {
    out.assign(6, 0);
    for (std::size_t at = 0; at < out.size();) {
      if (!wait_for(fd)) return false;
      const auto n = ::read(fd, out.data() + at, out.size() - at);
      if (n <= 0) return false;
      at += static_cast<std::size_t>(n);
      if (at == 6 && out.size() == 6)
        out.resize(std::size_t{out[2]} << 24 | std::size_t{out[3]} << 16 | std::size_t{out[4]} << 8 | out[5]);
    }
    return true;
  }
  void serve() {
    while (wait_for(listener_.get())) {
      const UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      const UniqueFd tpm(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const auto address = address_of(behind_);
      if (::connect(tpm.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) continue;
      for (Bytes command, answer; read_message(client.get(), command);) {
        if (::write(tpm.get(), command.data(), command.size()) < 0 || !read_message(tpm.get(), answer)) break;
        {
          const std::lock_guard lock(mutex_);
          append(seen_, command);
          append(seen_, answer);
          const auto code =
              static_cast<TPM2_CC>(command[6] << 24 | command[7] << 16 | command[8] << 8 | command[9]);
          if (change_) change_(code, answer);
        }
        if (::write(client.get(), answer.data(), answer.size()) < 0) break;
      }
    }
  }

  std::filesystem::path path_;
  std::filesystem::path behind_;
  UniqueFd listener_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;  // guards the two below
  Bytes seen_;
  std::function<void(TPM2_CC, Bytes&)> change_;
  std::thread thread_;
};

class SessionTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!test_support::SoftTpm::is_installed()) GTEST_SKIP() << "not installed here: swtpm";
    ::signal(SIGPIPE, SIG_IGN);
    tpm_ = std::make_unique<test_support::SoftTpm>(folder_.path());
    wire_ = std::make_unique<Wire>(*tpm_, folder_.path());
    backend_ = make_tpm2_backend({.name = "tpm", .tcti = wire_->tcti()}).value();
  }
  test_support::TemporaryFolder folder_;
  std::unique_ptr<test_support::SoftTpm> tpm_;
  std::unique_ptr<Wire> wire_;
  std::shared_ptr<keystore_engine::Backend> backend_;
  std::unique_ptr<crypto::Engine> openssl_ = crypto_openssl::make_openssl_engine();
};

TEST_F(SessionTest, NoSecretCrossesTheBusInClear) {
  const auto made = backend_->generate(KeyType::ec_p256).value();
  const auto key = backend_->open(KeyType::ec_p256, made.handle).value();
  const auto digest = openssl_->digest(HashAlg::sha256, as_bytes("message"));
  ASSERT_TRUE(key->sign_digest(SignatureScheme::ecdsa, HashAlg::sha256, digest));
  EXPECT_FALSE(wire_->saw(digest.view()));
  // The handle begins with a byte of version and the authorisation value with its size.
  EXPECT_FALSE(made.handle.reveal([&](BytesView handle) { return wire_->saw(handle.subspan(2, 32)); }));
  Bytes random(64);
  ASSERT_TRUE(backend_->random(random));
  EXPECT_FALSE(wire_->saw(BytesView(random).first(16)));
  const Bytes secret(32, 0x5d);
  ASSERT_TRUE(backend_->import_key(KeyType::hmac_sha256, Secret(secret)));
  EXPECT_FALSE(wire_->saw(BytesView(secret).first(16)));
  const auto mac = backend_->open(KeyType::hmac_sha256,
                                  backend_->import_key(KeyType::hmac_sha256, Secret(secret)).value().handle);
  ASSERT_TRUE((*mac)->mac(as_bytes("what is authenticated")));
  EXPECT_FALSE(wire_->saw(as_bytes("what is authenticated")));
  EXPECT_TRUE(wire_->saw(BytesView(made.spki).last(32))) << "the search would have found them";
}

// Every byte of a signature's answer: the caller never gets what somebody made of it.
TEST_F(SessionTest, ChangedAnswersAreRefused) {
  const auto made = backend_->generate(KeyType::ec_p256).value();
  const auto key = backend_->open(KeyType::ec_p256, made.handle).value();
  const auto digest = openssl_->digest(HashAlg::sha256, as_bytes("message"));
  const auto sign = [&] { return key->sign_digest(SignatureScheme::ecdsa, HashAlg::sha256, digest); };
  ASSERT_TRUE(sign());
  std::size_t changed = 0;
  for (std::size_t at = 10; at < 170; at += 7) {  // behind the header
    bool reached = false;
    wire_->on_answer([&](TPM2_CC code, Bytes& answer) {
      if (code != TPM2_CC_Sign || at >= answer.size()) return;
      answer[at] = static_cast<std::uint8_t>(answer[at] ^ 0x01u);
      reached = true;
    });
    const auto signature = sign();
    wire_->on_answer(nullptr);
    if (!reached) break;
    ++changed;
    ASSERT_FALSE(signature) << at;
    EXPECT_EQ(signature.error().code, Errc::unavailable) << at << ": " << signature.error().what;
  }
  EXPECT_GT(changed, 15u);
  EXPECT_TRUE(sign()) << "and on it goes";
}

TEST_F(SessionTest, ReplayedAndShortenedAnswersAreRefused) {
  const auto made = backend_->generate(KeyType::ec_p256).value();
  const auto key = backend_->open(KeyType::ec_p256, made.handle).value();
  const auto sign = [&](std::string_view text) {
    return key->sign_digest(SignatureScheme::ecdsa, HashAlg::sha256,
                            openssl_->digest(HashAlg::sha256, as_bytes(text)));
  };
  Bytes first;
  wire_->on_answer([&](TPM2_CC code, Bytes& answer) {
    if (code == TPM2_CC_Sign) first = answer;
  });
  ASSERT_TRUE(sign("one"));
  wire_->on_answer([&](TPM2_CC code, Bytes& answer) {
    if (code == TPM2_CC_Sign) answer = first;
  });
  EXPECT_EQ(sign("two").error().code, Errc::unavailable);
  wire_->on_answer([](TPM2_CC code, Bytes& answer) {
    if (code != TPM2_CC_Sign) return;
    answer.pop_back();
    answer[5] = static_cast<std::uint8_t>(answer[5] - 1);
  });
  EXPECT_EQ(sign("two").error().code, Errc::unavailable);
  wire_->on_answer([](TPM2_CC code, Bytes& answer) {  // "it worked", without a session in it
    if (code == TPM2_CC_Sign) answer = {0x80, 0x01, 0, 0, 0, 10, 0, 0, 0, 0};
  });
  EXPECT_EQ(sign("two").error().code, Errc::unavailable);
  // Random numbers that somebody else has chosen.
  wire_->on_answer([](TPM2_CC code, Bytes& answer) {
    if (code == TPM2_CC_GetRandom) answer[20] = static_cast<std::uint8_t>(answer[20] ^ 0x01u);
  });
  Bytes random(16);
  EXPECT_EQ(backend_->random(random).error().code, Errc::unavailable);
  wire_->on_answer(nullptr);
  EXPECT_TRUE(sign("two"));
}

}  // namespace
}  // namespace camvault::keystore_tpm2
