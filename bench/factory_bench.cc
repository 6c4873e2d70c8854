// NC-4-1: a line that gives identities to 150,001 cameras, with an interruption in the middle. Keys are in
// this process (docs/performance.md says what a keystore adds); requests come from a file, certificates go to
// files, every camera is in the log before its certificates leave. `bench_factory [CAMERAS] [FOLDER]`
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/crypto_openssl/local_key.h"
#include "camvault/identity/audit.h"
#include "camvault/identity/batch.h"

namespace camvault {
namespace {

using crypto_openssl::LocalKey;
using SteadyTime = std::chrono::steady_clock::time_point;

double seconds_since(SteadyTime begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// The most memory this process ever had, and has now, in MiB.
double memory(const char* which) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(which)) return std::strtod(line.c_str() + line.find(':') + 1, nullptr) / 1024;
  }
  return 0;
}

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "bench_factory: %s\n", result.error().what.c_str());
  std::exit(1);
}
void must(const Status& status) {
  if (status) return;
  std::fprintf(stderr, "bench_factory: %s\n", status.error().what.c_str());
  std::exit(1);
}

std::string serial_of(std::size_t i) {
  char text[32];
  std::snprintf(text, sizeof text, "B8A44F%06zX", i);
  return text;
}

void write_requests(const std::filesystem::path& path, std::size_t count) {
  std::ofstream out(path);
  for (std::size_t i = 0; i < count; ++i) {
    for (const auto* use : {"idevid", "media-signing"}) {
      const auto key = must(LocalKey::generate(crypto::KeyAlg::ec_p256));
      out << crypto_openssl::certificate_request_pem(
          must(identity::make_certificate_request_for(serial_of(i), *key, use)));
    }
  }
}

int run(std::size_t count, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  const SystemClock clock;
  const auto engine = crypto_openssl::make_openssl_engine();
  const auto root_key = must(LocalKey::generate(crypto::KeyAlg::ec_p256));
  const auto ca_key = must(LocalKey::generate(crypto::KeyAlg::ec_p256));
  const auto log_key = must(LocalKey::generate(crypto::KeyAlg::ec_p256));
  const auto requests = folder / "requests.pem";
  auto begin = std::chrono::steady_clock::now();
  write_requests(requests, count);
  std::printf("%zu cameras: requests made in %.1f s (the cameras' work)\n", count, seconds_since(begin));

  identity::FactorySettings settings;
  settings.organization = "Bench";
  const auto site = folder / "factory";
  std::optional<identity::Factory> factory(
      must(identity::Factory::init(site, settings, *root_key, *ca_key, clock, *engine)));
  must(factory->certify_log_signer(*root_key, log_key->spki_der()));
  must(factory->use_log_key(*log_key));
  identity::Order order;
  order.id = "BENCH";
  for (std::size_t i = 0; i < count; ++i) order.serials.push_back(serial_of(i));
  begin = std::chrono::steady_clock::now();
  must(factory->take_order(identity::write_order(order), {}));
  std::printf("order taken in: %.2f s\n", seconds_since(begin));
  order.serials.clear();

  identity::BatchOptions options;
  options.order = "BENCH";
  std::uint64_t issued = 0;
  double line_seconds = 0;
  for (const bool to_the_end : {false, true}) {
    std::uint64_t now_issued = 0;
    options.on_progress = [&](const identity::BatchProgress& at) { now_issued = at.issued; };
    options.stop = [&] { return !to_the_end && now_issued > count / 2; };
    identity::RequestStream stream({requests});
    begin = std::chrono::steady_clock::now();
    const auto result = must(identity::run_batch(*factory, *ca_key, *engine, stream, options));
    const auto took = seconds_since(begin);
    line_seconds += took;
    issued += result.progress.issued;
    std::printf("%s: %llu issued, %llu before, %llu refused in %.1f s, memory %.0f MiB\n",
                to_the_end ? "the rest" : "until it was stopped",
                static_cast<unsigned long long>(result.progress.issued),
                static_cast<unsigned long long>(result.progress.before),
                static_cast<unsigned long long>(result.progress.refused), took, memory("VmRSS"));
    factory.reset();
    begin = std::chrono::steady_clock::now();
    factory.emplace(must(identity::Factory::open(site, clock, *engine)));
    must(factory->use_log_key(*log_key));
    std::printf("opened again in %.1f s\n", seconds_since(begin));
  }
  std::printf("the line: %.0f cameras a second\n", static_cast<double>(issued) / line_seconds);
  const auto serials = factory->serials();
  const std::set<std::string> different(serials.begin(), serials.end());
  const auto root = factory->root();
  factory.reset();
  begin = std::chrono::steady_clock::now();
  const auto report = must(identity::audit(*engine, {site, &root, {}}));
  std::printf("audit: %llu lines (%.0f MiB), %llu certificates, %llu files, %llu problems, %s, in %.1f s\n",
              static_cast<unsigned long long>(report.lines),
              static_cast<double>(std::filesystem::file_size(site / "issued.jsonl")) / 1024 / 1024,
              static_cast<unsigned long long>(report.certificates),
              static_cast<unsigned long long>(report.files),
              static_cast<unsigned long long>(report.problem_count),
              report.is_signed() ? "signed" : "NOT SIGNED", seconds_since(begin));
  std::printf("memory at its highest: %.0f MiB\n", memory("VmHWM"));
  const bool good = issued == count && different.size() == count && serials.size() == count &&
                    report.whole() && report.is_signed() && report.certificates == 2 * count;
  std::printf("%s\n", good ? "each camera once, none lost" : "NOT AS IT MUST BE");
  return good ? 0 : 1;
}
}  // namespace
}  // namespace camvault

int main(int argc, char** argv) {
  const auto count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 150'001;
  std::string made = (std::filesystem::temp_directory_path() / "camvault-factory-bench-XXXXXX").string();
  const std::filesystem::path folder = argc > 2 ? argv[2] : ::mkdtemp(made.data());
  const int code = camvault::run(count, folder);
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return code;
}
