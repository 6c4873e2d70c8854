// PostgreSQL by libpq.
#include <libpq-fe.h>

#include "camvault/base/owned.h"
#include "camvault/database/database.h"

namespace camvault::database {

namespace {
using Handle = Owned<PGconn, PQfinish>;
using Outcome = Owned<PGresult, PQclear>;

// ? to $1, $2, ...: no statement of ours has a ? in a text.
std::string numbered(const std::string& sql) {
  std::string out;
  int count = 0;
  for (const char c : sql) {
    if (c == '?') {
      out += "$" + std::to_string(++count);
    } else {
      out += c;
    }
  }
  return out;
}

class PostgresDatabase final : public Database {
 public:
  explicit PostgresDatabase(std::string connection) : where_(std::move(connection)) {}

  Status connect() {
    handle_.reset(PQconnectdb((where_).c_str()));
    if (handle_ != nullptr && PQstatus(handle_.get()) == CONNECTION_OK) {
      PQsetNoticeProcessor(
          handle_.get(), [](void*, const char*) {}, nullptr);
      return ok();
    }
    return fail(Errc::unavailable, "PostgreSQL is away");  // libpq's own words may hold the connection string
  }

  Result<std::vector<Row>> run(const std::string& sql, const std::vector<std::string>& values) override {
    if (handle_ == nullptr || PQstatus(handle_.get()) != CONNECTION_OK) CAM_TRY_STATUS(connect());
    std::vector<const char*> pointers;
    for (const auto& value : values) pointers.push_back(value.c_str());
    const Outcome outcome(PQexecParams(handle_.get(), numbered(sql).c_str(), static_cast<int>(values.size()),
                                       nullptr, pointers.data(), nullptr, nullptr, 0));
    const auto status = PQresultStatus(outcome.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      const bool gone = PQstatus(handle_.get()) != CONNECTION_OK;
      const char* state = PQresultErrorField(outcome.get(), PG_DIAG_SQLSTATE);
      const std::string code = state == nullptr ? "" : state;
      // 08 connection, 40 serialisation, 53 resources, 57 operator's intervention (shutdown): another time.
      const bool later = gone || code.empty() || code.starts_with("08") || code.starts_with("40") ||
                         code.starts_with("53") || code.starts_with("57");
      if (gone || code.starts_with("57")) handle_.reset();
      return fail(later ? Errc::unavailable : Errc::internal,
                  "PostgreSQL: error " + (code.empty() ? "without code" : code));
    }
    std::vector<Row> rows;
    for (int i = 0; i < PQntuples(outcome.get()); ++i) {
      Row row;
      for (int k = 0; k < PQnfields(outcome.get()); ++k)
        row.emplace_back(PQgetvalue(outcome.get(), i, k),
                         static_cast<std::size_t>(PQgetlength(outcome.get(), i, k)));
      rows.push_back(std::move(row));
    }
    return rows;
  }

  std::string describe() const override {
    if (handle_ == nullptr || PQstatus(handle_.get()) != CONNECTION_OK) return "PostgreSQL, not connected";
    const int version = PQserverVersion(handle_.get());
    return "PostgreSQL " + std::to_string(version / 10000) + "." + std::to_string(version % 10000) +
           ", database " + PQdb(handle_.get());
  }

 private:
  std::string where_;
  Handle handle_;
};
}  // namespace

Result<std::unique_ptr<Database>> open_postgres(const std::string& connection) {
  auto database = std::make_unique<PostgresDatabase>(connection);
  CAM_TRY_STATUS(database->connect());
  return std::unique_ptr<Database>(std::move(database));
}

}  // namespace camvault::database
