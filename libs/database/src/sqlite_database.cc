// SQLite, the embedded default: write-ahead log, each change on the disk before it is answered.
#include <sqlite3.h>

#include "camvault/base/owned.h"
#include "camvault/database/database.h"

namespace camvault::database {

namespace {
constexpr int kPatienceMs = 5000;

using Handle = Owned<sqlite3, sqlite3_close_v2>;
using Statement = Owned<sqlite3_stmt, sqlite3_finalize>;

Error error_of(int code, const char* what) {
  const bool broken_request = code == SQLITE_ERROR || code == SQLITE_MISUSE || code == SQLITE_RANGE;
  return {broken_request ? Errc::internal : Errc::unavailable, std::string("SQLite: ") + what};
}

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(Handle handle, std::string file) : handle_(std::move(handle)), file_(std::move(file)) {}

  Result<std::vector<Row>> run(const std::string& sql, const std::vector<std::string>& values) override {
    sqlite3_stmt* raw = nullptr;
    int code = sqlite3_prepare_v2(handle_.get(), sql.c_str(), static_cast<int>(sql.size()), &raw, nullptr);
    const Statement statement(raw);
    for (std::size_t i = 0; code == SQLITE_OK && i < values.size(); ++i) {
      code = sqlite3_bind_text(raw, static_cast<int>(i + 1), values[i].c_str(),
                               static_cast<int>(values[i].size()), SQLITE_STATIC);
    }
    if (code != SQLITE_OK) return tl::unexpected(error_of(code, sqlite3_errmsg(handle_.get())));
    std::vector<Row> rows;
    while ((code = sqlite3_step(raw)) == SQLITE_ROW) {
      Row row;
      for (int i = 0; i < sqlite3_column_count(raw); ++i) {
        const auto* text = sqlite3_column_text(raw, i);
        row.emplace_back(text == nullptr ? "" : reinterpret_cast<const char*>(text),
                         static_cast<std::size_t>(text == nullptr ? 0 : sqlite3_column_bytes(raw, i)));
      }
      rows.push_back(std::move(row));
    }
    if (code != SQLITE_DONE) return tl::unexpected(error_of(code, sqlite3_errmsg(handle_.get())));
    return rows;
  }

  std::string describe() const override {
    return "SQLite " + std::string(sqlite3_libversion()) + ", " + file_;
  }

 private:
  Handle handle_;
  std::string file_;
};
}  // namespace

Result<std::unique_ptr<Database>> open_sqlite(const std::string& file) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(
      file.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, nullptr);
  Handle handle(raw);
  if (code != SQLITE_OK) return tl::unexpected(error_of(code, ("cannot open " + file).c_str()));
  sqlite3_busy_timeout(raw, kPatienceMs);
  auto database = std::make_unique<SqliteDatabase>(std::move(handle), file);
  for (const auto* pragma :
       {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA trusted_schema=OFF"})
    CAM_TRY_STATUS(database->run(pragma, {}));
  return std::unique_ptr<Database>(std::move(database));
}

}  // namespace camvault::database
