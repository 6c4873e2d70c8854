#include "camvault/cloud/queue.h"

#include <fcntl.h>
#include <sys/file.h>
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
namespace tag {
constexpr std::int64_t kVersion = 0;
constexpr std::int64_t kTopic = 1;
constexpr std::int64_t kPayload = 2;
}  // namespace tag

std::optional<std::uint64_t> number_of(const std::string& name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, number);
  if (error != std::errc() || end != name.data() + kDigits) return std::nullopt;
  return number;
}

Result<Bytes> encode(const Message& message) {
  codec::CborWriter out;
  out.begin_map();
  out.unsigned_integer(tag::kVersion, 1);
  out.text(tag::kTopic, message.topic);
  out.bytes(tag::kPayload, message.payload);
  out.end();
  return out.take();
}

Result<Message> decode(BytesView bytes) {
  CAM_TRY(auto in, codec::CborReader::open(bytes));
  CAM_TRY(auto map, in.map());
  CAM_TRY(const auto version, map.unsigned_integer(tag::kVersion));
  if (version != 1) return fail(Errc::unsupported, "a newer message");
  CAM_TRY(const auto topic, map.text(tag::kTopic));
  CAM_TRY(const auto payload, map.bytes(tag::kPayload));
  CAM_TRY_STATUS(map.finish());
  if (topic.empty() || topic.size() > kMaxTopic || payload.size() > kMaxPayload)
    return fail(Errc::malformed, "a message over the limits");
  return Message{std::string(topic), to_bytes(payload)};
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

Result<std::vector<std::uint64_t>> Queue::numbers() const {
  std::vector<std::uint64_t> out;
  std::error_code error;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    if (const auto number = number_of(at->path().filename().string())) out.push_back(*number);
  }
  if (error) return fail(Errc::io, folder_.string() + ": " + error.message());
  std::sort(out.begin(), out.end());
  return out;
}

Result<std::size_t> Queue::size() const {
  CAM_TRY(const auto all, numbers());
  return all.size();
}

Status Queue::put(const Message& message) {
  if (message.payload.size() > kMaxPayload) return fail(Errc::limit, "a message has at most 256 KiB");
  CAM_TRY(const auto bytes, encode(message));
  CAM_TRY(const auto locked, lock(folder_));
  CAM_TRY(const auto all, numbers());
  if (all.size() >= kMaxWaiting) return fail(Errc::limit, "10000 messages wait already: the cloud is away");
  return write_file_atomically(file_of(all.empty() ? 1 : all.back() + 1), bytes, 0600);
}

Result<std::optional<Queue::Waiting>> Queue::next_after(std::uint64_t number) {
  // Listing the folder for each message would take ten thousand times ten thousand names.
  for (bool fresh = false; !fresh; seen_.clear()) {
    if (seen_.empty() || seen_.back() <= number) {
      CAM_TRY(seen_, numbers());
      fresh = true;
    }
    for (auto at = std::upper_bound(seen_.begin(), seen_.end(), number); at != seen_.end(); ++at) {
      const auto bytes = read_file(file_of(*at), kMaxPayload + kMaxTopic + 64);
      if (!bytes && bytes.error().code == Errc::not_found) continue;  // delivered since it was listed
      if (!bytes) return tl::unexpected(bytes.error());
      auto message = decode(*bytes);
      if (message) return std::optional<Waiting>(Waiting{*at, std::move(*message)});
      CAM_TRY_STATUS(set_aside(*at, message.error()));
    }
  }
  return std::optional<Waiting>();
}

// Of no use to anybody, and nothing else may wait behind it for ever.
Status Queue::set_aside(std::uint64_t number, const Error& why) {
  std::error_code error;
  const auto file = file_of(number);
  fs::rename(file, file.string() + ".bad", error);
  if (error) return fail(Errc::io, file.string() + ": " + error.message());
  damaged_.push_back(file.filename().string() + ": " + why.what);
  return ok();
}

Status Queue::remove(std::uint64_t number) {
  std::error_code error;
  fs::remove(file_of(number), error);
  if (error) return fail(Errc::io, file_of(number).string() + ": " + error.message());
  return ok();
}

}  // namespace camvault::cloud
