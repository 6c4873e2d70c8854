// What wpa_supplicant tells without being asked. Half of it is written by whoever is on the other end of the
// cable (names in certificates, errors), so texts are bounded and are data, never formats or commands.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "camvault/base/bytes.h"
#include "camvault/base/result.h"

namespace camvault::network {

inline constexpr std::size_t kMaxEvent =
    32 * 1024;  // bytes: a certificate of 8 KiB comes in hexadecimal digits
inline constexpr std::size_t kMaxEventDetail = 300;       // bytes of a reason that is kept for people
inline constexpr std::size_t kMaxPeerCertificate = 8192;  // bytes, DER

enum class EventKind {
  eap_started,         // the network asked who we are
  eap_success,         // it let us in
  eap_failure,         // it did not
  server_refused,      // we do not believe the server: `detail` says why
  server_certificate,  // one certificate of the server's chain: `certificate`, and `depth` 0 for its own
  tls_alert,           // one side ended the handshake: `detail`
  associated,          // with an access point, which proves nothing yet: `detail` is its address
  connected,
  disconnected,
  passphrase_differs,  // the access point does not know the key that the camera has
  passphrase_wanted,   // the Wi-Fi network `network` wants its key
  terminating,         // wpa_supplicant ends
  other,
};

struct SupplicantEvent {
  EventKind kind = EventKind::other;
  std::string name;    // "CTRL-EVENT-EAP-SUCCESS"
  std::string detail;  // for people: printable ASCII, at most kMaxEventDetail bytes
  Bytes certificate;
  unsigned depth = 0;
  unsigned network = 0;
};

// "<3>CTRL-EVENT-EAP-SUCCESS EAP authentication completed successfully". Errc::malformed if it is no event,
// Errc::limit if it is longer than kMaxEvent.
Result<SupplicantEvent> parse_event(std::string_view message);

// Foreign text for a log line: other than printable ASCII becomes '?', and it ends after kMaxEventDetail
// bytes.
std::string harmless(std::string_view foreign);

}  // namespace camvault::network
