// Measuring: time of the calling thread, medians, percentiles.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace camvault::bench {

inline double seconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}
// What this thread used of a core: other programs on the machine do not count.
inline double cpu_seconds() {
  return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}
inline double wall_seconds() {
  return seconds_of(CLOCK_MONOTONIC);
}

template <class Work>
double cpu_time_of(Work&& work) {
  const auto begin = cpu_seconds();
  work();
  return cpu_seconds() - begin;
}

// p from 0 to 1; of an empty list 0.
inline double percentile(std::vector<double> values, double p) {
  if (values.empty()) return 0;
  const auto index = static_cast<std::size_t>(p * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(index), values.end());
  return values[index];
}
inline double median(std::vector<double> values) {
  return percentile(std::move(values), 0.5);
}

}  // namespace camvault::bench
