#include "owners.h"

#include <charconv>

namespace camvault::masad {

namespace {
constexpr const char* kTables[] = {
    "CREATE TABLE IF NOT EXISTS owners (serial TEXT PRIMARY KEY, domain_id TEXT NOT NULL, since TEXT NOT "
    "NULL)",
    "CREATE TABLE IF NOT EXISTS vouchers (id TEXT PRIMARY KEY, serial TEXT NOT NULL, at TEXT NOT NULL, "
    "domain_id "
    "TEXT NOT NULL, nonce TEXT NOT NULL, assertion TEXT NOT NULL, registrar TEXT NOT NULL, UNIQUE (serial, "
    "domain_id, nonce))",
    "CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
    "INSERT INTO counters (name, value) VALUES ('schema', 1) ON CONFLICT (name) DO NOTHING"};
}  // namespace

Result<std::unique_ptr<Owners>> Owners::open(const std::string& where) {
  auto owners = std::unique_ptr<Owners>(new Owners(where));
  for (const auto* table : kTables) CAM_TRY_STATUS(owners->pool_.run(table, {}));
  CAM_TRY(const auto schema, owners->pool_.run("SELECT value FROM counters WHERE name = 'schema'", {}));
  if (schema.size() != 1 || schema[0][0] != "1")
    return fail(Errc::unsupported, "the database was written by another version of masad");
  return owners;
}

Result<std::string> Owners::claim(const std::string& serial, const std::string& domain_id, Timestamp now) {
  CAM_TRY_STATUS(pool_.run(
      "INSERT INTO owners (serial, domain_id, since) VALUES (?, ?, ?) ON CONFLICT (serial) DO NOTHING",
      {serial, domain_id, to_iso8601(now)}));
  CAM_TRY(const auto rows, pool_.run("SELECT domain_id FROM owners WHERE serial = ?", {serial}));
  // Released between the two: whoever asks next gets it.
  if (rows.empty()) return fail(Errc::unavailable, "the device was released just now");
  return rows[0][0];
}

Status Owners::release(const std::string& serial) {
  CAM_TRY(const auto rows, pool_.run("DELETE FROM owners WHERE serial = ? RETURNING serial", {serial}));
  if (rows.empty()) return fail(Errc::not_found, "the device " + serial + " has no owner");
  return ok();
}

Status Owners::note(const Entry& entry) {
  CAM_TRY_STATUS(
      pool_.run("INSERT INTO vouchers (id, serial, at, domain_id, nonce, assertion, registrar) VALUES (?, "
                "?, ?, ?, ?, ?, ?) ON CONFLICT (serial, domain_id, nonce) DO NOTHING",
                {entry.id, entry.serial, entry.event.date, entry.event.domain_id, entry.event.nonce,
                 entry.event.assertion, entry.registrar}));
  return ok();
}

Result<bool> Owners::has_asked(const std::string& serial, const std::string& domain_id) {
  CAM_TRY(const auto rows, pool_.run("SELECT 1 FROM vouchers WHERE serial = ? AND domain_id = ? LIMIT 1",
                                     {serial, domain_id}));
  return !rows.empty();
}

Result<std::vector<brski::AuditEvent>> Owners::events(const std::string& serial) {
  CAM_TRY(const auto rows,
          pool_.run("SELECT at, domain_id, nonce, assertion FROM vouchers WHERE serial = ? ORDER "
                    "BY at DESC, id LIMIT " +
                        std::to_string(brski::kMaxAuditEvents),
                    {serial}));
  std::vector<brski::AuditEvent> out;
  for (const auto& row : rows) out.push_back({row[0], row[1], row[2], row[3]});
  return out;
}

Result<std::uint64_t> Owners::count(const std::string& serial) {
  CAM_TRY(const auto rows, pool_.run("SELECT count(*) FROM vouchers WHERE serial = ?", {serial}));
  std::uint64_t value = 0;
  std::from_chars(rows[0][0].data(), rows[0][0].data() + rows[0][0].size(), value);
  return value;
}

}  // namespace camvault::masad
