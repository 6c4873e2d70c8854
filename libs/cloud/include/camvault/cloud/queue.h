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
  std::string topic;
  Bytes payload;
};

inline constexpr std::size_t kMaxPayload = 256 * 1024;  // bytes
inline constexpr std::size_t kMaxWaiting = 10'000;      // messages: more are refused, none is dropped

// One file per message, written whole before put() returns and removed when the cloud has it: whatever moment
// the process or the machine stops at, a message is there, whole, or was never put. Several processes may
// put; one takes. Thread-confined.
class Queue {
 public:
  // Makes the folder. What a crash left half-written is removed.
  static Result<Queue> open(const std::filesystem::path& folder);

  // Errc::limit when kMaxWaiting wait already, or for a payload over kMaxPayload.
  Status put(const Message& message);

  struct Waiting {
    std::uint64_t number = 0;
    Message message;
  };
  // The oldest one after `number`; nothing if there is none. A file that is damaged is set aside (".bad") and
  // named in `damaged`.
  Result<std::optional<Waiting>> next_after(std::uint64_t number);
  Status remove(std::uint64_t number);

  Result<std::size_t> size() const;
  const std::vector<std::string>& damaged() const { return damaged_; }

 private:
  explicit Queue(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Result<std::vector<std::uint64_t>> numbers() const;  // ascending
  Status set_aside(std::uint64_t number, const Error& why);
  std::filesystem::path file_of(std::uint64_t number) const;

  std::filesystem::path folder_;
  std::vector<std::uint64_t> seen_;  // numbers, as they were listed last
  std::vector<std::string> damaged_;
};

}  // namespace camvault::cloud
