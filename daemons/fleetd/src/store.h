// What fleetd knows: which devices may enrol, which certificates it issued, which it revoked. The same
// statements on every database. Any number of threads; each call takes a connection of its own.
#pragma once

#include "camvault/base/time.h"
#include "camvault/database/pool.h"

namespace camvault::fleetd {

using database::Row;

struct DeviceRow {
  std::string serial;
  bool allowed = false;
  std::string note;
  std::uint64_t certificates = 0;  // valid ones
};

struct CertificateRow {
  std::string number;    // hex
  std::string serial;    // of the device
  std::string key_hash;  // SHA-256 of the SubjectPublicKeyInfo, hex
  std::string der;       // hex
  std::string issued;    // ISO 8601
  std::string not_after;
  std::string revoked;  // when; empty: not
  int reason = 0;       // RFC 5280 5.3.1
};

struct Totals {
  std::uint64_t devices = 0;
  std::uint64_t allowed = 0;
  std::uint64_t issued = 0;
  std::uint64_t revoked = 0;
  std::uint64_t enrolled = 0;  // devices with a certificate that is valid
};

// What happened while a device was brought in without a hand (BRSKI), as it happened.
struct OnboardingRow {
  std::string id;  // unique
  std::string serial;
  std::string at;        // ISO 8601
  std::string event;     // "voucher", "refused", "voucher-status", "enroll-status", "audit-log"
  std::string detail;    // for people
  std::string document;  // hex of a voucher, or JSON of an audit log; may be empty
};

inline constexpr unsigned kEventsOfDevice = 100;  // older ones are forgotten: a device may ask for ever

class Store {
 public:
  // Makes the tables if they are not there.
  static Result<std::unique_ptr<Store>> open(const std::string& where);

  Status allow(const std::string& serial, const std::string& note, Timestamp now);
  Status forbid(const std::string& serial);
  Result<bool> is_allowed(const std::string& serial);
  Result<std::vector<DeviceRow>> devices(const std::string& after, unsigned limit, Timestamp now);

  // Nothing happens, and the row that is there comes back, if the key has a certificate already: a device
  // whose answer was lost asks again. Errc::denied if the device is not allowed (any more).
  Result<CertificateRow> add_certificate(const CertificateRow& row);
  Result<std::optional<CertificateRow>> find_key(const std::string& key_hash);
  Result<std::optional<CertificateRow>> find_number(const std::string& number);
  Result<std::uint64_t> valid_certificates(const std::string& serial, Timestamp now);
  Result<std::vector<CertificateRow>> certificates(const std::string& serial,
                                                   unsigned limit);  // newest first
  // All of a device's; says how many.
  Result<std::uint64_t> revoke(const std::string& serial, int reason, Timestamp now);
  Result<std::vector<CertificateRow>> revoked();
  Result<std::uint64_t> next_list_number();
  Result<Totals> totals(Timestamp now);
  Status note(const OnboardingRow& row);
  Result<std::vector<OnboardingRow>> onboarding(const std::string& serial, unsigned limit);  // newest first
  std::string describe();

 private:
  explicit Store(const std::string& where) : pool_(where) {}
  Result<std::vector<Row>> run(const std::string& sql, const std::vector<std::string>& values);
  Result<std::vector<CertificateRow>> select(const std::string& rest, const std::vector<std::string>& values);

  database::Pool pool_;
};

}  // namespace camvault::fleetd
