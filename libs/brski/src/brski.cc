#include "camvault/brski/brski.h"

#include <nlohmann/json.hpp>

namespace camvault::brski {

namespace {
constexpr std::string_view kPaths[] = {"/.well-known/brski/requestvoucher",
                                       "/.well-known/brski/voucher_status", "/.well-known/brski/enrollstatus",
                                       "/.well-known/brski/requestauditlog"};
constexpr std::size_t kMaxReason = 256;
constexpr int kDeepest = 8;

// Deep nesting is refused while it is read: nobody recurses into it.
nlohmann::json parse(BytesView json) {
  bool too_deep = false;
  const auto watch = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    too_deep = too_deep || depth > kDeepest;
    return depth <= kDeepest;
  };
  auto out = nlohmann::json::parse(as_text(json), watch, false);
  return too_deep ? nlohmann::json() : out;
}
}  // namespace

std::string_view path_of(Operation operation) {
  return kPaths[static_cast<std::size_t>(operation)];
}

std::optional<Operation> operation_of(std::string_view path) {
  for (std::size_t i = 0; i < std::size(kPaths); ++i) {
    if (path == kPaths[i]) return static_cast<Operation>(i);
  }
  return std::nullopt;
}

http::Response plain_answer(int status) {
  http::Response out;
  out.status = status;
  out.headers.add("Content-Type", "text/plain");
  if (status == 503) out.headers.add("Retry-After", "5");
  if (status == 405) out.headers.add("Allow", "POST");
  return out;
}

int status_of(const Error& error) {
  switch (error.code) {
    case Errc::denied:
    case Errc::invalid:
      return 403;
    case Errc::not_found:
      return 404;
    case Errc::unavailable:
    case Errc::io:
    case Errc::internal:
      return 503;
    default:
      return 400;
  }
}

Result<Telemetry> read_telemetry(BytesView json) {
  if (json.size() > kMaxTelemetry) return fail(Errc::limit, "a status longer than 4 KiB");
  const auto value = parse(json);
  const auto bad = [] { return fail(Errc::malformed, "not a status of RFC 8995"); };
  if (!value.is_object()) return bad();
  const auto version = value.find("version"), status = value.find("status"), reason = value.find("reason");
  if (version == value.end() || *version != 1 || status == value.end() || !status->is_boolean()) return bad();
  if (reason != value.end() && !reason->is_string()) return bad();
  Telemetry out;
  out.good = status->get<bool>();
  if (reason != value.end()) out.reason = reason->get<std::string>().substr(0, kMaxReason);
  return out;
}

std::string write_telemetry(const Telemetry& telemetry) {
  nlohmann::ordered_json out{{"version", 1}, {"status", telemetry.good}};
  if (!telemetry.reason.empty()) out["reason"] = telemetry.reason.substr(0, kMaxReason);
  return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace camvault::brski
