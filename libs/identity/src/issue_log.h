// Every certificate number, key and serial number the factory ever used, and what became of it.
#pragma once

#include <map>
#include <set>

#include "line_log.h"

namespace camvault::identity {

inline constexpr int kReasonKeyCompromise = 1;  // RFC 5280 5.3.1
inline constexpr std::string_view kAttestationUse = "attestation";

struct CertificateEntry {
  std::string number;       // the certificate's serial number, hex
  std::string key;          // SHA-256 of its SubjectPublicKeyInfo, hex
  std::string fingerprint;  // SHA-256 of its DER; empty while it is only reserved
};

struct DeviceEntry {
  CertificateEntry identity;
  CertificateEntry media_signing;
  bool issued = false;  // or only reserved: nothing may have left yet
};

struct RevokedEntry {
  std::string number;
  Timestamp since;
  int reason = 0;
};

// A certificate of a camera beside its first two.
struct FurtherEntry {
  std::string use;  // "attestation", "idevid-rsa-2048", ...
  CertificateEntry certificate;
};

class IssueLog {
 public:
  static Result<IssueLog> open(const std::filesystem::path& path, const crypto::Engine& engine);

  // Before anything is signed. Reserving again (same keys) leaves the earlier numbers used for ever.
  Status reserve(const std::string& serial, const DeviceEntry& entry, Timestamp now);
  Status issued(const std::string& serial, const DeviceEntry& entry, Timestamp now);
  // Before it leaves.
  Status certified(const std::string& serial, const FurtherEntry& entry, Timestamp now);
  const std::vector<FurtherEntry>& further_of(std::string_view serial) const;
  Status revoke(const std::string& serial, const std::vector<RevokedEntry>& entries, Timestamp now);
  Status revoke_device_ca(const RevokedEntry& entry, Timestamp now);
  // The number for a new revocation list; grows by one each time, whatever became of the list.
  Result<std::uint64_t> next_list_number(Timestamp now);

  const DeviceEntry* find(std::string_view serial) const;
  bool has_number(const std::string& number) const { return numbers_.contains(number); }
  // The serial number a key was certified (or reserved) for; empty if it is new.
  std::string serial_of_key(const std::string& key) const;
  std::vector<std::string> serials() const;
  const std::map<std::string, RevokedEntry>& revoked() const { return revoked_; }  // by number
  const std::optional<RevokedEntry>& revoked_device_ca() const { return revoked_device_ca_; }

 private:
  Status on_line(const nlohmann::json& line);
  void take_further(const std::string& serial, const FurtherEntry& entry);
  void take_device(const std::string& serial, const DeviceEntry& entry);
  Status add(nlohmann::json line, std::string_view event, Timestamp now);

  std::map<std::string, DeviceEntry, std::less<>> devices_;
  std::vector<std::string> order_;
  std::map<std::string, std::string> keys_;  // key -> serial
  std::set<std::string> numbers_;
  std::map<std::string, std::vector<FurtherEntry>, std::less<>> further_;  // by the camera's serial number
  std::map<std::string, RevokedEntry> revoked_;
  std::optional<RevokedEntry> revoked_device_ca_;
  std::uint64_t list_number_ = 0;
  std::optional<LineLog> lines_;
};

}  // namespace camvault::identity
