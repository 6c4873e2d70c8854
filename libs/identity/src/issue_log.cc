#include "issue_log.h"

#include <limits>

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

// Of one of the factory's authorities or batches; absent is the first.
template <class T>
Result<T> index_of(const json& object, const char* name) {
  if (!object.contains(name)) return T{0};
  CAM_TRY(const auto value, number_of(object, name));
  if (value < 0 || value > std::numeric_limits<T>::max())
    return fail(Errc::malformed, std::string("no such \"") + name + "\"");
  return static_cast<T>(value);
}

template <class T>
Result<T> fixed_of(const json& object, const char* name) {
  CAM_TRY(const auto text, text_of(object, name));
  CAM_TRY(const auto bytes, from_hex(text));
  T out;
  if (bytes.size() != T::kSize)
    return fail(Errc::malformed, std::string("\"") + name + "\" has another length");
  std::copy(bytes.begin(), bytes.end(), out.value.begin());
  return out;
}

json to_json(const CertificateEntry& entry) {
  json out{{"number", to_hex(entry.number)}, {"key", to_hex(entry.key)}};
  if (entry.fingerprint != Sha256{}) out["sha256"] = to_hex(entry.fingerprint);
  return out;
}

Result<CertificateEntry> certificate_of(const json& line, const char* name, bool issued) {
  const auto found = line.find(name);
  if (found == line.end() || !found->is_object())
    return fail(Errc::malformed, std::string("no \"") + name + "\"");
  CertificateEntry entry;
  CAM_TRY(entry.number, fixed_of<CertificateNumber>(*found, "number"));
  CAM_TRY(entry.key, fixed_of<Sha256>(*found, "key"));
  if (issued) {
    CAM_TRY(entry.fingerprint, fixed_of<Sha256>(*found, "sha256"));
  }
  CAM_TRY(entry.ca, index_of<std::uint16_t>(line, "ca"));
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

json device_line(const std::string& serial, const DeviceEntry& entry) {
  json line{{"serial", serial},
            {"identity", to_json(entry.identity)},
            {"media_signing", to_json(entry.media_signing)}};
  if (entry.identity.ca != 0) line["ca"] = entry.identity.ca;
  if (entry.batch != 0) line["batch"] = entry.batch;
  return line;
}
}  // namespace

Result<IssueLog> IssueLog::open(const std::filesystem::path& path, const crypto::Engine& engine) {
  IssueLog log;
  CAM_TRY(log.lines_, LineLog::open(path, engine, [&](const json& line) { return log.on_line(line); }));
  return log;
}

Status IssueLog::on_line(const json& line) {
  ++seen_;
  CAM_TRY(const auto version, number_of(line, "v"));
  if (version != kVersion) return fail(Errc::unsupported, "written by a later version");
  CAM_TRY(const auto event, text_of(line, "event"));
  if (line.contains("serial")) return on_device_line(event, line);
  return on_factory_line(event, line);
}

Status IssueLog::on_device_line(const std::string& event, const json& line) {
  CAM_TRY(const auto serial, text_of(line, "serial"));
  if (event == "reserved" || event == "reissue" || event == "issued") {
    DeviceEntry entry;
    entry.issued = event == "issued";
    CAM_TRY(entry.identity, certificate_of(line, "identity", entry.issued));
    CAM_TRY(entry.media_signing, certificate_of(line, "media_signing", entry.issued));
    CAM_TRY(entry.batch, index_of<std::uint32_t>(line, "batch"));
    if (event == "reissue") {
      numbers_.try_emplace(entry.identity.number);
      numbers_.try_emplace(entry.media_signing.number);
    } else {
      take_device(serial, entry);
    }
  } else if (event == "attester" || event == "certified") {
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
  } else {
    return fail(Errc::unsupported, "an event that this version does not know");
  }
  return ok();
}

Status IssueLog::on_factory_line(const std::string& event, const json& line) {
  if (event == "device_ca_revoked" || event == "ca_revoked") {
    CAM_TRY(const auto ca, index_of<std::uint16_t>(line, "ca"));
    CAM_TRY(revoked_authorities_[ca], revoked_of(line.value("certificate", json())));
  } else if (event == "list") {
    CAM_TRY(const auto number, number_of(line, "list"));
    list_number_ = static_cast<std::uint64_t>(number);
  } else if (event == "ca") {
    AuthorityEntry entry;
    CAM_TRY(entry.profile, text_of(line, "profile"));
    CAM_TRY(entry.stem, text_of(line, "stem"));
    CAM_TRY(entry.certificate, certificate_of(line, "certificate", true));
    authorities_.push_back(entry);
    numbers_.try_emplace(entry.certificate.number);
  } else if (event == "order") {
    OrderEntry entry;
    CAM_TRY(entry.id, text_of(line, "order"));
    CAM_TRY(entry.text, fixed_of<Sha256>(line, "sha256"));
    CAM_TRY(const auto count, number_of(line, "count"));
    entry.count = static_cast<std::uint64_t>(count);
    orders_.push_back(entry);
  } else if (event == "batch") {
    BatchEntry entry;
    CAM_TRY(entry.number, index_of<std::uint32_t>(line, "batch"));
    CAM_TRY(entry.order, text_of(line, "order"));
    batches_[entry.order] = entry;
    last_batch_ = entry.number;
  } else if (event == "batch_done") {
    CAM_TRY(const auto order, text_of(line, "order"));
    batches_[order].done = true;
  } else if (event == "checkpoint") {
    after_checkpoint_ = seen_;
  } else if (event != "log_signer" && event != "ocsp_responder" && event != "delivered") {
    return fail(Errc::unsupported, "an event that this version does not know");
  }
  return ok();
}

void IssueLog::take_certificate(const std::string& serial, const CertificateEntry& entry) {
  keys_[entry.key] = &devices_.find(serial)->first;
  numbers_[entry.number] = {entry.ca, entry.fingerprint != Sha256{}};
}

void IssueLog::take_device(const std::string& serial, const DeviceEntry& entry) {
  const auto [at, is_new] = devices_.try_emplace(serial);
  if (is_new) order_.push_back(&at->first);
  if (at->second.issued && at->second.identity.number != entry.identity.number) {
    auto& earlier = earlier_[serial];
    earlier.push_back(at->second.identity);
    earlier.push_back(at->second.media_signing);
  }
  at->second = entry;
  take_certificate(serial, entry.identity);
  take_certificate(serial, entry.media_signing);
}

void IssueLog::take_further(const std::string& serial, const FurtherEntry& entry) {
  if (!devices_.contains(serial)) return;  // the log of a factory that never issued it: not ours
  auto& list = further_[serial];
  for (auto& before : list) {
    if (before.use != entry.use || entry.use == kAttestationUse) continue;
    earlier_[serial].push_back(before.certificate);
    before = entry;
    take_certificate(serial, entry.certificate);
    return;
  }
  list.push_back(entry);
  take_certificate(serial, entry.certificate);
}

void IssueLog::stage(json line, std::string_view event, Timestamp now) {
  line["v"] = kVersion;
  line["event"] = event;
  line["time"] = to_iso8601(now);
  staged_.push_back(std::move(line));
}

Status IssueLog::commit() {
  if (staged_.empty()) return ok();
  return lines_->append_all(std::exchange(staged_, {}));
}

Status IssueLog::add(json line, std::string_view event, Timestamp now) {
  stage(std::move(line), event, now);
  return commit();
}

Status IssueLog::note(json line, std::string_view event, Timestamp now) {
  CAM_TRY_STATUS(add(std::move(line), event, now));
  if (event == "checkpoint") after_checkpoint_ = lines();
  return ok();
}

void IssueLog::stage_reserved(const std::string& serial, const DeviceEntry& entry, Timestamp now) {
  stage(device_line(serial, entry), "reserved", now);
  take_device(serial, entry);
}

void IssueLog::stage_reissue(const std::string& serial, const DeviceEntry& entry, Timestamp now) {
  stage(device_line(serial, entry), "reissue", now);
  numbers_.try_emplace(entry.identity.number);
  numbers_.try_emplace(entry.media_signing.number);
}

void IssueLog::stage_issued(const std::string& serial, const DeviceEntry& entry, Timestamp now) {
  stage(device_line(serial, entry), "issued", now);
  take_device(serial, entry);
}

void IssueLog::stage_certified(const std::string& serial, const FurtherEntry& entry, Timestamp now) {
  json line{{"serial", serial}, {"certificate", to_json(entry.certificate)}};
  const bool attester = entry.use == kAttestationUse;  // had an event of its own before there were others
  if (!attester) line["use"] = entry.use;
  if (entry.certificate.ca != 0) line["ca"] = entry.certificate.ca;
  stage(std::move(line), attester ? "attester" : "certified", now);
  take_further(serial, entry);
}

Status IssueLog::revoke(const std::string& serial, const std::vector<RevokedEntry>& entries, Timestamp now) {
  // A camera can have more certificates than one line holds.
  constexpr std::size_t kInOneLine = 16;
  for (std::size_t at = 0; at < entries.size(); at += kInOneLine) {
    json list = json::array();
    for (std::size_t i = at; i < std::min(at + kInOneLine, entries.size()); ++i)
      list.push_back(to_json(entries[i]));
    stage({{"serial", serial}, {"certificates", list}}, "revoked", now);
  }
  CAM_TRY_STATUS(commit());
  for (const auto& entry : entries) revoked_[entry.number] = entry;
  return ok();
}

Status IssueLog::revoke_authority(std::uint16_t ca, const RevokedEntry& entry, Timestamp now) {
  json line{{"certificate", to_json(entry)}};
  if (ca != 0) line["ca"] = ca;
  CAM_TRY_STATUS(add(std::move(line), ca == 0 ? "device_ca_revoked" : "ca_revoked", now));
  revoked_authorities_[ca] = entry;
  return ok();
}

Status IssueLog::add_authority(const AuthorityEntry& entry, Timestamp now) {
  CAM_TRY_STATUS(
      add({{"profile", entry.profile}, {"stem", entry.stem}, {"certificate", to_json(entry.certificate)}},
          "ca", now));
  authorities_.push_back(entry);
  numbers_.try_emplace(entry.certificate.number);
  return ok();
}

Status IssueLog::add_order(const OrderEntry& entry, const std::string& signer, Timestamp now) {
  json line{{"order", entry.id}, {"sha256", to_hex(entry.text)}, {"count", entry.count}};
  if (!signer.empty()) line["signer"] = signer;
  CAM_TRY_STATUS(add(std::move(line), "order", now));
  orders_.push_back(entry);
  return ok();
}

Result<std::uint32_t> IssueLog::begin_batch(const std::string& order, Timestamp now) {
  const BatchEntry entry{last_batch_ + 1, order, false};
  CAM_TRY_STATUS(add({{"batch", entry.number}, {"order", order}}, "batch", now));
  batches_[order] = entry;
  return ++last_batch_;
}

Status IssueLog::end_batch(const std::string& order, Timestamp now) {
  const auto found = batches_.find(order);
  if (found == batches_.end() || found->second.done) return ok();
  CAM_TRY_STATUS(add({{"batch", found->second.number}, {"order", order}}, "batch_done", now));
  found->second.done = true;
  return ok();
}

const BatchEntry* IssueLog::last_batch_of(const std::string& order) const {
  const auto found = batches_.find(order);
  return found == batches_.end() ? nullptr : &found->second;
}

Result<std::uint64_t> IssueLog::next_list_number(Timestamp now) {
  CAM_TRY_STATUS(add({{"list", list_number_ + 1}}, "list", now));
  return ++list_number_;
}

const DeviceEntry* IssueLog::find(std::string_view serial) const {
  const auto found = devices_.find(serial);
  return found == devices_.end() ? nullptr : &found->second;
}

const std::vector<FurtherEntry>& IssueLog::further_of(std::string_view serial) const {
  static const std::vector<FurtherEntry> none;
  const auto found = further_.find(serial);
  return found == further_.end() ? none : found->second;
}

const std::vector<CertificateEntry>& IssueLog::earlier_of(std::string_view serial) const {
  static const std::vector<CertificateEntry> none;
  const auto found = earlier_.find(serial);
  return found == earlier_.end() ? none : found->second;
}

std::optional<std::uint16_t> IssueLog::issuer_of(const CertificateNumber& number) const {
  const auto found = numbers_.find(number);
  if (found == numbers_.end() || !found->second.issued) return std::nullopt;
  return found->second.ca;
}

std::string IssueLog::serial_of_key(const Sha256& key) const {
  const auto found = keys_.find(key);
  return found == keys_.end() ? std::string() : *found->second;
}

const RevokedEntry* IssueLog::revoked_authority(std::uint16_t ca) const {
  const auto found = revoked_authorities_.find(ca);
  return found == revoked_authorities_.end() ? nullptr : &found->second;
}

std::vector<std::string> IssueLog::serials() const {
  std::vector<std::string> out;
  for (const auto* serial : order_) {
    if (devices_.find(*serial)->second.issued) out.push_back(*serial);
  }
  return out;
}

}  // namespace camvault::identity
