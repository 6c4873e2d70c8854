#include "camvault/evidence/zip.h"

#include "camvault/base/file.h"
#include "camvault/evidence/checksums.h"
#include "zip_format.h"

namespace camvault::evidence {

using namespace zip;

namespace {

constexpr std::uint16_t kVersion = 20;

class LittleWriter {
 public:
  void u16(std::uint32_t value) {
    for (int shift = 0; shift < 16; shift += 8) out_.push_back(static_cast<std::uint8_t>(value >> shift));
  }
  void u32(std::uint64_t value) {
    for (int shift = 0; shift < 32; shift += 8) out_.push_back(static_cast<std::uint8_t>(value >> shift));
  }
  void text(std::string_view text) { append(out_, as_bytes(text)); }
  BytesView view() const { return out_; }

 private:
  Bytes out_;
};

struct Member {
  std::string name;
  std::uint32_t crc = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;
};

// 4.4.6: MS-DOS time, two seconds a step, here in UTC.
std::uint32_t dos_time(Timestamp time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(
      std::chrono::sys_days(std::chrono::duration_cast<std::chrono::days>(day.time_since_epoch())));
  const auto year = std::clamp(static_cast<int>(date.year()), 1980, 2107);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  const auto at = [](auto value) { return static_cast<std::uint32_t>(value.count()); };
  const auto upper = static_cast<std::uint32_t>(year - 1980) << 9 | static_cast<unsigned>(date.month()) << 5 |
                     static_cast<unsigned>(date.day());
  return upper << 16 | at(clock.hours()) << 11 | at(clock.minutes()) << 5 | at(clock.seconds()) / 2;
}

void common(LittleWriter& out, const Member& member, std::uint32_t time) {
  out.u16(kVersion);
  out.u16(0);  // flags
  out.u16(0);  // stored
  out.u32(time);
  out.u32(member.crc);
  out.u32(member.size);
  out.u32(member.size);
  out.u16(static_cast<std::uint32_t>(member.name.size()));
  out.u16(0);  // extra
}

}  // namespace

Status write_zip(const std::filesystem::path& archive, const std::filesystem::path& folder,
                 const std::vector<std::string>& names, Timestamp time) {
  const auto stamp = dos_time(time);
  auto temporary = archive;
  temporary += ".new";
  Stream out(temporary);
  std::vector<Member> members;
  for (const auto& name : names) {
    if (!is_plain_name(name)) return fail(Errc::usage, "not a name for a member: " + name);
    CAM_TRY(const auto file, MappedFile::open(folder / name));
    Member member{name, 0, file.bytes().size(), out.position()};
    if (out.position() + member.size + 4096 >= kMaxZip)
      return fail(Errc::limit, "a ZIP file holds less than 4 GiB: name a folder instead");
    Crc32 crc;
    for (std::size_t at = 0; at < file.bytes().size(); at += kPiece)
      crc.update(file.bytes().subspan(at, std::min(kPiece, file.bytes().size() - at)));
    member.crc = crc.value();
    LittleWriter head;
    head.u32(kLocal);
    common(head, member, stamp);
    head.text(name);
    out.write(head.view());
    for (std::size_t at = 0; at < file.bytes().size(); at += kPiece)
      out.write(file.bytes().subspan(at, std::min(kPiece, file.bytes().size() - at)));
    members.push_back(std::move(member));
  }
  const auto directory = out.position();
  for (const auto& member : members) {
    LittleWriter entry;
    entry.u32(kCentral);
    entry.u16(kVersion);
    common(entry, member, stamp);
    entry.u16(0);  // comment
    entry.u16(0);  // disk
    entry.u16(0);  // internal attributes
    entry.u32(0);  // external attributes
    entry.u32(member.offset);
    entry.text(member.name);
    out.write(entry.view());
  }
  LittleWriter end;
  const auto size = out.position() - directory;
  end.u32(kEnd);
  end.u16(0);
  end.u16(0);
  end.u16(static_cast<std::uint32_t>(members.size()));
  end.u16(static_cast<std::uint32_t>(members.size()));
  end.u32(size);
  end.u32(directory);
  end.u16(0);
  out.write(end.view());
  CAM_TRY_STATUS(out.close(archive.string()));
  std::error_code error;
  std::filesystem::rename(temporary, archive, error);
  if (error) return fail(Errc::io, archive.string() + ": " + error.message());
  return ok();
}

}  // namespace camvault::evidence
