#include <nlohmann/json.hpp>

#include "camvault/brski/masa.h"

namespace camvault::brski {

using nlohmann::ordered_json;

namespace {
constexpr std::size_t kMaxLog = 64 * 1024;  // bytes
constexpr std::size_t kMaxField = 256;

bool take(const nlohmann::json& event, const char* name, bool wanted, std::string& out) {
  const auto at = event.find(name);
  if (at == event.end()) return !wanted;
  if (!at->is_string() || at->get_ref<const std::string&>().size() > kMaxField) return false;
  out = at->get<std::string>();
  return true;
}
}  // namespace

std::string write_audit_log(const std::vector<AuditEvent>& events, std::uint64_t left_out) {
  auto list = ordered_json::array();
  for (const auto& event : events)
    list.push_back({{"date", event.date},
                    {"domainID", event.domain_id},
                    {"nonce", event.nonce},
                    {"assertion", event.assertion}});
  ordered_json out{{"version", 1}, {"events", std::move(list)}};
  if (left_out != 0) out["truncation"] = {{"arbitrary", left_out}};
  return out.dump();
}

Result<std::vector<AuditEvent>> read_audit_log(BytesView json) {
  const auto bad = [] { return fail(Errc::malformed, "not an audit log of RFC 8995"); };
  if (json.size() > kMaxLog) return fail(Errc::limit, "an audit log longer than 64 KiB");
  constexpr int kDeepest = 4;
  const auto value = nlohmann::json::parse(
      as_text(json),
      [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) { return depth <= kDeepest; }, false);
  const auto events = value.is_object() ? value.find("events") : value.end();
  if (!value.is_object() || events == value.end() || !events->is_array()) return bad();
  if (events->size() > kMaxAuditEvents) return fail(Errc::limit, "more than 256 events");
  std::vector<AuditEvent> out;
  for (const auto& event : *events) {
    AuditEvent read;
    if (!event.is_object() || !take(event, "date", true, read.date) ||
        !take(event, "domainID", true, read.domain_id) || !take(event, "nonce", false, read.nonce) ||
        !take(event, "assertion", false, read.assertion))
      return bad();
    out.push_back(std::move(read));
  }
  return out;
}

}  // namespace camvault::brski
