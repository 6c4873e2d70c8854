// The file-level meta box of ONVIF's Export File Format (26.06): who exported what, when the video begins,
// and a seal over the whole file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "camvault/base/bytes.h"
#include "camvault/base/time.h"

namespace camvault::evidence {

// SurveillanceExportBox, version 1 (5.3). Texts are UTF-8 without zero bytes, at most kMaxExportText; empty =
// not known.
struct ExportTrack {
  std::uint16_t track = 0;
  std::string name;
  std::string url;
  std::string mac;
  std::string line;
};
struct ExportInfo {
  std::string unit_name;
  std::string unit_url;
  std::string unit_mac;
  Timestamp time;  // whole seconds, when the export began
  std::string operator_name;
  std::vector<ExportTrack> tracks;
  // StartTimeBox (5.4.1): when the media timeline of a track begins; 100 ns steps.
  struct Start {
    std::uint32_t track = 0;
    Timestamp time;
  };
  std::vector<Start> starts;
};
inline constexpr std::size_t kMaxExportText = 1000;
inline constexpr std::size_t kMaxExportTracks = 64;

// What a seal (5.6) needs to know before the signature is there.
struct SealDraft {
  std::size_t signature_size = 0;
  Bytes certificate;  // DER
  Bytes algorithm;    // AlgorithmIdentifier, DER; always written (sigC)
};

struct MetaBox {
  Bytes bytes;
  std::size_t signature_offset = 0;  // in `bytes`; where signature_size zeros stand
};
// Errc::usage when a text is too long or holds a zero byte.
Result<MetaBox> make_meta_box(const ExportInfo& info, const std::optional<SealDraft>& seal = {});

struct FoundSeal {
  std::uint64_t signature_offset = 0;  // in the file
  Bytes signature;
  Bytes certificate;
  Bytes algorithm;  // empty: the standard's default, RSASSA-PSS with SHA-256 and a salt of 20 bytes
};
struct FoundExport {
  ExportInfo info;
  std::vector<FoundSeal> seals;
};
// Looks for the meta box at file level. Nothing when the file has none with a SurveillanceExportBox.
// Errc::malformed for boxes that break their format. O(boxes at file level).
Result<std::optional<FoundExport>> find_export(BytesView file);

}  // namespace camvault::evidence
