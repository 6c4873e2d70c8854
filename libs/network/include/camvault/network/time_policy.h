// What a clock that may be wrong is good for. Cameras without a battery start in 1970 and get their time from
// the network, which they have to join first.
//
// There is a time that it cannot be earlier than: the release of this software, and the beginning of each of
// the camera's own certificates. A clock behind that is known to be wrong, and certificates of servers are
// then not judged by it: one that is "not yet valid" may well be valid. One whose end lies before that time
// is over, whatever the clock says. When the clock is right again, the server's certificates are judged anew,
// and the connection is dropped if they do not hold. No stored time is believed: whoever once set the clock
// forward would have shut the camera out.
#pragma once

#include <string>
#include <vector>

#include "camvault/base/time.h"
#include "camvault/crypto/certificate.h"

namespace camvault::network {

// The release of this software.
Timestamp earliest_possible_time();

struct ClockJudgement {
  Timestamp floor;         // it is not earlier than this
  bool plausible = false;  // the clock says nothing else
};
// `begins`: notBefore of certificates that were made for this camera.
ClockJudgement judge_clock(Timestamp now, const std::vector<Timestamp>& begins);

// Empty if the validity of all of them fits to what is known of the time: now, or not before the floor. Else
// which one does not, and why, in a sentence.
std::string validity_problem(const std::vector<crypto::Certificate>& chain, Timestamp now,
                             const ClockJudgement& clock);

}  // namespace camvault::network
