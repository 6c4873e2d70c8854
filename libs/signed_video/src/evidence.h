// What others say about a recording: the records that a camera put into its supplements, judged.
#pragma once

#include "camvault/crypto/engine.h"
#include "camvault/signed_video/report.h"
#include "camvault/signed_video/verifier.h"

namespace camvault::signed_video {

// Time stamps (RFC 3161) over signatures of GOPs, and what they say about the times that the camera signed.
// Fills Report::time_stamps and GopReport::time_stamp.
void judge_time_stamps(const crypto::Engine& engine, const VerifyOptions& options, Report& report);

// Evidence of where the signing keys live, against the signers' certificates. Fills Report::attestations.
// `anchors`: who may vouch for the attestation key of a module.
void judge_attestations(const crypto::Engine& engine, const std::vector<crypto::Certificate>& signers,
                        const std::vector<crypto::Certificate>& anchors, Report& report);

// Recording times that nobody but the camera vouches for, and those that a trusted time stamp shows.
struct ProvenTime {
  std::optional<Timestamp> first;  // of the first trusted time stamp
  std::optional<Timestamp> last;
  bool whole_clip = false;  // no GOP of the clip without one
};
ProvenTime proven_time(const Report& report);
// Of the GOPs that begin in [begin, end) alone.
ProvenTime proven_time(const Report& report, Timestamp begin, Timestamp end);

}  // namespace camvault::signed_video
