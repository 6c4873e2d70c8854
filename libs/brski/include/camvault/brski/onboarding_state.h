// What a camera knows of the owner that a voucher named, or a code: one file, replaced in one step.
#pragma once

#include <filesystem>
#include <string>

#include "camvault/base/bytes.h"

namespace camvault::brski {

inline constexpr std::string_view kOwnerFile = "owner.json";
// Who signs vouchers for this camera, or vouches for who does: from its factory.
inline constexpr std::string_view kMasaAnchors = "masa-anchors.pem";

struct OwnerState {
  std::string server;      // whose registrar asked for the voucher: URL
  std::string pinned_pem;  // the certificate that the voucher pins; empty: no owner yet
  Bytes voucher;           // as it came; empty: the owner had a code (libs/claim)
  bool reported = false;   // the registrar knows how enrolment went
};

// An empty one without the file. Errc::malformed.
Result<OwnerState> read_owner(const std::filesystem::path& folder);
Status write_owner(const std::filesystem::path& folder, const OwnerState& state);
Status forget_owner(const std::filesystem::path& folder);

}  // namespace camvault::brski
