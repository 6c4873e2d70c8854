// Connections to one database for several threads: each statement takes one that is free.
#pragma once

#include <condition_variable>
#include <mutex>

#include "camvault/database/database.h"

namespace camvault::database {

// Thread-safe.
class Pool {
 public:
  explicit Pool(std::string where) : where_(std::move(where)) {}
  // As Database::run. Waits for a connection.
  Result<std::vector<Row>> run(const std::string& sql, const std::vector<std::string>& values);
  std::string describe();

 private:
  std::string where_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Database>> free_;
  unsigned out_ = 0;
};

}  // namespace camvault::database
