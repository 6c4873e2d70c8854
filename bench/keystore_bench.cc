// Signatures through keystored's socket beside the same signatures in this process, in one run and in turns,
// so that the ratio means something on a busy machine. P-256 over a SHA-256 digest, as signed video makes
// them.
//
//   bench_keystore [SECONDS for each measurement, default 2]
#include <openssl/evp.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "camvault/base/file.h"
#include "camvault/base/owned.h"
#include "daemon.h"

namespace {

using namespace camvault;
using bench::Daemon;
using bench::give_up;
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
