// From everything that was found to one verdict, and a clause that says why.
#pragma once

#include "camvault/signed_video/report.h"
#include "ledger.h"
#include "supplement_check.h"

namespace camvault::signed_video {

struct VerdictFacts {
  const CoverageOutcome& pictures;
  const SupplementCheck::Outcome& side;
  bool any_sei = false;      // of ours, readable or not
  bool tampered = false;     // an SEI, a supplement or a chain was changed
  bool without_key = false;  // signatures were there and no key for them
  bool is_onvif = false;
  std::uint32_t gop = 0;  // that the clip ends in
};

// Notes what no signature speaks about.
void list_uncovered(Report& report, std::uint32_t gop);
// Sets verdict and reason; the counts of pictures are in `report` already.
void decide(const VerdictFacts& facts, Report& report);

}  // namespace camvault::signed_video
