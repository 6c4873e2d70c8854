#include <algorithm>
#include <set>

#include "camvault/base/byte_reader.h"
#include "camvault/base/file.h"
#include "camvault/evidence/checksums.h"
#include "camvault/evidence/zip.h"
#include "zip_format.h"

namespace camvault::evidence {

using namespace zip;

namespace {

class LittleReader {
 public:
  explicit LittleReader(BytesView bytes) : in_(bytes) {}
  Result<std::uint32_t> number(int bytes) {
    std::uint32_t value = 0;
    for (int i = 0; i < bytes; ++i) {
      CAM_TRY(const auto byte, in_.u8());
      value |= std::uint32_t{byte} << (8 * i);
    }
    return value;
  }
  Result<BytesView> take(std::size_t count) { return in_.take(count); }
  Status skip(std::size_t count) { return in_.skip(count); }
  Status finish() const { return in_.finish(); }

 private:
  ByteReader in_;
};

// 4.3.12: the entry of the directory at its beginning, and what the member's own header says.
struct Entry {
  ZipMember member;
  std::uint64_t end = 0;  // in the file
};
Result<Entry> read_entry(BytesView file, LittleReader& directory, std::uint64_t begin, std::uint64_t most) {
  CAM_TRY(const auto fixed, directory.take(kCentralSize));
  LittleReader in(fixed);
  CAM_TRY(const auto magic, in.number(4));
  CAM_TRY_STATUS(in.skip(4));
  CAM_TRY(const auto flags, in.number(2));
  CAM_TRY(const auto method, in.number(2));
  CAM_TRY_STATUS(in.skip(4));
  Entry entry;
  CAM_TRY(entry.member.crc, in.number(4));
  CAM_TRY(const auto packed, in.number(4));
  CAM_TRY(const auto unpacked, in.number(4));
  CAM_TRY(const auto name_size, in.number(2));
  CAM_TRY(const auto extra, in.number(2));
  CAM_TRY(const auto comment, in.number(2));
  CAM_TRY_STATUS(in.skip(8));
  CAM_TRY(const auto at, in.number(4));
  CAM_TRY(const auto name, directory.take(name_size));
  if (magic != kCentral || extra != 0 || comment != 0)
    return fail(Errc::unsupported, "no ZIP file of an export");
  if (flags != 0 || method != 0 || packed != unpacked)
    return fail(Errc::unsupported,
                "the ZIP file is compressed or encrypted: unpack it yourself and name the folder");
  entry.member.name = as_text(name);
  if (!is_plain_name(entry.member.name))
    return fail(Errc::malformed, "the ZIP file holds a name that no export has");
  const auto content = begin + kLocalSize + name_size;
  entry.end = content + packed;
  if (at != begin || entry.end > most)
    return fail(Errc::malformed, "a member of the ZIP file lies outside of it");
  entry.member.content = file.subspan(content, packed);
  // Both headers say the same, or a program that goes by the other one would unpack something else than we
  // do.
  constexpr std::size_t kLocalCommon = 4;
  constexpr std::size_t kCentralCommon = 6;
  const auto local = file.subspan(begin, kLocalSize + name_size);
  LittleReader local_magic(local);
  CAM_TRY(const auto found, local_magic.number(4));
  const auto common = kLocalSize - kLocalCommon;
  if (found != kLocal || !equal(local.subspan(kLocalCommon, common), fixed.subspan(kCentralCommon, common)) ||
      !equal(local.subspan(kLocalSize), name))
    return fail(Errc::malformed, "a member of the ZIP file contradicts its directory");
  return entry;
}

}  // namespace

Result<std::vector<ZipMember>> read_zip(BytesView file) {
  if (file.size() < kEndSize) return fail(Errc::malformed, "the ZIP file is cut short");
  // write_zip() leaves no comment: the end stands at the end.
  LittleReader end(file.last(kEndSize));
  CAM_TRY(const auto magic, end.number(4));
  if (magic != kEnd) return fail(Errc::unsupported, "no ZIP file of an export, or one that is cut short");
  CAM_TRY_STATUS(end.skip(6));
  CAM_TRY(const auto count, end.number(2));
  CAM_TRY(const auto size, end.number(4));
  CAM_TRY(const auto offset, end.number(4));
  if (count > kMaxFiles) return fail(Errc::limit, "a ZIP file of more than 1000 members");
  if (std::uint64_t{offset} + size + kEndSize != file.size())
    return fail(Errc::malformed, "the ZIP file's directory is elsewhere");
  LittleReader directory(file.subspan(offset, size));
  std::vector<ZipMember> members;
  std::set<std::string_view> names;
  std::uint64_t next = 0;  // members follow each other: none overlaps another
  for (std::uint32_t i = 0; i < count; ++i) {
    CAM_TRY(auto entry, read_entry(file, directory, next, offset));
    next = entry.end;
    members.push_back(std::move(entry.member));
  }
  for (const auto& member : members) {
    if (!names.insert(member.name).second) return fail(Errc::malformed, "the ZIP file holds a name twice");
  }
  CAM_TRY_STATUS(directory.finish());
  if (next != offset)
    return fail(Errc::malformed, "the ZIP file holds something that its directory does not name");
  return members;
}

bool looks_like_zip(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::array<char, 4> magic{};
  in.read(magic.data(), magic.size());
  return in && std::string_view(magic.data(), magic.size()) == std::string_view("PK\x03\x04", 4);
}

Status unpack_zip(const std::filesystem::path& archive, const std::filesystem::path& folder) {
  CAM_TRY(const auto file, MappedFile::open(archive));
  CAM_TRY(const auto members, read_zip(file.bytes()));
  for (const auto& member : members) {
    std::error_code error;
    const auto target = folder / member.name;
    std::filesystem::create_directories(target.parent_path(), error);
    Stream out(target);
    Crc32 sum;
    for (std::size_t done = 0; done < member.content.size(); done += kPiece) {
      const auto piece = member.content.subspan(done, std::min(kPiece, member.content.size() - done));
      sum.update(piece);
      out.write(piece);
    }
    CAM_TRY_STATUS(out.close(target.string()));
    if (sum.value() != member.crc)
      return fail(Errc::malformed, member.name + ": the ZIP file is damaged here");
  }
  return ok();
}

}  // namespace camvault::evidence
