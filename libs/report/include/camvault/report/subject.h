// What the renderers need to know beside the verifier's report: which file was looked at, when and with what.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "camvault/base/time.h"

namespace camvault::report {

// What a bundle or an export says about itself, beside the signatures in its video.
struct Packing {
  bool bundle = false;  // the fields below speak about its files
  std::size_t files = 0;
  std::vector<std::string> problems;  // files that are not as they were packed
  std::string report_signed_by;       // empty: the report in it is not signed

  bool exported = false;  // the clip says that it is an export (ONVIF export file format)
  Timestamp exported_at{};
  std::size_t seals = 0;
  std::size_t broken = 0;  // seals that the file does not fit any more
  std::string sealed_by;

  bool as_packed() const { return problems.empty() && broken == 0; }
};

struct Subject {
  std::string file_name;  // as the user gave it; hostile text is neutralised by the renderers
  std::uint64_t file_bytes = 0;
  std::string sha256;       // of the whole file, hex; empty = was not computed
  std::string container;    // "mp4", "fragmented_mp4", "annex_b", "matroska"
  std::uint32_t width = 0;  // pixels; 0 = unknown
  std::uint32_t height = 0;
  std::vector<std::string> not_video;  // other tracks, which nothing here speaks about
  std::optional<Ticks> duration;       // by the container's clock
  std::string trust_store;             // folder whose anchors were trusted; empty: none
  std::string tool_version;
  std::optional<Timestamp> checked_at;
  std::optional<Packing> packing;
};

}  // namespace camvault::report
