// camvault keystore benchmark: how fast a key of one's own is, through keystored and whatever module holds
// it.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <mutex>
#include <thread>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/report/text.h"
#include "commands.h"
#include "keystore_options.h"

namespace camvault::cli {

namespace {
using Clock = std::chrono::steady_clock;
using crypto::HashAlg;
using crypto::SignatureScheme;

struct Options {
  KeystoreOptions keystore;
  std::string name;
  double seconds = 2;
  std::size_t clients = 1;
};

constexpr std::string_view kMessage = "camvault keystore benchmark";  // what is signed: of no use to anybody

using Use = std::function<Status(keystore::Keystore&)>;

struct Work {
  std::string_view what;  // "signatures"
  Use use;
};

Status made(const Result<Bytes>& result) {
  if (!result) return tl::unexpected(result.error());
  return ok();
}

// The first of them that the policy allows, or the first of all: keystored refuses what it does not.
template <class E>
E first_of(const keystore::EnumSet<E>& allowed, std::initializer_list<E> wanted) {
  const auto found = std::find_if(wanted.begin(), wanted.end(), [&](E e) { return allowed.contains(e); });
  return found == wanted.end() ? *wanted.begin() : *found;
}

// What the key is for; by message where its module makes no signatures over digests.
Result<Work> work_of(const keystore::KeyInfo& key, keystore::Keystore& store) {
  const keystore::KeyUse use{key.name, key.policy.purpose};
  if (key.type == keystore::KeyType::hmac_sha256)
    return Work{"MACs", [use](keystore::Keystore& k) { return made(k.mac(use, as_bytes(kMessage))); }};
  if (key.type == keystore::KeyType::aes_256)
    return Work{"encryptions",
                [use](keystore::Keystore& k) { return made(k.encrypt(use, as_bytes(kMessage), {})); }};
  const auto scheme = first_of(key.policy.schemes, {SignatureScheme::ecdsa, SignatureScheme::ed25519,
                                                    SignatureScheme::rsa_pss, SignatureScheme::rsa_pkcs1v15});
  const auto hash = first_of(key.policy.hashes, {HashAlg::sha256, HashAlg::sha384, HashAlg::sha512});
  const auto digest = crypto_openssl::make_openssl_engine()->digest(hash, as_bytes(kMessage));
  const Use by_digest = [=](keystore::Keystore& k) { return made(k.sign_digest(use, scheme, digest, hash)); };
  const auto tried = by_digest(store);
  if (tried) return Work{"signatures", by_digest};
  if (tried.error().code != Errc::unsupported) return tl::unexpected(tried.error());
  return Work{"signatures", [=](keystore::Keystore& k) {
                return made(k.sign_message(use, scheme, as_bytes(kMessage), hash));
              }};
}

struct Measured {
  std::vector<double> micros;  // ascending
  double seconds = 0;
  double at(double part) const {
    return micros[static_cast<std::size_t>(part * static_cast<double>(micros.size() - 1) + 0.5)];
  }
  double rate() const { return static_cast<double>(micros.size()) / seconds; }
};

// Clients with a connection each; every one waits for its answer before it asks again.
Result<Measured> measure(const Options& options, const Use& use) {
  std::vector<std::shared_ptr<keystore::Keystore>> stores;
  for (std::size_t i = 0; i < options.clients; ++i) {
    CAM_TRY(auto store, connect_keystore(options.keystore));
    CAM_TRY_STATUS(use(*store));  // the key is open and the connection greeted
    stores.push_back(std::move(store));
  }
  std::mutex mutex;
  Measured out;
  Status failed = ok();
  const auto begin = Clock::now();
  const auto end =
      begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.seconds));
  std::vector<std::thread> threads;
  for (const auto& store : stores) {
    threads.emplace_back([&, store] {
      std::vector<double> micros;
      Status status = ok();
      for (auto before = begin; status && before < end;) {
        status = use(*store);
        const auto now = Clock::now();
        micros.push_back(std::chrono::duration<double, std::micro>(now - before).count());
        before = now;
      }
      const std::lock_guard lock(mutex);
      out.micros.insert(out.micros.end(), micros.begin(), micros.end());
      if (!status) failed = status;
    });
  }
  for (auto& thread : threads) thread.join();
  out.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  CAM_TRY_STATUS(failed);
  std::sort(out.micros.begin(), out.micros.end());
  return out;
}

Status benchmark(const Options& options) {
  CAM_TRY(const auto name, keystore::KeyName::parse(options.name));
  CAM_TRY(const auto store, connect_keystore(options.keystore));
  CAM_TRY(const auto key, store->info(name));
  CAM_TRY(const auto work, work_of(key, *store));
  CAM_TRY(const auto measured, measure(options, work.use));
  CAM_TRY(const auto status, store->status());
  const auto backend = std::find_if(status.backends.begin(), status.backends.end(),
                                    [&](const auto& b) { return b.name == key.backend; });
  const bool simulator = backend != status.backends.end() && backend->simulator;
  if (options.keystore.json) {
    const nlohmann::ordered_json out{{"key", name.text()},
                                     {"type", std::string(to_string(key.type))},
                                     {"backend", key.backend},
                                     {"simulator", simulator},
                                     {"operation", std::string(work.what)},
                                     {"clients", options.clients},
                                     {"seconds", measured.seconds},
                                     {"count", measured.micros.size()},
                                     {"per_second", measured.rate()},
                                     {"p50_us", measured.at(0.5)},
                                     {"p99_us", measured.at(0.99)},
                                     {"longest_us", measured.micros.back()}};
    std::printf("%s\n", out.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace).c_str());
    return ok();
  }
  std::printf(
      "%s, %s in %s%s, %zu client%s: %.0f %s a second; p50 %.3f ms, p99 %.3f ms, longest %.3f ms (%zu in "
      "%.1f s)\n",
      report::printable(name.text()).c_str(), std::string(to_string(key.type)).c_str(),
      report::printable(key.backend).c_str(), simulator ? " (SIMULATOR)" : "", options.clients,
      options.clients == 1 ? "" : "s", measured.rate(), std::string(work.what).c_str(),
      measured.at(0.5) / 1000, measured.at(0.99) / 1000, measured.micros.back() / 1000,
      measured.micros.size(), measured.seconds);
  return ok();
}
}  // namespace

void add_keystore_benchmark(CLI::App& keystore, int& exit_code) {
  auto* command = keystore.add_subcommand(
      "benchmark", "how many signatures a second a key makes, and how long each takes");
  auto options = std::make_shared<Options>();
  add_keystore_options(*command, options->keystore);
  command->add_option("NAME", options->name, "the key, which you may use: application/name")->required();
  command->add_option("--seconds", options->seconds, "how long to measure (default 2)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 600.0));
  command->add_option("--clients", options->clients, "programs that use it at once (default 1)")
      ->type_name("NUMBER")
      ->check(CLI::Range(1, 32));
  command->footer(
      "A text that is of no use to anybody is signed (HMAC keys: authenticated, AES keys: encrypted), over "
      "and over. Each "
      "use is\nin keystored's audit.\n\nExamples:\n  camvault keystore benchmark camera/media-signing\n"
      "  camvault keystore benchmark camera/https --clients 8 --json");
  command->callback([options, &exit_code] { exit_code = finish_keystore(benchmark(*options)); });
}

}  // namespace camvault::cli
