// Cuts a piece out of a signed clip so that its signatures stay whole.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "camvault/codec/clip.h"
#include "verification.h"

namespace camvault::cli {

// Whole GOPs of the clip, by number from 0, both inclusive.
struct GopRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

// Times as the user gives them: ISO 8601 (the camera's signed times) or seconds since the clip begins; empty:
// no limit. Takes every GOP that reaches into [from, to). Errc::usage when that is none.
Result<GopRange> gops_between(codec::UnitSource& clip, const signed_video::Report& report,
                              const std::string& from, const std::string& to);

// What goes into the piece beside its own access units.
struct CutPlan {
  GopRange gops;
  std::optional<Bytes> certificate;    // of the beginning, when the piece does not have its own
  std::vector<Bytes> last_signatures;  // of the last GOPs, which stand behind the piece in the clip
};
// Reads the clip several times: the fewest signatures are taken that cover the last GOP.
Result<CutPlan> plan_cut(const crypto::Engine& engine, codec::UnitSource& clip, GopRange gops);

// Writes it; the format is that of `out`'s name. Nothing of a unit changes.
Status write_cut(const std::filesystem::path& in, const std::filesystem::path& out, const CutPlan& plan,
                 std::optional<codec::Codec> codec);

}  // namespace camvault::cli
