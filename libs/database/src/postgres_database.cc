// PostgreSQL by libpq.
#include <libpq-fe.h>
#include <poll.h>

#include "camvault/base/owned.h"
#include "camvault/database/database.h"
#include "camvault/net/tcp.h"

namespace camvault::database {

namespace {
using Handle = Owned<PGconn, PQfinish>;
using Outcome = Owned<PGresult, PQclear>;

constexpr const char* kConnectSeconds = "10";  // the connection string may say otherwise
constexpr std::chrono::seconds kPatience{10};  // for the answer to one statement

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

// What PQexecParams does, which waits for ever where the server, or the network to it, says nothing at all.
Outcome exec(PGconn* connection, const std::string& sql, const std::vector<const char*>& values) {
  const auto deadline = net::within(kPatience);
  const auto count = static_cast<int>(values.size());
  if (PQsetnonblocking(connection, 1) != 0 ||
      PQsendQueryParams(connection, sql.c_str(), count, nullptr, values.data(), nullptr, nullptr, 0) != 1)
    return {};
  Outcome out;
  for (;;) {
    const int unsent = PQflush(connection);
    if (unsent == 0 && PQisBusy(connection) == 0) {
      Outcome next(PQgetResult(connection));
      if (next == nullptr) return out;
      out = std::move(next);
    } else if (unsent < 0 ||
               !net::wait_for(PQsocket(connection),
                              static_cast<short>(unsent == 0 ? POLLIN : POLLIN | POLLOUT), deadline) ||
               PQconsumeInput(connection) != 1) {
      return {};
    }
  }
}

class PostgresDatabase final : public Database {
 public:
  explicit PostgresDatabase(std::string connection) : where_(std::move(connection)) {}

  Status connect() {
    const char* const names[] = {"connect_timeout", "dbname", nullptr};
    const char* const values[] = {kConnectSeconds, where_.c_str(), nullptr};
    handle_.reset(PQconnectdbParams(names, values, 1));
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
    const auto outcome = exec(handle_.get(), numbered(sql), pointers);
    if (outcome == nullptr) {
      handle_.reset();
      return fail(Errc::unavailable, "PostgreSQL does not answer");
    }
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
