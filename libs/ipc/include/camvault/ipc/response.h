// What keystored answers: to the hello, and to each request.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "camvault/base/bytes.h"
#include "camvault/base/secret.h"
#include "camvault/ipc/request.h"

namespace camvault::ipc {

namespace response_tag {
inline constexpr std::int64_t kId = 0;
inline constexpr std::int64_t kError = 1;   // 0 or a ServiceError
inline constexpr std::int64_t kResult = 2;  // absent with an error, and for remove
}  // namespace response_tag

namespace status_tag {
inline constexpr std::int64_t kVersion = 0;     // text
inline constexpr std::int64_t kKeys = 1;        // number
inline constexpr std::int64_t kDamaged = 2;     // array of text
inline constexpr std::int64_t kMechanisms = 3;  // array of [name, active, detail]
inline constexpr std::int64_t kBackends = 4;    // array of maps, backend_tag
inline constexpr std::int64_t kRootKey = 5;     // text
}  // namespace status_tag

namespace backend_tag {
inline constexpr std::int64_t kName = 0;           // text
inline constexpr std::int64_t kKind = 1;           // text
inline constexpr std::int64_t kSimulator = 2;      // boolean
inline constexpr std::int64_t kTypes = 3;          // array of numbers
inline constexpr std::int64_t kProtection = 4;     // text
inline constexpr std::int64_t kUsable = 5;         // boolean
inline constexpr std::int64_t kHealth = 6;         // text
inline constexpr std::int64_t kModule = 7;         // text, may be empty
inline constexpr std::int64_t kCertification = 8;  // text, empty: uncertified
inline constexpr std::int64_t kFreeSlots = 9;      // number; absent if not known
}  // namespace backend_tag

inline constexpr std::size_t kMaxListPage =
    128;  // key descriptions in one answer: at most about 350 bytes each
inline constexpr std::size_t kMaxDamagedListed = 64;  // of more, the count is in the log

struct HelloReply {
  std::optional<keystore::ServiceError> error;
  std::uint32_t version = 0;
};

// What an operation gives back: nothing, key, keys, bytes, status, yes or no, or a number.
using ResponseResult = std::variant<std::monostate, keystore::KeyInfo, std::vector<keystore::KeyInfo>, Bytes,
                                    keystore::ServiceStatus, bool, std::uint64_t>;

struct Response {
  std::uint32_t id = 0;
  std::optional<keystore::ServiceError> error;
  ResponseResult result;
};

Result<Bytes> encode_hello_reply(const HelloReply& reply);
Result<HelloReply> decode_hello_reply(BytesView frame);

Result<Bytes> encode_response(const Response& response);
// The id first, for the caller to look up what was asked; then the whole, whose shape follows from the
// operation.
Result<std::uint32_t> response_id(BytesView frame);
Result<Response> decode_response(keystore::Operation operation, BytesView frame);

}  // namespace camvault::ipc
