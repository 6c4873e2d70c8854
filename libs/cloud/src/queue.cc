#include "camvault/cloud/queue.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "camvault/base/file.h"
#include "camvault/cloud/profile.h"
#include "camvault/codec/cbor.h"

namespace camvault::cloud {

namespace fs = std::filesystem;

namespace {
constexpr std::size_t kDigits = 20;  // of 2^64, so that names sort as numbers do
constexpr std::string_view kSuffix = ".message";
constexpr const char* kDamaged = ".bad";
constexpr const char* kRefused = ".refused";
constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kIdSize = 16;
namespace tag {
constexpr std::int64_t kVersion = 0;
constexpr std::int64_t kTopic = 1;
constexpr std::int64_t kPayload = 2;
constexpr std::int64_t kId = 3;
}  // namespace tag

std::optional<std::uint64_t> number_of(const std::string& name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, number);
  if (error != std::errc() || end != name.data() + kDigits) return std::nullopt;
  return number;
}

// RFC 9562 5.4: 122 random bits. Not a secret.
Result<Bytes> new_id() {
  Bytes out(kIdSize);
  if (::getrandom(out.data(), out.size(), 0) != static_cast<ssize_t>(kIdSize))
    return fail(Errc::io, "random numbers: " + errno_text(errno));
  out[6] = static_cast<std::uint8_t>((out[6] & 0x0fU) | 0x40U);
  out[8] = static_cast<std::uint8_t>((out[8] & 0x3fU) | 0x80U);
  return out;
}

std::string uuid_text(BytesView id) {
  auto out = to_hex(id);
  for (const std::size_t at : {8U, 13U, 18U, 23U}) out.insert(at, "-");
  return out;
}

Result<Bytes> encode(const Message& message, BytesView id) {
  codec::CborWriter out;
  out.begin_map();
  out.unsigned_integer(tag::kVersion, kVersion);
  out.text(tag::kTopic, message.topic);
  out.bytes(tag::kPayload, message.payload);
  out.bytes(tag::kId, id);
  out.end();
  return out.take();
}

Result<Queue::Waiting> decode(BytesView bytes) {
  CAM_TRY(auto in, codec::CborReader::open(bytes));
  CAM_TRY(auto map, in.map());
  CAM_TRY(const auto version, map.unsigned_integer(tag::kVersion));
  if (version != kVersion) return fail(Errc::unsupported, "a newer message");
  CAM_TRY(const auto topic, map.text(tag::kTopic));
  CAM_TRY(const auto payload, map.bytes(tag::kPayload));
  CAM_TRY(const auto id, map.bytes(tag::kId));
  CAM_TRY_STATUS(map.finish());
  if (topic.empty() || topic.size() > kMaxTopic || payload.size() > kMaxPayload || id.size() != kIdSize)
    return fail(Errc::malformed, "a message over the limits");
  return Queue::Waiting{0, uuid_text(id), {std::string(topic), to_bytes(payload)}};
}

// Numbers are given out by one process at a time; the kernel frees the lock with its holder.
Result<UniqueFd> lock(const fs::path& folder) {
  UniqueFd fd(::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return fail(Errc::io, (folder / "lock").string() + ": " + errno_text(errno));
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail(Errc::io, (folder / "lock").string() + ": " + errno_text(errno));
  }
  return fd;
}

// The last number that was given out is in the file that is locked: a number that came twice would be behind
// what a sender at work has passed already.
Result<std::uint64_t> next_number(const UniqueFd& locked, std::uint64_t last_waiting) {
  char digits[kDigits] = {};
  std::uint64_t last = 0;
  const auto count = ::pread(locked.get(), digits, sizeof digits, 0);
  if (count > 0) std::from_chars(digits, digits + count, last);
  const auto next = std::to_string(std::max(last, last_waiting) + 1);
  if (::pwrite(locked.get(), next.data(), next.size(), 0) != static_cast<ssize_t>(next.size()))
    return fail(Errc::io, "the queue's last number: " + errno_text(errno));
  return std::max(last, last_waiting) + 1;
}
}  // namespace

Result<Queue> Queue::open(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail(Errc::io, folder.string() + ": " + error.message());
  fs::permissions(folder, fs::perms::owner_all, error);
  return Queue(folder);
}

fs::path Queue::file_of(std::uint64_t number) const {
  auto digits = std::to_string(number);
  return folder_ / (std::string(kDigits - digits.size(), '0') + digits + std::string(kSuffix));
}

Result<Queue::Listing> Queue::list() const {
  Listing out;
  std::error_code error;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    const auto name = at->path().filename().string();
    if (const auto number = number_of(name)) out.waiting.push_back(*number);
    if (name.ends_with(kDamaged) || name.ends_with(kRefused)) ++out.set_aside;
  }
  if (error) return fail(Errc::io, folder_.string() + ": " + error.message());
  std::sort(out.waiting.begin(), out.waiting.end());
  return out;
}

Result<std::size_t> Queue::size() const {
  CAM_TRY(const auto all, list());
  return all.waiting.size();
}

Result<std::size_t> Queue::set_aside() const {
  CAM_TRY(const auto all, list());
  return all.set_aside;
}

Status Queue::put(const Message& message) {
  if (message.payload.size() > kMaxPayload) return fail(Errc::limit, "a message has at most 256 KiB");
  CAM_TRY(const auto id, new_id());
  CAM_TRY(const auto bytes, encode(message, id));
  CAM_TRY(const auto locked, lock(folder_));
  CAM_TRY(const auto all, list());
  if (all.waiting.size() + all.set_aside >= kMaxWaiting)
    return fail(Errc::limit, "10000 messages are here already: the cloud is away, or refuses them");
  CAM_TRY(const auto number, next_number(locked, all.waiting.empty() ? 0 : all.waiting.back()));
  return write_file_atomically(file_of(number), bytes, 0600);
}

Result<std::optional<Queue::Waiting>> Queue::next_after(std::uint64_t number) {
  // Listing the folder for each message would take ten thousand times ten thousand names.
  for (bool fresh = false; !fresh; seen_.clear()) {
    if (seen_.empty() || seen_.back() <= number) {
      CAM_TRY(auto all, list());
      seen_ = std::move(all.waiting);
      fresh = true;
    }
    for (auto at = std::upper_bound(seen_.begin(), seen_.end(), number); at != seen_.end(); ++at) {
      const auto bytes = read_file(file_of(*at), kMaxPayload + kMaxTopic + 64);
      if (!bytes && bytes.error().code == Errc::not_found) continue;  // delivered since it was listed
      if (!bytes) return tl::unexpected(bytes.error());
      auto message = decode(*bytes);
      if (message) {
        message->number = *at;
        return std::optional<Waiting>(std::move(*message));
      }
      // Of no use to anybody, and nothing else may wait behind it for ever.
      CAM_TRY_STATUS(rename(*at, kDamaged));
      damaged_.push_back(file_of(*at).filename().string() + ": " + message.error().what);
    }
  }
  return std::optional<Waiting>();
}

Status Queue::refuse(std::uint64_t number) {
  return rename(number, kRefused);
}

Status Queue::rename(std::uint64_t number, const char* suffix) {
  std::error_code error;
  const auto file = file_of(number);
  fs::rename(file, file.string() + suffix, error);
  if (error) return fail(Errc::io, file.string() + ": " + error.message());
  return ok();
}

Status Queue::remove(std::uint64_t number) {
  std::error_code error;
  fs::remove(file_of(number), error);
  if (error) return fail(Errc::io, file_of(number).string() + ": " + error.message());
  return ok();
}

}  // namespace camvault::cloud
