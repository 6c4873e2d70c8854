// DNS messages as far as discovery on the link needs them (RFC 1035, RFC 2782, RFC 6762 18).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "camvault/base/bytes.h"
#include "camvault/base/result.h"

namespace camvault::dns_sd {

inline constexpr std::size_t kMaxMessage = 9000;  // bytes; RFC 6762 17
inline constexpr std::size_t kMaxRecords = 64;    // of a message; a registrar's has four

enum class RecordType : std::uint16_t { a = 1, ptr = 12, aaaa = 28, srv = 33 };

// Names stand in the form of zone files (RFC 1035 5.1: \. and \123 in labels), in lower case, without the dot
// at the end.
struct Question {
  std::string name;
  RecordType type = RecordType::ptr;
  bool operator==(const Question&) const = default;
};

struct Pointer {
  std::string name;
  std::string target;
};

struct Server {
  std::string name;
  std::uint16_t priority = 0;  // the smallest first
  std::uint16_t port = 0;
  std::string host;
};

struct Address {
  std::string name;
  bool is_v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // the first four of an IPv4 one
};

struct Answers {
  std::vector<Pointer> pointers;
  std::vector<Server> servers;
  std::vector<Address> addresses;
};

// Errc::usage: no name.
Result<Bytes> write_question(const Question& question, std::uint16_t id);

// What the message says about services and addresses, in its answers and beside them; everything else in it
// is passed over. Errc::malformed: no message; Errc::invalid: not an answer to question `id`, or one that
// says no; Errc::limit: too long.
Result<Answers> read_answers(BytesView message, std::uint16_t id);

}  // namespace camvault::dns_sd
