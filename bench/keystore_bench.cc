// Signatures through keystored's socket beside the same signatures in this process, in one run and in turns,
// so that the ratio means something on a busy machine. P-256 over a SHA-256 digest, as signed video makes
// them.
//
//   bench_keystore [SECONDS for each measurement, default 2]
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "camvault/base/file.h"
#include "camvault/base/owned.h"
#include "camvault/ipc/keystore_client.h"

namespace {

using namespace camvault;
using Clock = std::chrono::steady_clock;
using Micros = std::chrono::duration<double, std::micro>;

constexpr int kRounds = 4;  // of every measurement, in turns

struct Measured {
  std::vector<double> micros;  // of each signature
  double seconds = 0;

  double per_second() const { return static_cast<double>(micros.size()) / seconds; }
  double percentile(double part) {
    if (micros.empty()) return 0;
    const auto at =
        std::min(micros.size() - 1, static_cast<std::size_t>(part * static_cast<double>(micros.size())));
    std::nth_element(micros.begin(), micros.begin() + static_cast<std::ptrdiff_t>(at), micros.end());
    return micros[at];
  }
};

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "keystore_bench: %s\n", what.c_str());
  std::exit(1);
}

crypto::Digest some_digest() {
  crypto::Digest digest;
  digest.size = 32;
  for (std::uint8_t i = 0; i < 32; ++i) digest.bytes[i] = i;
  return digest;
}

void measure(Measured& out, double seconds, const std::function<void()>& sign) {
  const auto begin = Clock::now();
  const auto end =
      begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  auto before = begin;
  while (before < end) {
    sign();
    const auto now = Clock::now();
    out.micros.push_back(Micros(now - before).count());
    before = now;
  }
  out.seconds += std::chrono::duration<double>(before - begin).count();
}

// What a program does that holds its key itself.
class InProcess {
 public:
  InProcess() : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "prime256v1")) {
    if (key_ == nullptr) give_up("no key");
  }
  void sign(const crypto::Digest& digest) const {
    const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> ctx(
        EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
    std::uint8_t signature[80];
    std::size_t size = sizeof signature;
    if (EVP_PKEY_sign_init(ctx.get()) != 1 || EVP_PKEY_CTX_set_signature_md(ctx.get(), EVP_sha256()) != 1 ||
        EVP_PKEY_sign(ctx.get(), signature, &size, digest.bytes.data(), digest.size) != 1) {
      give_up("cannot sign");
    }
  }

 private:
  Owned<EVP_PKEY, EVP_PKEY_free> key_;
};

class Daemon {
 public:
  Daemon() {
    char name[] = "/tmp/camvault-keystore-bench-XXXXXX";
    if (::mkdtemp(name) == nullptr) give_up("no temporary folder");
    root_ = name;
    std::filesystem::permissions(root_, std::filesystem::perms(0755));
    std::filesystem::create_directories(root_ / "etc/camvault");
    std::ofstream(root_ / "etc/camvault/keystored.toml")
        << "[[application]]\nname = \"bench\"\nuid = " << ::geteuid() << "\n";
    std::filesystem::permissions(root_ / "etc/camvault/keystored.toml", std::filesystem::perms(0644));
    pid_ = ::fork();
    if (pid_ == 0) {
      const int log = ::open((root_ / "log").c_str(), O_WRONLY | O_CREAT,
                             0600);  // the audit line of each signature is part of it
      ::dup2(log, STDERR_FILENO);
      const auto root = root_.string();
      ::execl(KEYSTORED_BINARY, KEYSTORED_BINARY, "--root", root.c_str(), static_cast<char*>(nullptr));
      ::_exit(127);
    }
  }
  ~Daemon() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(root_);
  }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  std::shared_ptr<keystore::Keystore> connect() const {
    auto client = ipc::connect_keystore(ipc::default_socket_path(root_));
    if (!client) give_up(client.error().what);
    return *client;
  }

 private:
  std::filesystem::path root_;
  pid_t pid_ = -1;
};

constexpr auto kScheme = crypto::SignatureScheme::ecdsa;
constexpr auto kHash = crypto::HashAlg::sha256;

// `threads` clients, each with a connection of its own, each waiting for its answer.
void measure_clients(Measured& out, double seconds,
                     const std::vector<std::shared_ptr<crypto::SigningKey>>& keys) {
  const auto digest = some_digest();
  std::vector<Measured> each(keys.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    threads.emplace_back([&, i] {
      measure(each[i], seconds, [&] {
        if (!keys[i]->sign(kScheme, kHash, digest)) give_up("no signature");
      });
    });
  }
  for (auto& thread : threads) thread.join();
  double longest = 0;
  for (auto& one : each) {
    out.micros.insert(out.micros.end(), one.micros.begin(), one.micros.end());
    longest = std::max(longest, one.seconds);
  }
  out.seconds += longest;
}

// One client with up to 32 requests in flight.
void measure_pipelined(Measured& out, double seconds, crypto::SigningKey& key) {
  const auto digest = some_digest();
  std::mutex mutex;
  std::condition_variable changed;
  int in_flight = 0;
  const auto begin = Clock::now();
  std::unique_lock lock(mutex);
  while (std::chrono::duration<double>(Clock::now() - begin).count() < seconds) {
    changed.wait(lock, [&] { return in_flight < 32; });
    ++in_flight;
    lock.unlock();
    key.sign_async(kScheme, kHash, digest, [&, asked = Clock::now()](Result<Bytes> signature) {
      if (!signature) give_up(signature.error().what);
      const std::lock_guard inner(mutex);
      out.micros.push_back(Micros(Clock::now() - asked).count());
      --in_flight;
      changed.notify_one();
    });
    lock.lock();
  }
  changed.wait(lock, [&] { return in_flight == 0; });
  out.seconds += std::chrono::duration<double>(Clock::now() - begin).count();
}

void print(const char* name, Measured& measured, Measured& in_process) {
  std::printf("%-36s %9.0f %9.1f %9.1f   x %.2f   %+8.1f\n", name, measured.per_second(),
              measured.percentile(0.5), measured.percentile(0.99),
              measured.per_second() / in_process.per_second(),
              measured.percentile(0.5) - in_process.percentile(0.5));
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = (argc > 1 ? std::atof(argv[1]) : 2.0) / kRounds;
  if (!(seconds > 0)) give_up("SECONDS is a number above 0");
  const Daemon daemon;
  const auto keystore = daemon.connect();
  const keystore::KeyUse use{keystore::KeyName::parse("bench/key").value(), keystore::Purpose::media_signing};
  if (const auto made = keystore->generate(use.key, keystore::KeyType::ec_p256,
                                           keystore::default_policy(keystore::KeyType::ec_p256, use.purpose));
      !made) {
    give_up(made.error().what);
  }
  std::vector<std::shared_ptr<crypto::SigningKey>> keys;
  for (int i = 0; i < 8; ++i) keys.push_back(daemon.connect()->signing_key(use).value());

  const InProcess own;
  const auto digest = some_digest();
  Measured in_process, one, eight, pipelined;
  for (int round = 0; round < kRounds; ++round) {
    measure(in_process, seconds, [&] { own.sign(digest); });
    measure_clients(one, seconds, {keys[0]});
    measure_clients(eight, seconds, keys);
    measure_pipelined(pipelined, seconds, *keys[1]);
  }
  std::printf("ECDSA P-256, SHA-256 digest            sign/s    p50 us    p99 us   of own   p50 over\n");
  print("in this process (EVP_PKEY_sign)", in_process, in_process);
  print("keystored, 1 client", one, in_process);
  print("keystored, 8 clients", eight, in_process);
  print("keystored, 1 client, 32 in flight", pipelined, in_process);
  const bool fast = one.per_second() >= 1000 && one.percentile(0.5) - in_process.percentile(0.5) <= 100;
  std::printf("target (1 client: 1000/s, p50 at most 100 us over this process): %s\n",
              fast ? "met" : "MISSED");
  return 0;
}
