#include "api.h"

#include <nlohmann/json.hpp>

#include "camvault/base/log.h"
#include "camvault/identity/device.h"
#include "status_page.h"

namespace camvault::fleetd {

using nlohmann::ordered_json;

namespace {
constexpr unsigned kPage = 500;
constexpr std::size_t kMaxNote = 200;

http::Response text_answer(int status, std::string type, std::string_view body) {
  http::Response out;
  out.status = status;
  out.headers.add("Content-Type", std::move(type));
  out.headers.add("Cache-Control", "no-store");
  out.headers.add("X-Content-Type-Options", "nosniff");
  out.body = to_bytes(as_bytes(body));
  return out;
}
http::Response json_answer(int status, const ordered_json& value) {
  return text_answer(status, "application/json",
                     value.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}
http::Response complaint(int status, const std::string& what) {
  return json_answer(status, {{"error", what}});
}
http::Response failure(const Error& error) {
  const int status = error.code == Errc::unavailable ? 503
                     : error.code == Errc::not_found ? 404
                     : error.code == Errc::usage     ? 400
                                                     : 500;
  if (status >= 500) log(LogLevel::warning, "fleetd: " + error.what);
  return complaint(status, status >= 500 ? "not now" : error.what);
}

ordered_json to_json(const CertificateRow& row) {
  return {{"number", row.number},
          {"serial", row.serial},
          {"issued", row.issued},
          {"not_after", row.not_after},
          {"revoked", row.revoked.empty() ? ordered_json(nullptr) : ordered_json(row.revoked)}};
}
ordered_json to_json(const DeviceRow& row) {
  return {{"serial", row.serial},
          {"allowed", row.allowed},
          {"note", row.note},
          {"certificates", row.certificates}};
}

ordered_json to_json(const OnboardingRow& row) {
  return {{"serial", row.serial},
          {"at", row.at},
          {"event", row.event},
          {"detail", row.detail},
          {"document", row.document}};
}

std::string parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto part = query.substr(0, end);
    if (part.starts_with(std::string(name) + "=")) return std::string(part.substr(name.size() + 1));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return {};
}

Result<ordered_json> status_of(Authority& authority, Store& store, Timestamp now) {
  CAM_TRY(const auto totals, store.totals(now));
  return ordered_json{
      {"devices", totals.devices},
      {"allowed", totals.allowed},
      {"enrolled", totals.enrolled},
      {"certificates", totals.issued},
      {"revoked", totals.revoked},
      {"since_start", {{"issued", authority.enrolments()}, {"refused", authority.refusals()}}},
      {"ca", {{"subject", authority.ca().subject}, {"not_after", to_iso8601(authority.ca().not_after)}}},
      {"database", store.describe()},
      {"time", to_iso8601(now)}};
}

// Fetch 3.1 and RFC 6454 7: a browser shows the operator's certificate also for what a foreign page makes it
// ask, and says so. Other programs say neither.
bool is_of_a_foreign_page(const http::Request& message) {
  const auto& headers = message.headers;
  const auto site = headers.get("Sec-Fetch-Site");
  return (headers.has("Origin") && headers.get("Origin") != "https://" + std::string(headers.get("Host"))) ||
         (headers.has("Sec-Fetch-Site") && site != "same-origin" && site != "none");
}

// {"serials": ["..."], "note": "..."}
Result<ordered_json> allow(Store& store, const http::Request& message, const std::string& who,
                           Timestamp now) {
  const auto body = ordered_json::parse(as_text(message.body), nullptr, false);
  const auto serials = body.is_object() ? body.find("serials") : body.end();
  if (!body.is_object() || serials == body.end() || !serials->is_array())
    return fail(Errc::usage, "{\"serials\": [...]} is wanted");
  std::string note;
  if (const auto at = body.find("note"); at != body.end() && at->is_string()) note = at->get<std::string>();
  if (note.size() > kMaxNote ||
      std::any_of(note.begin(), note.end(), [](char c) { return c >= 0 && c < ' '; }))
    return fail(Errc::usage, "a note has at most 200 bytes, and no control characters");
  for (const auto& serial : *serials) {
    if (!serial.is_string() || !identity::is_device_serial(serial.get<std::string>()))
      return fail(Errc::usage, "a serial number has 1 to 64 letters, digits and . : -");
  }
  for (const auto& serial : *serials) {
    CAM_TRY_STATUS(store.allow(serial.get<std::string>(), note, now));
    log(LogLevel::info, "fleetd: " + serial.get<std::string>() + ": allowed by " + who);
  }
  return ordered_json{{"allowed", serials->size()}};
}

// {"serial": "...", "cause": "key-compromise" | "superseded" | "cessation-of-operation"}
Result<ordered_json> revoke(Authority& authority, const http::Request& message, const std::string& who) {
  const auto body = ordered_json::parse(as_text(message.body), nullptr, false);
  const auto text = [&](const char* name) -> std::string {
    if (!body.is_object()) return {};
    const auto at = body.find(name);
    return at != body.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  const auto cause = text("cause");
  using Reason = crypto_openssl::RevocationReason;
  const auto reason = cause == "key-compromise" || cause.empty() ? Reason::key_compromise
                      : cause == "superseded"                    ? Reason::superseded
                      : cause == "cessation-of-operation"        ? Reason::cessation_of_operation
                                                                 : Reason::unspecified;
  if (reason == Reason::unspecified || text("serial").empty())
    return fail(Errc::usage, "{\"serial\": ..., \"cause\": ...} is wanted");
  CAM_TRY(const auto count, authority.revoke(text("serial"), reason));
  log(LogLevel::info, "fleetd: " + text("serial") + ": revoked by " + who);
  return ordered_json{{"revoked", count}};
}

template <class Rows>
Result<ordered_json> listed(const char* name, Rows rows) {
  if (!rows) return tl::unexpected(rows.error());
  auto list = ordered_json::array();
  for (const auto& row : *rows) list.push_back(to_json(row));
  return ordered_json{{name, std::move(list)}};
}

http::Response answer_json(Result<ordered_json> value) {
  return value ? json_answer(200, *value) : failure(value.error());
}

http::Response page(Authority& authority, Store& store, Timestamp now) {
  auto totals = store.totals(now);
  auto rows = store.certificates({}, 25);
  if (!totals) return failure(totals.error());
  if (!rows) return failure(rows.error());
  auto out = text_answer(200, "text/html; charset=utf-8",
                         status_page(authority, store.describe(), *totals, *rows, now));
  out.headers.add("Content-Security-Policy",
                  "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
  return out;
}
}  // namespace

http::Response answer_api(Authority& authority, Store& store, const ApiRequest& request, Timestamp now) {
  const auto& message = request.message;
  const auto path = message.path();
  const bool gets = message.method == "GET";
  if (gets && path == "/crl") {
    auto list = authority.list();
    return list ? text_answer(200, "application/pkix-crl", as_text(list->der)) : failure(list.error());
  }
  if (gets && path == "/ca.pem")
    return text_answer(200, "application/x-pem-file", crypto_openssl::certificate_pem(authority.ca()));
  if (request.who == nullptr) return complaint(403, "an operator's certificate is wanted");
  if (gets && path == "/") return page(authority, store, now);
  if (gets && path == "/api/v1/status") return answer_json(status_of(authority, store, now));
  if (gets && path == "/api/v1/devices")
    return answer_json(listed("devices", store.devices(parameter(message.query(), "after"), kPage, now)));
  if (gets && path == "/api/v1/certificates")
    return answer_json(
        listed("certificates", store.certificates(parameter(message.query(), "serial"), kPage)));
  if (gets && path == "/api/v1/onboarding")
    return answer_json(listed("events", store.onboarding(parameter(message.query(), "serial"), kPage)));
  if (message.method == "POST" && (path == "/api/v1/devices" || path == "/api/v1/revoke")) {
    if (is_of_a_foreign_page(message)) return complaint(403, "asked for by a page of another server");
    const auto& who = request.who->subject;
    return answer_json(path == "/api/v1/devices" ? allow(store, message, who, now)
                                                 : revoke(authority, message, who));
  }
  return complaint(404, "no such thing");
}

}  // namespace camvault::fleetd
