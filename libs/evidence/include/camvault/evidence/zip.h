// ZIP files without compression: video does not get smaller, and a reader without decompressor has no bombs
// to fear.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "camvault/base/bytes.h"
#include "camvault/base/result.h"
#include "camvault/base/time.h"

namespace camvault::evidence {

inline constexpr std::uint64_t kMaxZip = 0xffff'ffff;  // no ZIP64: longer exports go into a folder

// Packs files of `folder` under their names (is_plain_name), in this order, stamped with `time`. The archive
// appears whole or not at all. Errc::limit when it would be 4 GiB or more.
Status write_zip(const std::filesystem::path& archive, const std::filesystem::path& folder,
                 const std::vector<std::string>& names, Timestamp time);

struct ZipMember {
  std::string name;
  std::uint32_t crc = 0;
  BytesView content;  // in the archive
};
// What write_zip() packs: stored members with plain names, none twice, that follow each other and are
// followed by their directory. Contents are not looked at. Anything else is Errc::unsupported or
// Errc::malformed; more than 1000 members are Errc::limit.
Result<std::vector<ZipMember>> read_zip(BytesView archive);

bool looks_like_zip(const std::filesystem::path& path);

// Unpacks what read_zip() accepts into an empty folder. Errc::malformed when a checksum is wrong.
Status unpack_zip(const std::filesystem::path& archive, const std::filesystem::path& folder);

}  // namespace camvault::evidence
