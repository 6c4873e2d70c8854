// What one key may be used for, how, and by whom. Fixed when the key is made; there is no operation that
// changes it. No key is ever exportable in clear; `backup` is the one field about leaving at all.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "camvault/crypto/key.h"
#include "camvault/keystore/key_type.h"

namespace camvault::keystore {

// One key, one purpose. Closed list; its numbers are in registry.cc.
enum class Purpose : std::uint8_t {
  device_identity,      // IEEE 802.1AR DevID: certificate requests, TLS and 802.1X as this device
  media_signing,        // signed video and audio
  ca_signing,           // certificates and revocation lists
  tls,                  // TLS server and client keys that are no device identity
  attestation,          // signs statements that keystored itself makes, never bytes of a caller
  audit_signing,        // log heads
  firmware_signing,     // firmware manifests (maker's side)
  data_encryption,      // AES-256-GCM of small data and of content keys
  mac,                  // HMAC-SHA256
  report_signing,       // reports of verifications and exports: the examiner's, never a camera's
  key_agreement,        // ECDH: the shared X coordinate goes to the caller
  password,             // passwords, PINs and tokens: compared, slowly, and nothing else
  wifi_psk,             // a WPA passphrase: gives the key of one SSID, for a join
  key_derivation,       // HKDF and PBKDF2
  rollback_protection,  // counters
  tls_psk,              // a pre-shared key of TLS: a handle to it, for handshakes
};

inline constexpr Purpose kAllPurposes[] = {Purpose::device_identity,
                                           Purpose::media_signing,
                                           Purpose::ca_signing,
                                           Purpose::tls,
                                           Purpose::attestation,
                                           Purpose::audit_signing,
                                           Purpose::firmware_signing,
                                           Purpose::data_encryption,
                                           Purpose::mac,
                                           Purpose::report_signing,
                                           Purpose::key_agreement,
                                           Purpose::password,
                                           Purpose::wifi_psk,
                                           Purpose::key_derivation,
                                           Purpose::rollback_protection,
                                           Purpose::tls_psk};

std::string_view to_string(Purpose purpose);  // "device-identity", "media-signing", ...
Result<Purpose> purpose_from_string(std::string_view text);

// True if keys of this type can serve the purpose at all.
bool suits(KeyType type, Purpose purpose);

// True if programs that are not ours may sign with keys of this purpose through the PKCS#11 module and the
// OpenSSL provider: tls, device_identity and firmware_signing. They show keys of other purposes and refuse
// them: signed video, certificates and statements have programs of their own, whose rules a general-purpose
// signature would go around.
bool serves_programs(Purpose purpose);

// A small set of enumerators below 8.
template <class E>
class EnumSet {
 public:
  constexpr EnumSet() = default;
  constexpr EnumSet(std::initializer_list<E> members) {
    for (const auto member : members) insert(member);
  }
  constexpr void insert(E member) { bits_ = static_cast<std::uint8_t>(bits_ | bit(member)); }
  constexpr bool contains(E member) const { return (bits_ & bit(member)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  friend constexpr bool operator==(EnumSet, EnumSet) = default;

 private:
  static constexpr unsigned bit(E member) { return 1u << static_cast<unsigned>(member); }
  std::uint8_t bits_ = 0;
};

using SchemeSet = EnumSet<crypto::SignatureScheme>;
using HashSet = EnumSet<crypto::HashAlg>;

inline constexpr std::size_t kMaxPolicyUids = 16;

struct KeyPolicy {
  Purpose purpose = Purpose::mac;
  SchemeSet schemes;                // signatures it may make; empty for aes_256 and hmac_sha256
  HashSet hashes;                   // digests it may sign; empty for ed25519, aes_256 and hmac_sha256
  std::vector<std::uint32_t> uids;  // who may use it, ascending; empty when asking: the application's own uid
  // May leave in a backup, encrypted to the owner whom keystored's configuration names. Never a device
  // identity.
  bool backup = false;

  friend bool operator==(const KeyPolicy&, const KeyPolicy&) = default;
};

// Everything the type can do for this purpose, for the application's own uid.
KeyPolicy default_policy(KeyType type, Purpose purpose);

// Errc::usage if type, purpose, schemes, hashes and uids do not fit together. `uids` may be empty.
Status check_policy(KeyType type, const KeyPolicy& policy);

}  // namespace camvault::keystore
