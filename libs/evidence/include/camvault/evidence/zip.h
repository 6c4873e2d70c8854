// ZIP files without compression: video does not get smaller, and a reader without decompressor has no bombs
// to fear.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "camvault/base/result.h"
#include "camvault/base/time.h"

namespace camvault::evidence {

inline constexpr std::uint64_t kMaxZip = 0xffff'ffff;  // no ZIP64: longer exports go into a folder

// Packs files of `folder` under their names (is_plain_name), in this order, stamped with `time`. The archive
// appears whole or not at all. Errc::limit when it would be 4 GiB or more.
Status write_zip(const std::filesystem::path& archive, const std::filesystem::path& folder,
                 const std::vector<std::string>& names, Timestamp time);

bool looks_like_zip(const std::filesystem::path& path);

// Unpacks what write_zip() packs into an empty folder: stored members with plain names, none twice, the
// checksums right. Anything else is Errc::unsupported or Errc::malformed; more than 1000 members are
// Errc::limit.
Status unpack_zip(const std::filesystem::path& archive, const std::filesystem::path& folder);

}  // namespace camvault::evidence
