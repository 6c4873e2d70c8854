// Messages that wait for the cloud, on disk, in the order in which they came.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "camvault/base/bytes.h"
#include "camvault/base/result.h"

namespace camvault::cloud {

struct Message {
  std::string topic;  // what its sender calls it; the profile says what the cloud does
  Bytes payload;
};

inline constexpr std::size_t kMaxPayload = 256 * 1024;  // bytes
inline constexpr std::size_t kMaxWaiting =
    10'000;  // messages, with those set aside: more are refused, none dropped

// One file per message, written whole before put() returns and removed when the cloud has it: whatever moment
// the process or the machine stops at, a message is there, whole, or was never put. Several processes may
// put; one takes. Thread-confined.
class Queue {
 public:
  // Makes the folder. What a crash left half-written is removed.
  static Result<Queue> open(const std::filesystem::path& folder);

  // Errc::limit when kMaxWaiting are here already, or for a payload over kMaxPayload. Gives the message its
  // number, which grows, and its id, which no other message ever has.
  Status put(const Message& message);

  struct Waiting {
    std::uint64_t number = 0;
    std::string id;  // a UUID
    Message message;
  };
  // The oldest one after `number`; nothing if there is none. A file that is damaged is set aside (".bad") and
  // named in `damaged`.
  Result<std::optional<Waiting>> next_after(std::uint64_t number);
  Status remove(std::uint64_t number);
  // Of a message that the cloud will never take: it stays on disk (".refused") and in nobody's way.
  Status refuse(std::uint64_t number);

  Result<std::size_t> size() const;       // that wait
  Result<std::size_t> set_aside() const;  // damaged and refused
  const std::vector<std::string>& damaged() const { return damaged_; }

 private:
  struct Listing {
    std::vector<std::uint64_t> waiting;  // numbers, ascending
    std::size_t set_aside = 0;
  };
  explicit Queue(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Result<Listing> list() const;
  Status rename(std::uint64_t number, const char* suffix);
  std::filesystem::path file_of(std::uint64_t number) const;

  std::filesystem::path folder_;
  std::vector<std::uint64_t> seen_;  // numbers, as they were listed last
  std::vector<std::string> damaged_;
};

}  // namespace camvault::cloud
