#include "camvault/database/database.h"

namespace camvault::database {

namespace {
constexpr std::string_view kSqlite = "sqlite:";
}  // namespace

Result<std::unique_ptr<Database>> open_database(const std::string& where) {
  if (where.starts_with(kSqlite)) return open_sqlite(where.substr(kSqlite.size()));
#ifdef CAMVAULT_HAVE_POSTGRES
  return open_postgres(where);
#else
  return fail(Errc::unsupported, "this program was built without PostgreSQL");  // `where` may hold a password
#endif
}

unsigned useful_connections(const std::string& where) {
  return where.starts_with(kSqlite) ? 1 : 8;
}

}  // namespace camvault::database
