// BRSKI (RFC 8995) as messages: paths, and what a camera tells of its way.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "camvault/base/bytes.h"
#include "camvault/base/result.h"
#include "camvault/http/message.h"

namespace camvault::brski {

inline constexpr std::string_view kBrskiPath = "/.well-known/brski";

enum class Operation : std::uint8_t { requestvoucher, voucher_status, enrollstatus, requestauditlog };
std::string_view path_of(Operation operation);  // "/.well-known/brski/requestvoucher"
std::optional<Operation> operation_of(std::string_view path);

// What registrar and maker's service answer where there is nothing more to say: with Retry-After (503) and
// Allow (405).
http::Response plain_answer(int status);
// RFC 8995 5.6: of a request that did not succeed. 503: nothing is lost, whoever asked asks again.
int status_of(const Error& error);

// RFC 8995 5.7 and 5.9.4.
struct Telemetry {
  bool good = false;
  std::string reason;  // for people, at most 256 bytes
};
inline constexpr std::size_t kMaxTelemetry = 4 * 1024;  // bytes
// Errc::malformed, Errc::limit. A reason-context is passed over.
Result<Telemetry> read_telemetry(BytesView json);
std::string write_telemetry(const Telemetry& telemetry);

}  // namespace camvault::brski
