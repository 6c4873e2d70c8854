#include "decoding_times.h"

#include <algorithm>

namespace camvault::cli {

std::vector<std::int64_t> decoding_times(const std::vector<std::int64_t>& pts) {
  auto dts = pts;
  std::sort(dts.begin(), dts.end());
  std::int64_t delay = 0;
  for (std::size_t i = 0; i < dts.size(); ++i) delay = std::max(delay, dts[i] - pts[i]);
  for (std::size_t i = 0; i < dts.size(); ++i) {
    dts[i] -= delay;
    if (i > 0 && dts[i] <= dts[i - 1])
      dts[i] = dts[i - 1] + 1;  // two pictures with the same time: a broken container
  }
  return dts;
}

}  // namespace camvault::cli
