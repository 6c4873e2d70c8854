#include "camvault/database/pool.h"

namespace camvault::database {

Result<std::vector<Row>> Pool::run(const std::string& sql, const std::vector<std::string>& values) {
  std::unique_ptr<Database> database;
  {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [&] { return !free_.empty() || out_ < useful_connections(where_); });
    ++out_;
    if (!free_.empty()) {
      database = std::move(free_.back());
      free_.pop_back();
    }
  }
  Result<std::vector<Row>> rows = fail(Errc::unavailable, "no database");
  if (database == nullptr) {
    auto opened = open_database(where_);
    if (opened) {
      database = std::move(*opened);
    } else {
      rows = tl::unexpected(opened.error());
    }
  }
  if (database != nullptr) rows = database->run(sql, values);
  {
    const std::lock_guard lock(mutex_);
    --out_;
    if (database != nullptr) free_.push_back(std::move(database));
  }
  returned_.notify_one();
  return rows;
}

std::string Pool::describe() {
  const std::lock_guard lock(mutex_);
  return free_.empty() ? "in use" : free_.back()->describe();
}

}  // namespace camvault::database
