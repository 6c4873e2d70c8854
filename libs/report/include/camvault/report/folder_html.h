// The summary of many clips on paper: one HTML file without script, network or external parts, that prints
// well on A4 and Letter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "camvault/base/time.h"

namespace camvault::report {

// From worst to best: the order of the table.
enum class ClipOutcome : std::uint8_t {
  not_authentic,
  not_trusted,  // unchanged, but signed by somebody else
  not_signed,
  no_result,   // the verifier failed
  unreadable,  // no clip, or a broken one
  frames_missing,
  authentic,
};

struct ClipLine {
  std::string path;  // below the folder, as it stands on the disk
  std::string link;  // path from the HTML file to the clip, as it stands on the disk; empty: no link
  ClipOutcome outcome = ClipOutcome::no_result;
  std::string provenance;  // "trusted", "untrusted", "unknown"; empty without a report
  std::string reason;
  std::uint64_t bytes = 0;
};

struct FolderSummary {
  std::string folder;
  std::string tool_version;
  std::optional<Timestamp> checked_at;
  std::vector<ClipLine> clips;
};

inline constexpr std::size_t kMaxHtmlClips = 20'000;

// Clips are counted by outcome and listed from worst to best, in the order of their names; the list is cut at
// kMaxHtmlClips and says so. All texts may be foreign.
std::string to_html(FolderSummary summary);

}  // namespace camvault::report
