#include "issue_log.h"

namespace camvault::identity {

using nlohmann::json;

namespace {
constexpr int kVersion = 1;

Result<std::string> text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string())
    return fail(Errc::malformed, std::string("no text \"") + name + "\"");
  return found->get<std::string>();
}

Result<std::int64_t> number_of(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_integer())
    return fail(Errc::malformed, std::string("no number \"") + name + "\"");
  return found->get<std::int64_t>();
}

json to_json(const CertificateEntry& entry) {
  json out{{"number", entry.number}, {"key", entry.key}};
  if (!entry.fingerprint.empty()) out["sha256"] = entry.fingerprint;
  return out;
}

Result<CertificateEntry> certificate_of(const json& line, const char* name, bool issued) {
  const auto found = line.find(name);
  if (found == line.end() || !found->is_object())
    return fail(Errc::malformed, std::string("no \"") + name + "\"");
  CertificateEntry entry;
  CAM_TRY(entry.number, text_of(*found, "number"));
  CAM_TRY(entry.key, text_of(*found, "key"));
  if (issued) {
    CAM_TRY(entry.fingerprint, text_of(*found, "sha256"));
  }
  return entry;
}

json to_json(const RevokedEntry& entry) {
  return {{"number", entry.number}, {"since", to_iso8601(entry.since)}, {"reason", entry.reason}};
}

Result<RevokedEntry> revoked_of(const json& object) {
  if (!object.is_object()) return fail(Errc::malformed, "a revocation that is no object");
  RevokedEntry entry;
  CAM_TRY(entry.number, text_of(object, "number"));
  CAM_TRY(const auto since, text_of(object, "since"));
  CAM_TRY(entry.since, from_iso8601(since));
  CAM_TRY(const auto reason, number_of(object, "reason"));
  if (reason < 0 || reason > 10) return fail(Errc::malformed, "no such revocation reason");
  entry.reason = static_cast<int>(reason);
  return entry;
}
}  // namespace

Result<IssueLog> IssueLog::open(const std::filesystem::path& path, const crypto::Engine& engine) {
  IssueLog log;
  CAM_TRY(log.lines_, LineLog::open(path, engine, [&](const json& line) { return log.on_line(line); }));
  return log;
}

Status IssueLog::on_line(const json& line) {
  CAM_TRY(const auto version, number_of(line, "v"));
  if (version != kVersion) return fail(Errc::unsupported, "written by a later version");
  CAM_TRY(const auto event, text_of(line, "event"));
  if (event == "reserved" || event == "issued") {
    CAM_TRY(const auto serial, text_of(line, "serial"));
    DeviceEntry entry;
    entry.issued = event == "issued";
    CAM_TRY(entry.identity, certificate_of(line, "identity", entry.issued));
    CAM_TRY(entry.media_signing, certificate_of(line, "media_signing", entry.issued));
    take_device(serial, entry);
  } else if (event == "attester" || event == "certified") {
    CAM_TRY(const auto serial, text_of(line, "serial"));
    FurtherEntry entry{std::string(kAttestationUse), {}};
    if (event == "certified") {
      CAM_TRY(entry.use, text_of(line, "use"));
    }
    CAM_TRY(entry.certificate, certificate_of(line, "certificate", true));
    take_further(serial, entry);
  } else if (event == "revoked") {
    const auto list = line.find("certificates");
    if (list == line.end() || !list->is_array()) return fail(Errc::malformed, "no \"certificates\"");
    for (const auto& item : *list) {
      CAM_TRY(const auto entry, revoked_of(item));
      revoked_[entry.number] = entry;
    }
  } else if (event == "device_ca_revoked") {
    CAM_TRY(revoked_device_ca_, revoked_of(line.value("certificate", json())));
  } else if (event == "list") {
    CAM_TRY(const auto number, number_of(line, "list"));
    list_number_ = static_cast<std::uint64_t>(number);
  } else {
    return fail(Errc::unsupported, "an event that this version does not know");
  }
  return ok();
}

void IssueLog::take_device(const std::string& serial, const DeviceEntry& entry) {
  if (!devices_.contains(serial)) order_.push_back(serial);
  devices_[serial] = entry;
  for (const auto* certificate : {&entry.identity, &entry.media_signing}) {
    keys_[certificate->key] = serial;
    numbers_.insert(certificate->number);
  }
}

Status IssueLog::add(json line, std::string_view event, Timestamp now) {
  line["v"] = kVersion;
  line["event"] = event;
  line["time"] = to_iso8601(now);
  return lines_->append(std::move(line));
}

Status IssueLog::reserve(const std::string& serial, const DeviceEntry& entry, Timestamp now) {
  CAM_TRY_STATUS(add({{"serial", serial},
                      {"identity", to_json(entry.identity)},
                      {"media_signing", to_json(entry.media_signing)}},
                     "reserved", now));
  take_device(serial, entry);
  return ok();
}

Status IssueLog::issued(const std::string& serial, const DeviceEntry& entry, Timestamp now) {
  CAM_TRY_STATUS(add({{"serial", serial},
                      {"identity", to_json(entry.identity)},
                      {"media_signing", to_json(entry.media_signing)}},
                     "issued", now));
  take_device(serial, entry);
  return ok();
}

void IssueLog::take_further(const std::string& serial, const FurtherEntry& entry) {
  further_[serial].push_back(entry);
  keys_[entry.certificate.key] = serial;
  numbers_.insert(entry.certificate.number);
}

Status IssueLog::certified(const std::string& serial, const FurtherEntry& entry, Timestamp now) {
  json line{{"serial", serial}, {"certificate", to_json(entry.certificate)}};
  const bool attester =
      entry.use == kAttestationUse;  // which had an event of its own before there were others
  if (!attester) line["use"] = entry.use;
  CAM_TRY_STATUS(add(std::move(line), attester ? "attester" : "certified", now));
  take_further(serial, entry);
  return ok();
}

const std::vector<FurtherEntry>& IssueLog::further_of(std::string_view serial) const {
  static const std::vector<FurtherEntry> none;
  const auto found = further_.find(serial);
  return found == further_.end() ? none : found->second;
}

Status IssueLog::revoke(const std::string& serial, const std::vector<RevokedEntry>& entries, Timestamp now) {
  json list = json::array();
  for (const auto& entry : entries) list.push_back(to_json(entry));
  CAM_TRY_STATUS(add({{"serial", serial}, {"certificates", list}}, "revoked", now));
  for (const auto& entry : entries) revoked_[entry.number] = entry;
  return ok();
}

Status IssueLog::revoke_device_ca(const RevokedEntry& entry, Timestamp now) {
  CAM_TRY_STATUS(add({{"certificate", to_json(entry)}}, "device_ca_revoked", now));
  revoked_device_ca_ = entry;
  return ok();
}

Result<std::uint64_t> IssueLog::next_list_number(Timestamp now) {
  CAM_TRY_STATUS(add({{"list", list_number_ + 1}}, "list", now));
  return ++list_number_;
}

const DeviceEntry* IssueLog::find(std::string_view serial) const {
  const auto found = devices_.find(serial);
  return found == devices_.end() ? nullptr : &found->second;
}

std::string IssueLog::serial_of_key(const std::string& key) const {
  const auto found = keys_.find(key);
  return found == keys_.end() ? std::string() : found->second;
}

std::vector<std::string> IssueLog::serials() const {
  std::vector<std::string> out;
  for (const auto& serial : order_) {
    if (devices_.find(serial)->second.issued) out.push_back(serial);
  }
  return out;
}

}  // namespace camvault::identity
