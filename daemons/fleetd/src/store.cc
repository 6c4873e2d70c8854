#include "store.h"

#include <charconv>

namespace camvault::fleetd {

namespace {
constexpr const char* kTables[] = {
    "CREATE TABLE IF NOT EXISTS devices (serial TEXT PRIMARY KEY, allowed INTEGER NOT NULL, note TEXT NOT "
    "NULL, "
    "added TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS certificates (number TEXT PRIMARY KEY, serial TEXT NOT NULL, key_hash TEXT "
    "NOT "
    "NULL UNIQUE, der TEXT NOT NULL, issued TEXT NOT NULL, not_after TEXT NOT NULL, revoked TEXT NOT NULL "
    "DEFAULT "
    "'', reason INTEGER NOT NULL DEFAULT 0)",
    "CREATE INDEX IF NOT EXISTS certificates_by_serial ON certificates (serial)",
    "CREATE TABLE IF NOT EXISTS onboarding (id TEXT PRIMARY KEY, serial TEXT NOT NULL, at TEXT NOT NULL, "
    "event "
    "TEXT NOT NULL, detail TEXT NOT NULL, document TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS onboarding_by_serial ON onboarding (serial, at)",
    "CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
    "INSERT INTO counters (name, value) VALUES ('schema', 1) ON CONFLICT (name) DO NOTHING",
    "INSERT INTO counters (name, value) VALUES ('list', 0) ON CONFLICT (name) DO NOTHING"};
constexpr const char* kColumns =
    "SELECT number, serial, key_hash, der, issued, not_after, revoked, reason FROM certificates ";

std::uint64_t number_of(const std::string& text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Result<std::optional<CertificateRow>> first_of(Result<std::vector<CertificateRow>> rows) {
  if (!rows) return tl::unexpected(rows.error());
  if (rows->empty()) return std::optional<CertificateRow>();
  return std::optional<CertificateRow>(std::move(rows->front()));
}
}  // namespace

Result<std::unique_ptr<Store>> Store::open(const std::string& where) {
  auto store = std::unique_ptr<Store>(new Store(where));
  for (const auto* table : kTables) CAM_TRY_STATUS(store->run(table, {}));
  CAM_TRY(const auto schema, store->run("SELECT value FROM counters WHERE name = 'schema'", {}));
  if (schema.size() != 1 || schema[0][0] != "1")
    return fail(Errc::unsupported, "the database was written by another version of fleetd");
  return store;
}

Result<std::vector<Row>> Store::run(const std::string& sql, const std::vector<std::string>& values) {
  return pool_.run(sql, values);
}

Status Store::allow(const std::string& serial, const std::string& note, Timestamp now) {
  CAM_TRY_STATUS(
      run("INSERT INTO devices (serial, allowed, note, added) VALUES (?, 1, ?, ?) ON CONFLICT (serial) DO "
          "UPDATE SET allowed = 1, note = excluded.note",
          {serial, note, to_iso8601(now)}));
  return ok();
}

Status Store::forbid(const std::string& serial) {
  CAM_TRY(const auto rows, run("UPDATE devices SET allowed = 0 WHERE serial = ? RETURNING serial", {serial}));
  if (rows.empty()) return fail(Errc::not_found, "no such device");
  return ok();
}

Result<bool> Store::is_allowed(const std::string& serial) {
  CAM_TRY(const auto rows, run("SELECT 1 FROM devices WHERE serial = ? AND allowed = 1", {serial}));
  return !rows.empty();
}

Result<std::vector<DeviceRow>> Store::devices(const std::string& after, unsigned limit, Timestamp now) {
  CAM_TRY(const auto rows,
          run("SELECT serial, allowed, note, (SELECT count(*) FROM certificates c WHERE "
              "c.serial = d.serial AND c.revoked = "
              "'' AND c.not_after > ?) FROM devices d WHERE serial > ? ORDER BY serial LIMIT " +
                  std::to_string(limit),
              {to_iso8601(now), after}));
  std::vector<DeviceRow> out;
  for (const auto& row : rows) out.push_back({row[0], row[1] == "1", row[2], number_of(row[3])});
  return out;
}

Result<std::vector<CertificateRow>> Store::select(const std::string& rest,
                                                  const std::vector<std::string>& values) {
  CAM_TRY(const auto rows, run(kColumns + rest, values));
  std::vector<CertificateRow> out;
  for (const auto& row : rows)
    out.push_back(
        {row[0], row[1], row[2], row[3], row[4], row[5], row[6], static_cast<int>(number_of(row[7]))});
  return out;
}

Result<CertificateRow> Store::add_certificate(const CertificateRow& row) {
  CAM_TRY_STATUS(
      run("INSERT INTO certificates (number, serial, key_hash, der, issued, not_after) SELECT ?, serial, ?, "
          "?, ?, ? FROM devices WHERE serial = ? AND allowed = 1 ON CONFLICT (key_hash) DO NOTHING",
          {row.number, row.key_hash, row.der, row.issued, row.not_after, row.serial}));
  // The list is looked at again: a commit may take long, and who revoked the device meanwhile has not seen
  // this row.
  CAM_TRY(auto found,
          first_of(select("WHERE key_hash = ? AND revoked = '' AND EXISTS (SELECT 1 FROM devices d WHERE "
                          "d.serial = certificates.serial AND d.allowed = 1)",
                          {row.key_hash})));
  if (!found) return fail(Errc::denied, "the device " + row.serial + " is not on the list");
  return std::move(*found);
}

Result<std::optional<CertificateRow>> Store::find_key(const std::string& key_hash) {
  return first_of(select("WHERE key_hash = ?", {key_hash}));
}
Result<std::optional<CertificateRow>> Store::find_number(const std::string& number) {
  return first_of(select("WHERE number = ?", {number}));
}

Result<std::uint64_t> Store::valid_certificates(const std::string& serial, Timestamp now) {
  CAM_TRY(const auto rows,
          run("SELECT count(*) FROM certificates WHERE serial = ? AND revoked = '' AND not_after > ?",
              {serial, to_iso8601(now)}));
  return number_of(rows[0][0]);
}

Result<std::vector<CertificateRow>> Store::certificates(const std::string& serial, unsigned limit) {
  const auto end = " ORDER BY issued DESC, number LIMIT " + std::to_string(limit);
  if (serial.empty()) return select(end, {});
  return select("WHERE serial = ?" + end, {serial});
}

Result<std::uint64_t> Store::revoke(const std::string& serial, int reason, Timestamp now) {
  CAM_TRY(const auto rows, run("UPDATE certificates SET revoked = ?, reason = " + std::to_string(reason) +
                                   " WHERE serial = ? AND revoked = '' RETURNING number",
                               {to_iso8601(now), serial}));
  return rows.size();
}

Result<std::vector<CertificateRow>> Store::revoked() {
  return select("WHERE revoked <> '' ORDER BY number", {});
}

Result<std::uint64_t> Store::next_list_number() {
  CAM_TRY(const auto rows,
          run("UPDATE counters SET value = value + 1 WHERE name = 'list' RETURNING value", {}));
  if (rows.empty()) return fail(Errc::internal, "the database has no counter of lists");
  return number_of(rows[0][0]);
}

Result<Totals> Store::totals(Timestamp now) {
  CAM_TRY(const auto rows, run("SELECT (SELECT count(*) FROM devices), (SELECT count(*) FROM devices WHERE "
                               "allowed = 1), (SELECT count(*) FROM "
                               "certificates), (SELECT count(*) FROM certificates WHERE revoked <> ''), "
                               "(SELECT count(DISTINCT serial) FROM "
                               "certificates WHERE revoked = '' AND not_after > ?)",
                               {to_iso8601(now)}));
  const auto& row = rows[0];
  return Totals{number_of(row[0]), number_of(row[1]), number_of(row[2]), number_of(row[3]),
                number_of(row[4])};
}

Status Store::note(const OnboardingRow& row) {
  CAM_TRY_STATUS(
      run("INSERT INTO onboarding (id, serial, at, event, detail, document) VALUES (?, ?, ?, ?, ?, ?)",
          {row.id, row.serial, row.at, row.event, row.detail, row.document}));
  CAM_TRY_STATUS(
      run("DELETE FROM onboarding WHERE serial = ? AND id NOT IN (SELECT id FROM onboarding WHERE "
          "serial = ? ORDER BY at DESC, id LIMIT " +
              std::to_string(kEventsOfDevice) + ")",
          {row.serial, row.serial}));
  return ok();
}

Result<std::vector<OnboardingRow>> Store::onboarding(const std::string& serial, unsigned limit) {
  const auto end = " ORDER BY at DESC, id LIMIT " + std::to_string(limit);
  const std::string columns = "SELECT id, serial, at, event, detail, document FROM onboarding ";
  CAM_TRY(const auto rows,
          serial.empty() ? run(columns + end, {}) : run(columns + "WHERE serial = ?" + end, {serial}));
  std::vector<OnboardingRow> out;
  for (const auto& row : rows) out.push_back({row[0], row[1], row[2], row[3], row[4], row[5]});
  return out;
}

std::string Store::describe() {
  return pool_.describe();
}

}  // namespace camvault::fleetd
