#include "journal.h"

#include "camvault/base/byte_reader.h"
#include "camvault/base/byte_writer.h"
#include "camvault/base/file.h"

namespace camvault::keystore_se05x {

namespace {
// "SE05JRN", version 1; then a mark and a number each.
constexpr std::uint8_t kMagic[] = {'S', 'E', '0', '5', 'J', 'R', 'N', 1};
constexpr std::size_t kMaxFile = sizeof kMagic + 5 * Journal::kMaxEntries;
constexpr std::uint8_t kDoomed = 2;
constexpr std::uint8_t kPending = 1;
}  // namespace

Result<Journal> Journal::open(std::filesystem::path path) {
  Journal out;
  out.path_ = std::move(path);
  std::error_code error;
  if (out.path_.empty() || !std::filesystem::exists(out.path_, error)) return out;
  CAM_TRY(const auto bytes, read_file(out.path_, kMaxFile));
  ByteReader in(bytes);
  CAM_TRY(const auto magic, in.take(sizeof kMagic));
  if (!equal(magic, kMagic)) return fail(Errc::malformed, out.path_.string() + " is no journal of an SE05x");
  while (!in.at_end()) {
    CAM_TRY(const auto mark, in.u8());
    CAM_TRY(const auto id, in.u32());
    if (mark != kPending && mark != kDoomed) return fail(Errc::malformed, out.path_.string() + " is damaged");
    out.entries_[id] = mark == kDoomed ? Mark::doomed : Mark::pending;
  }
  return out;
}

Status Journal::save() const {
  if (path_.empty()) return ok();
  ByteWriter out;
  out.raw(kMagic);
  for (const auto& [id, mark] : entries_) {
    out.u8(mark == Mark::doomed ? kDoomed : kPending);
    out.u32(id);
  }
  return write_file_atomically(path_, out.view(), 0600);
}

Status Journal::put(ObjectId id, Mark mark) {
  if (entries_.size() >= kMaxEntries && !has(id)) return fail(Errc::limit, "too many unfinished objects");
  entries_[id] = mark;
  return save();
}

Status Journal::strike(ObjectId id) {
  if (entries_.erase(id) == 0) return ok();
  return save();
}

}  // namespace camvault::keystore_se05x
