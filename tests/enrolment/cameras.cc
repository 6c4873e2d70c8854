// Many cameras in one program, each with an identity of a maker that exists for this test, and a key of its
// own to enrol. A camera tries until it has a certificate, and tries again with the same key.
//
//   enrolment_cameras maker DIR                       makes DIR/maker.pem and DIR/maker.key
//   enrolment_cameras run DIR PORT CA CAMERAS THREADS [FIRST [1.2]]
// run enrols SIM-000000 (or SIM-FIRST) and so on, in TLS 1.2 or the newest that the server has; it prints
// what each one got, and to standard error how long it took.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "camvault/base/file.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/crypto_openssl/local_key.h"
#include "camvault/enrolment/tls_transport.h"

namespace camvault {
namespace {

using crypto_openssl::LocalKey;
using namespace std::chrono_literals;

constexpr auto kPatience = 5min;
const SystemClock kClock;
const auto kEngine = crypto_openssl::make_openssl_engine();

Status make_maker(const std::filesystem::path& folder) {
  CAM_TRY(const auto key, LocalKey::generate(crypto::KeyAlg::ec_p256));
  crypto_openssl::CertificateProfile profile;
  profile.ca = true;
  profile.key_usage = crypto_openssl::KeyUsage::key_cert_sign | crypto_openssl::KeyUsage::crl_sign;
  profile.not_before = kClock.now() - 24h;
  profile.not_after = kClock.now() + 24h * 365;
  crypto_openssl::SubjectName name;
  name.common_name = "Simulated maker";
  CAM_TRY(const auto certificate, crypto_openssl::issue_self_signed(*key, name, profile, Bytes{1}));
  CAM_TRY_STATUS(
      write_file_atomically(folder / "maker.pem", as_bytes(crypto_openssl::certificate_pem(certificate))));
  const auto pem = key->private_pem_for_tests();
  return pem.reveal(
      [&](BytesView bytes) { return write_file_atomically(folder / "maker.key", bytes, 0600); });
}

struct Fleet {
  std::unique_ptr<LocalKey> maker_key;
  crypto::Certificate maker;
  std::vector<crypto::Certificate> trust;
  http::Url server;
  tls::Versions versions;
};

struct Camera {
  std::string serial;
  std::shared_ptr<LocalKey> identity_key;
  std::shared_ptr<LocalKey> key;
  crypto::Certificate identity;
  std::string number;  // of the certificate that it got
  unsigned tries = 0;
  std::chrono::duration<double> took{};  // of the last try
};

Result<Camera> make_camera(const Fleet& fleet, unsigned index) {
  Camera out;
  char serial[32];
  std::snprintf(serial, sizeof serial, "SIM-%06u", index);
  out.serial = serial;
  CAM_TRY(out.identity_key, LocalKey::generate(crypto::KeyAlg::ec_p256));
  CAM_TRY(out.key, LocalKey::generate(crypto::KeyAlg::ec_p256));
  crypto_openssl::CertificateProfile profile;
  profile.not_before = kClock.now() - 1h;
  profile.not_after = kClock.now() + 24h * 300;
  crypto_openssl::SubjectName name;
  name.common_name = "Simulated camera";
  name.device_serial = out.serial;
  const Bytes number = {1, static_cast<std::uint8_t>(index >> 16), static_cast<std::uint8_t>(index >> 8),
                        static_cast<std::uint8_t>(index)};
  CAM_TRY(out.identity, crypto_openssl::issue_certificate(*fleet.maker_key, fleet.maker, name,
                                                          out.identity_key->spki_der(), profile, number));
  return out;
}

Result<std::string> enrol_once(const Fleet& fleet, const Camera& camera) {
  tls::Policy policy;
  policy.anchors = fleet.trust;
  CAM_TRY(auto credential, tls::Credential::create({camera.identity}, camera.identity_key));
  CAM_TRY(const auto context,
          tls::Context::client({kEngine.get(), &kClock}, policy, std::move(credential), fleet.versions));
  enrolment::TlsTransport transport(context, fleet.server, 5s);
  enrolment::EstClient client(transport);
  CAM_TRY_STATUS(client.ca_certificates());
  crypto_openssl::SubjectName name;
  name.device_serial = camera.serial;
  const auto make = [&](const std::string& challenge) {
    return crypto_openssl::make_certificate_request(*camera.key, name, crypto_openssl::RsaPadding::pkcs1v15,
                                                    challenge);
  };
  CAM_TRY(const auto certificates, client.enrol(make, false));
  const auto& leaf = certificates.front();
  if (leaf.device_serial != camera.serial || leaf.key->spki_der() != camera.key->spki_der())
    return fail(Errc::invalid, "another camera's certificate");
  return leaf.serial;
}

Status enrol_until_done(const Fleet& fleet, Camera& camera) {
  thread_local std::minstd_rand random(std::random_device{}());
  const auto end = std::chrono::steady_clock::now() + kPatience;
  std::string trouble;
  while (std::chrono::steady_clock::now() < end) {
    ++camera.tries;
    const auto begin = std::chrono::steady_clock::now();
    auto number = enrol_once(fleet, camera);
    camera.took = std::chrono::steady_clock::now() - begin;
    if (number) {
      camera.number = std::move(*number);
      return ok();
    }
    if (number.error().code == Errc::denied) return tl::unexpected(number.error());
    trouble = std::move(number.error().what);
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + random() % 200));
  }
  return fail(Errc::unavailable, camera.serial + " has not enrolled within five minutes: " + trouble);
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// One line: what the tests print, and what bench/enrolment_bench.py reads.
void report(const std::vector<Camera>& all, double took, double cpu) {
  unsigned tries = 0;
  std::vector<double> each;
  for (const auto& camera : all) {
    tries += camera.tries;
    each.push_back(camera.took.count() * 1e3);
  }
  std::sort(each.begin(), each.end());
  const auto at = [&](std::size_t percent) { return each[(each.size() - 1) * percent / 100]; };
  std::fprintf(
      stderr,
      "%zu cameras, %u tries, %.2f s, %.1f a second, p50 %.1f ms, p99 %.1f ms, the cameras' own CPU %.2f s\n",
      all.size(), tries, took, static_cast<double>(all.size()) / took, at(50), at(99), cpu);
}

Status run(const std::filesystem::path& folder, const std::string& port, const std::filesystem::path& ca,
           unsigned cameras, unsigned threads, unsigned first, tls::Versions versions) {
  Fleet fleet;
  fleet.versions = versions;
  CAM_TRY(const auto key_pem, read_file(folder / "maker.key", 1 << 16));
  CAM_TRY(fleet.maker_key, LocalKey::from_pem(as_text(key_pem)));
  CAM_TRY(const auto maker_pem, read_file(folder / "maker.pem", 1 << 16));
  CAM_TRY(auto makers, kEngine->certificates_from_pem(as_text(maker_pem)));
  fleet.maker = std::move(makers.front());
  CAM_TRY(const auto ca_pem, read_file(ca, 1 << 16));
  CAM_TRY(fleet.trust, kEngine->certificates_from_pem(as_text(ca_pem)));
  CAM_TRY(fleet.server, http::parse_url("https://localhost:" + port));
  std::vector<Camera> all;
  for (unsigned i = 0; i < cameras; ++i) {
    CAM_TRY(auto camera, make_camera(fleet, first + i));
    all.push_back(std::move(camera));
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto cpu_before = cpu_seconds();
  std::atomic<unsigned> next = 0;
  std::mutex mutex;
  Status outcome = ok();
  {
    std::vector<std::jthread> workers;
    for (unsigned t = 0; t < threads; ++t) {
      workers.emplace_back([&] {
        for (unsigned i = next++; i < cameras; i = next++) {
          const auto done = enrol_until_done(fleet, all[i]);
          if (done) continue;
          const std::lock_guard lock(mutex);
          outcome = tl::unexpected(done.error());
        }
      });
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const auto cpu = cpu_seconds() - cpu_before;
  CAM_TRY_STATUS(outcome);
  for (const auto& camera : all) std::printf("%s %s\n", camera.serial.c_str(), camera.number.c_str());
  report(all, took.count(), cpu);
  return ok();
}

int main_of(const std::vector<std::string>& arguments) {
  auto done =
      fail(Errc::usage, "enrolment_cameras maker DIR | run DIR PORT CA CAMERAS THREADS [FIRST [1.2]]");
  Status status = done;
  if (arguments.size() == 3 && arguments[1] == "maker") status = make_maker(arguments[2]);
  if (arguments.size() >= 7 && arguments.size() <= 9 && arguments[1] == "run") {
    tls::Versions versions;
    if (arguments.size() == 9 && arguments[8] == "1.2") versions.newest = tls::Version::tls1_2;
    const auto number = [&](std::size_t i) { return static_cast<unsigned>(std::stoul(arguments[i])); };
    status = run(arguments[2], arguments[3], arguments[4], number(5), number(6),
                 arguments.size() > 7 ? number(7) : 0, versions);
  }
  if (!status) std::fprintf(stderr, "enrolment_cameras: %s\n", status.error().what.c_str());
  return status ? 0 : 1;
}

}  // namespace
}  // namespace camvault

int main(int argc, char* argv[]) {
  return camvault::main_of(std::vector<std::string>(argv, argv + argc));
}
