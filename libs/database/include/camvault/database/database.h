// A relational database, as much of one as our services need: single statements, text in and out. Each
// statement is its own transaction; what must happen together is one statement.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "camvault/base/result.h"

namespace camvault::database {

using Row = std::vector<std::string>;  // NULL is empty

// One connection; thread-confined. A connection that broke is opened anew by the next call.
class Database {
 public:
  virtual ~Database() = default;
  // `sql` has a ? for each value. Errc::unavailable: the database is away or busy; whether a statement that
  // changes something was carried out is then not known. Errc::internal: it does not understand us.
  virtual Result<std::vector<Row>> run(const std::string& sql, const std::vector<std::string>& values) = 0;
  virtual std::string describe() const = 0;  // without passwords
};

// "sqlite:/path/to/file" or "postgresql://..." / "host=... dbname=..." (libpq's connection strings).
Result<std::unique_ptr<Database>> open_database(const std::string& where);
// How many connections do it good: SQLite has one writer.
unsigned useful_connections(const std::string& where);

Result<std::unique_ptr<Database>> open_sqlite(const std::string& file);
Result<std::unique_ptr<Database>> open_postgres(const std::string& connection);

}  // namespace camvault::database
