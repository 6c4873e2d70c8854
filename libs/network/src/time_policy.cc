#include "camvault/network/time_policy.h"

#include <algorithm>

namespace camvault::network {

Timestamp earliest_possible_time() {
  return from_unix_seconds(1793491200);  // 2026-11-01: moved on with each release
}

ClockJudgement judge_clock(Timestamp now, const std::vector<Timestamp>& begins) {
  ClockJudgement clock{earliest_possible_time(), false};
  for (const auto begin : begins) clock.floor = std::max(clock.floor, begin);
  clock.plausible = now >= clock.floor;
  return clock;
}

std::string validity_problem(const std::vector<crypto::Certificate>& chain, Timestamp now,
                             const ClockJudgement& clock) {
  const auto latest_known = clock.plausible ? now : clock.floor;
  for (const auto& certificate : chain) {
    if (certificate.not_after < latest_known)
      return "the server's certificate chain ended at " + to_iso8601(certificate.not_after);
    if (clock.plausible && certificate.not_before > now)
      return "the server's certificate chain begins at " + to_iso8601(certificate.not_before);
  }
  return {};
}

}  // namespace camvault::network
