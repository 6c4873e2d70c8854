#include "camvault/evidence/zip.h"

#include <array>
#include <fstream>
#include <set>

#include "camvault/base/byte_reader.h"
#include "camvault/base/file.h"
#include "camvault/evidence/checksums.h"

namespace camvault::evidence {

namespace {

// APPNOTE 6.3, 4.3.7, 4.3.12, 4.3.16.
constexpr std::uint32_t kLocal = 0x04034b50;
constexpr std::uint32_t kCentral = 0x02014b50;
constexpr std::uint32_t kEnd = 0x06054b50;
constexpr std::uint16_t kVersion = 20;
constexpr std::size_t kLocalSize = 30;
constexpr std::size_t kCentralSize = 46;
constexpr std::size_t kEndSize = 22;
constexpr std::size_t kPiece = 1 << 20;

// ISO 3309, reflected.
class Crc32 {
 public:
  void update(BytesView bytes) {
    static const auto table = [] {
      std::array<std::uint32_t, 256> t{};
      for (std::uint32_t i = 0; i < 256; ++i) {
        auto c = i;
        for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xedb88320U ^ (c >> 1) : c >> 1;
        t[i] = c;
      }
      return t;
    }();
    for (const auto byte : bytes) value_ = table[(value_ ^ byte) & 0xff] ^ (value_ >> 8);
  }
  std::uint32_t value() const { return ~value_; }

 private:
  std::uint32_t value_ = ~0U;
};

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

 private:
  ByteReader in_;
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

class Stream {
 public:
  explicit Stream(const std::filesystem::path& path) : out_(path, std::ios::binary | std::ios::trunc) {}
  void write(BytesView bytes) {
    out_.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    position_ += bytes.size();
  }
  std::uint64_t position() const { return position_; }
  Status close(const std::string& what) {
    out_.close();
    return out_ ? ok() : fail(Errc::io, what + " cannot be written");
  }

 private:
  std::ofstream out_;
  std::uint64_t position_ = 0;
};

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

bool looks_like_zip(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::array<char, 4> magic{};
  in.read(magic.data(), magic.size());
  return in && std::string_view(magic.data(), magic.size()) == std::string_view("PK\x03\x04", 4);
}

Status unpack_zip(const std::filesystem::path& archive, const std::filesystem::path& folder) {
  CAM_TRY(const auto file, MappedFile::open(archive));
  const auto bytes = file.bytes();
  if (bytes.size() < kEndSize) return fail(Errc::malformed, "the ZIP file is cut short");
  // write_zip() leaves no comment: the end stands at the end.
  LittleReader end(bytes.last(kEndSize));
  CAM_TRY(const auto magic, end.number(4));
  if (magic != kEnd) return fail(Errc::unsupported, "no ZIP file of an export, or one that is cut short");
  CAM_TRY_STATUS(end.skip(4));
  CAM_TRY_STATUS(end.skip(2));
  CAM_TRY(const auto count, end.number(2));
  CAM_TRY(const auto size, end.number(4));
  CAM_TRY(const auto offset, end.number(4));
  if (count > kMaxFiles) return fail(Errc::limit, "a ZIP file of more than 1000 members");
  if (std::uint64_t{offset} + size + kEndSize != bytes.size())
    return fail(Errc::malformed, "the ZIP file's directory is elsewhere");
  LittleReader directory(bytes.subspan(offset, size));
  std::set<std::string> names;
  std::uint64_t next = 0;  // members follow each other: none overlaps another
  for (std::uint32_t i = 0; i < count; ++i) {
    CAM_TRY(const auto entry, directory.take(kCentralSize));
    LittleReader in(entry);
    CAM_TRY(const auto entry_magic, in.number(4));
    CAM_TRY_STATUS(in.skip(4));
    CAM_TRY(const auto flags, in.number(2));
    CAM_TRY(const auto method, in.number(2));
    CAM_TRY_STATUS(in.skip(4));
    CAM_TRY(const auto crc, in.number(4));
    CAM_TRY(const auto packed, in.number(4));
    CAM_TRY(const auto unpacked, in.number(4));
    CAM_TRY(const auto name_size, in.number(2));
    CAM_TRY(const auto extra, in.number(2));
    CAM_TRY(const auto comment, in.number(2));
    CAM_TRY_STATUS(in.skip(8));
    CAM_TRY(const auto at, in.number(4));
    CAM_TRY(const auto raw_name, directory.take(name_size));
    const std::string name(as_text(raw_name));
    if (entry_magic != kCentral || extra != 0 || comment != 0)
      return fail(Errc::unsupported, "no ZIP file of an export");
    if (flags != 0 || method != 0 || packed != unpacked)
      return fail(Errc::unsupported,
                  "the ZIP file is compressed or encrypted: unpack it yourself and name the folder");
    if (!is_plain_name(name) || !names.insert(name).second)
      return fail(Errc::malformed, "the ZIP file holds a name that no export has");
    const auto begin = std::uint64_t{at} + kLocalSize + name_size;
    if (at != next || begin + packed > offset)
      return fail(Errc::malformed, "a member of the ZIP file lies outside of it");
    LittleReader local(bytes.subspan(at, kLocalSize + name_size));
    CAM_TRY(const auto local_magic, local.number(4));
    CAM_TRY_STATUS(local.skip(22));
    CAM_TRY(const auto local_name, local.number(2));
    CAM_TRY(const auto local_extra, local.number(2));
    CAM_TRY(const auto local_text, local.take(name_size));
    if (local_magic != kLocal || local_name != name_size || local_extra != 0 || !equal(local_text, raw_name))
      return fail(Errc::malformed, "a member of the ZIP file contradicts its directory");
    const auto content = bytes.subspan(begin, packed);
    next = begin + packed;
    std::error_code error;
    const auto target = folder / name;
    std::filesystem::create_directories(target.parent_path(), error);
    Stream out(target);
    Crc32 sum;
    for (std::size_t done = 0; done < content.size(); done += kPiece) {
      const auto piece = content.subspan(done, std::min(kPiece, content.size() - done));
      sum.update(piece);
      out.write(piece);
    }
    CAM_TRY_STATUS(out.close(target.string()));
    if (sum.value() != crc) return fail(Errc::malformed, name + ": the ZIP file is damaged here");
  }
  if (next != offset)
    return fail(Errc::malformed, "the ZIP file holds something that its directory does not name");
  return ok();
}

}  // namespace camvault::evidence
