// Time of a thing and of twice the thing.
#pragma once

#include <time.h>

#include "camvault/report/json.h"
#include "scene.h"
#include "sei_writer.h"

namespace camvault::signed_video::test {

// Of this thread: other tests that run meanwhile do not count.
inline double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

template <class Work>
double cpu_time_of(Work&& work) {
  const auto begin = cpu_seconds();
  work();
  return cpu_seconds() - begin;
}

// `run(size)` does it and gives back the CPU seconds that count. Linear work doubles; quadratic work takes
// four times as long. 50 ms are noise. `limit` bounds the larger run: far above what any build needs, far
// below "hangs".
template <class Run>
void expect_linear(std::size_t n, double limit, Run&& run) {
  run(n / 8);  // warms caches and allocators
  double once = run(n);
  double twice = run(2 * n);
  if (twice > 3 * once + 0.05) {  // once more: a busy machine can slow one of them
    once = std::max(once, run(n));
    twice = std::min(twice, run(2 * n));
  }
  testing::Test::RecordProperty("seconds_n", std::to_string(once));
  testing::Test::RecordProperty("seconds_2n", std::to_string(twice));
  std::printf("  n = %zu: %.3f s, 2n: %.3f s\n", n, once, twice);
  EXPECT_LE(twice, 3 * once + 0.05) << "n = " << n;
  EXPECT_LE(twice, limit);
}

// Verifying, and the report as a program reads it.
inline Report verify_in(const Take& take, double& seconds, VerifyOptions options = trusting(camera_one())) {
  Report report;
  seconds += cpu_time_of([&] {
    report = verify(take, std::move(options), 256);
    const auto json = report::to_json({}, report);
    EXPECT_FALSE(json.empty());
  });
  return report;
}

inline void append_unit(Take& take, Bytes unit, char letter) {
  take.units.push_back(std::move(unit));
  take.letters.push_back(letter);
}

// An SEI of `camera` that says what `draft` says; signed unless `sign` is false.
inline Bytes sei_of(const Camera& camera, SeiDraft draft, bool sign = true, bool with_chain = true) {
  draft.hash = crypto::HashAlg::sha256;
  if (sign && with_chain) draft.chains = {CertificateChain{false, camera.chain_pem}};
  const auto writer =
      SeiWriter::create(draft, sign ? crypto::max_signature_size(camera.key->alg()) : 0).value();
  if (!sign) return writer.finish_unsigned().value();
  const auto digest = engine().digest(crypto::HashAlg::sha256, writer.document);
  const auto signature = camera.key->sign(crypto::SignatureScheme::ecdsa, crypto::HashAlg::sha256, digest);
  return writer.finish(*signature).value();
}

inline crypto::Digest digest_of(std::uint64_t number) {
  Bytes bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<std::uint8_t>(number >> (8 * i)));
  return engine().digest(crypto::HashAlg::sha256, bytes);
}

inline General general_of(std::uint32_t counter, Timestamp start, Timestamp end) {
  General general;
  general.spec_version = {26, 6, 0};
  general.start = start;
  general.end = end;
  general.counter = counter;
  general.unit_count = 3;
  general.gop_hash = digest_of(counter);
  general.linked_hash = digest_of(std::uint64_t{counter} + 1'000'000);
  return general;
}

}  // namespace camvault::signed_video::test
