// Whose each device is, and every voucher that was ever given: the maker's books.
#pragma once

#include "camvault/base/time.h"
#include "camvault/brski/masa.h"
#include "camvault/database/pool.h"

namespace camvault::masad {

// Thread-safe.
class Owners {
 public:
  // Makes the tables if they are not there.
  static Result<std::unique_ptr<Owners>> open(const std::string& where);

  // The first who asks gets it; says whose it is now.
  Result<std::string> claim(const std::string& serial, const std::string& domain_id, Timestamp now);
  // Nobody's again. Errc::not_found.
  Status release(const std::string& serial);

  struct Entry {
    std::string id;  // unique
    std::string serial;
    brski::AuditEvent event;
    std::string registrar;  // subject, for people
  };
  // The same owner with the same nonce is one entry: it asked again, since our answer was lost.
  Status note(const Entry& entry);
  Result<bool> has_asked(const std::string& serial, const std::string& domain_id);
  Result<std::vector<brski::AuditEvent>> events(const std::string& serial);  // newest first
  Result<std::uint64_t> count(const std::string& serial);

 private:
  explicit Owners(const std::string& where) : pool_(where) {}
  database::Pool pool_;
};

}  // namespace camvault::masad
