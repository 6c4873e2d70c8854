// Every certificate number, key and serial number the factory ever used, and what became of it. Some 500
// bytes of memory for a camera.
#pragma once

#include <cstring>
#include <map>
#include <optional>
#include <unordered_map>

#include "line_log.h"

namespace camvault::identity {

inline constexpr int kReasonKeyCompromise = 1;  // RFC 5280 5.3.1
inline constexpr std::string_view kAttestationUse = "attestation";

using CertificateNumber = Fixed<struct CertificateNumberTag, 16>;
using Sha256 = Fixed<struct Sha256Tag, 32>;
struct FirstBytes {  // random or a hash already
  template <class T>
  std::size_t operator()(const T& value) const {
    std::size_t out = 0;
    std::memcpy(&out, value.value.data(), sizeof out);
    return out;
  }
};

struct CertificateEntry {
  CertificateNumber number;  // the certificate's serial number
  Sha256 key;                // of its SubjectPublicKeyInfo
  Sha256 fingerprint;        // of its DER; zeros while it is only reserved
  std::uint16_t ca = 0;      // who signed it: 0 is the first device CA
};

struct DeviceEntry {
  CertificateEntry identity;
  CertificateEntry media_signing;
  std::uint32_t batch = 0;  // 0: none
  bool issued = false;      // or only reserved: nothing may have left yet
};

// A certificate of a camera beside its first two.
struct FurtherEntry {
  std::string use;  // "attestation", "idevid-rsa-2048", ...
  CertificateEntry certificate;
};

struct RevokedEntry {
  std::string number;  // hex
  Timestamp since;
  int reason = 0;
};

struct AuthorityEntry {
  std::string profile;  // "device-ca"
  std::string stem;     // of its files and its key's name: "device-ca-2"
  CertificateEntry certificate;
};
struct OrderEntry {
  std::string id;
  Sha256 text;
  std::uint64_t count = 0;
};
struct BatchEntry {
  std::uint32_t number = 0;
  std::string order;
  bool done = false;
};

class IssueLog {
 public:
  static Result<IssueLog> open(const std::filesystem::path& path, const crypto::Engine& engine);

  // What is staged is known at once, and on the disk after commit(): together, with one wait for the disk.
  // Everything else here commits what it adds.
  void stage_reserved(const std::string& serial, const DeviceEntry& entry, Timestamp now);
  // For a camera that has certificates of another CA: they stay what they are until the new ones are issued.
  void stage_reissue(const std::string& serial, const DeviceEntry& entry, Timestamp now);
  void stage_issued(const std::string& serial, const DeviceEntry& entry, Timestamp now);
  void stage_certified(const std::string& serial, const FurtherEntry& entry, Timestamp now);
  Status commit();

  Status revoke(const std::string& serial, const std::vector<RevokedEntry>& entries, Timestamp now);
  Status revoke_authority(std::uint16_t ca, const RevokedEntry& entry, Timestamp now);
  Status add_authority(const AuthorityEntry& entry, Timestamp now);
  Status add_order(const OrderEntry& entry, const std::string& signer, Timestamp now);
  Result<std::uint32_t> begin_batch(const std::string& order, Timestamp now);
  Status end_batch(const std::string& order, Timestamp now);
  Status note(nlohmann::json line, std::string_view event, Timestamp now);  // that changes nothing here
  // The number for a new revocation list; grows by one each time, whatever became of the list.
  Result<std::uint64_t> next_list_number(Timestamp now);

  const DeviceEntry* find(std::string_view serial) const;
  const std::vector<FurtherEntry>& further_of(std::string_view serial) const;
  // Certificates that later ones of another CA took the place of.
  const std::vector<CertificateEntry>& earlier_of(std::string_view serial) const;
  bool has_number(const CertificateNumber& number) const { return numbers_.contains(number); }
  // Who signed the certificate of that number; nothing if none was issued.
  std::optional<std::uint16_t> issuer_of(const CertificateNumber& number) const;
  // The serial number a key was certified (or reserved) for; empty if it is new.
  std::string serial_of_key(const Sha256& key) const;
  std::vector<std::string> serials() const;
  const std::map<std::string, RevokedEntry>& revoked() const { return revoked_; }  // by number
  const RevokedEntry* revoked_authority(std::uint16_t ca) const;
  const std::vector<AuthorityEntry>& authorities() const {
    return authorities_;
  }  // after the first device CA
  const std::vector<OrderEntry>& orders() const { return orders_; }
  const BatchEntry* last_batch_of(const std::string& order) const;
  std::uint64_t lines() const { return lines_->count(); }
  const std::string& head() const { return lines_->head(); }
  std::uint64_t lines_since_checkpoint() const { return lines() - after_checkpoint_; }

 private:
  Status on_line(const nlohmann::json& line);
  Status on_device_line(const std::string& event, const nlohmann::json& line);
  Status on_factory_line(const std::string& event, const nlohmann::json& line);
  void take_device(const std::string& serial, const DeviceEntry& entry);
  void take_certificate(const std::string& serial, const CertificateEntry& entry);
  void take_further(const std::string& serial, const FurtherEntry& entry);
  void stage(nlohmann::json line, std::string_view event, Timestamp now);
  Status add(nlohmann::json line, std::string_view event, Timestamp now);

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  template <class T>
  using BySerial = std::unordered_map<std::string, T, Hash, std::equal_to<>>;

  BySerial<DeviceEntry> devices_;
  std::vector<const std::string*> order_;                            // keys of devices_
  std::unordered_map<Sha256, const std::string*, FirstBytes> keys_;  // key -> key of devices_
  struct NumberUse {
    std::uint16_t ca = 0;
    bool issued = false;
  };
  std::unordered_map<CertificateNumber, NumberUse, FirstBytes> numbers_;
  BySerial<std::vector<FurtherEntry>> further_;
  BySerial<std::vector<CertificateEntry>> earlier_;
  std::map<std::string, RevokedEntry> revoked_;
  std::map<std::uint16_t, RevokedEntry> revoked_authorities_;
  std::vector<AuthorityEntry> authorities_;
  std::vector<OrderEntry> orders_;
  std::map<std::string, BatchEntry> batches_;  // the last one of each order
  std::uint32_t last_batch_ = 0;
  std::uint64_t list_number_ = 0;
  std::uint64_t after_checkpoint_ = 0;
  std::uint64_t seen_ = 0;
  std::vector<nlohmann::json> staged_;
  std::optional<LineLog> lines_;
};

}  // namespace camvault::identity
