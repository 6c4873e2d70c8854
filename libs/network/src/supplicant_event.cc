#include "camvault/network/supplicant_event.h"

#include <algorithm>
#include <charconv>

namespace camvault::network {

namespace {
struct Known {
  std::string_view name;
  EventKind kind;
};
constexpr Known kKnown[] = {{"CTRL-EVENT-EAP-STARTED", EventKind::eap_started},
                            {"CTRL-EVENT-EAP-SUCCESS", EventKind::eap_success},
                            {"CTRL-EVENT-EAP-SUCCESS2", EventKind::eap_success},
                            {"CTRL-EVENT-EAP-FAILURE", EventKind::eap_failure},
                            {"CTRL-EVENT-EAP-FAILURE2", EventKind::eap_failure},
                            {"CTRL-EVENT-EAP-TLS-CERT-ERROR", EventKind::server_refused},
                            {"CTRL-EVENT-EAP-PEER-CERT", EventKind::server_certificate},
                            {"CTRL-EVENT-EAP-STATUS", EventKind::other},
                            {"Associated", EventKind::associated},
                            {"CTRL-EVENT-CONNECTED", EventKind::connected},
                            {"CTRL-EVENT-DISCONNECTED", EventKind::disconnected},
                            {"CTRL-EVENT-SSID-TEMP-DISABLED", EventKind::other},
                            {"CTRL-EVENT-TERMINATING", EventKind::terminating}};
constexpr std::string_view kPassphrase = "CTRL-REQ-PSK_PASSPHRASE-";

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

// The value of the last ` key='...'`. The last one, because what stands before it may be foreign text that
// looks like one.
std::string_view last_value(std::string_view text, std::string_view key) {
  const std::string marker = " " + std::string(key) + "='";
  const auto at = text.rfind(marker);
  if (at == std::string_view::npos) return {};
  auto value = text.substr(at + marker.size());
  if (value.ends_with('\'')) value.remove_suffix(1);
  return value;
}

// depth=0 subject='...' hash=... cert=3082...
Status read_certificate(std::string_view rest, SupplicantEvent& event) {
  constexpr std::string_view kDepth = "depth=";
  if (!rest.starts_with(kDepth)) return fail(Errc::malformed, "a certificate event without a depth");
  const auto depth = number(rest.substr(kDepth.size()));
  if (!depth) return fail(Errc::malformed, "a certificate event without a depth");
  event.depth = *depth;
  const auto at = rest.rfind(" cert=");
  if (at == std::string_view::npos) return ok();  // alternative names come as events of their own
  auto hex = rest.substr(at + 6);
  if (hex.size() > 2 * kMaxPeerCertificate) return fail(Errc::limit, "a certificate of more than 8 KiB");
  CAM_TRY(event.certificate, from_hex(hex));
  return ok();
}

// with 02:00:5e:00:53:01
Status read_access_point(std::string_view rest, SupplicantEvent& event) {
  constexpr std::string_view kForm = "with xx:xx:xx:xx:xx:xx";
  const bool fits = rest.size() == kForm.size() &&
                    std::equal(kForm.begin(), kForm.end(), rest.begin(), [](char form, char c) {
                      return form == 'x' ? (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') : c == form;
                    });
  if (!fits) return fail(Errc::malformed, "an access point without an address");
  event.detail = rest.substr(5);
  return ok();
}

void read_status(std::string_view rest, SupplicantEvent& event) {
  const auto parameter = last_value(rest, "parameter");
  if (rest.starts_with("status='remote TLS alert'")) {
    event.kind = EventKind::tls_alert;
    event.detail = "the server says: " + harmless(parameter);
  } else if (rest.starts_with("status='local TLS alert'")) {
    event.kind = EventKind::tls_alert;
    event.detail = "the camera says: " + harmless(parameter);
  }
}
}  // namespace

std::string harmless(std::string_view foreign) {
  std::string text(foreign.substr(0, kMaxEventDetail));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return text;
}

Result<SupplicantEvent> parse_event(std::string_view message) {
  if (message.size() > kMaxEvent) return fail(Errc::limit, "an event of wpa_supplicant is too long");
  if (message.size() < 4 || message[0] != '<' || message[1] < '0' || message[1] > '9' || message[2] != '>')
    return fail(Errc::malformed, "not an event of wpa_supplicant");
  message.remove_prefix(3);
  while (message.ends_with('\n')) message.remove_suffix(1);
  const auto space = message.find(' ');
  const auto name = message.substr(0, space);
  const auto rest = space == std::string_view::npos ? std::string_view() : message.substr(space + 1);

  SupplicantEvent event;
  if (name.starts_with(kPassphrase)) {  // CTRL-REQ-PSK_PASSPHRASE-0:PSK or passphrase needed for SSID x
    const auto network = number(name.substr(kPassphrase.size()));
    if (!network) return fail(Errc::malformed, "a request for a passphrase names no network");
    event.kind = EventKind::passphrase_wanted;
    event.network = *network;
    event.name = "CTRL-REQ-PSK_PASSPHRASE";
    return event;
  }
  event.name = harmless(name);
  const auto* known =
      std::find_if(std::begin(kKnown), std::end(kKnown), [&](const Known& k) { return k.name == name; });
  if (known == std::end(kKnown)) return event;
  event.kind = known->kind;
  if (event.kind == EventKind::server_certificate) {
    CAM_TRY_STATUS(read_certificate(rest, event));
  } else if (event.kind == EventKind::server_refused) {
    event.detail = harmless(last_value(rest, "err"));
  } else if (event.kind == EventKind::associated) {
    CAM_TRY_STATUS(read_access_point(rest, event));
  } else if (name == "CTRL-EVENT-SSID-TEMP-DISABLED") {
    // The last word: the network's name stands before it.
    if (rest.ends_with(" reason=WRONG_KEY")) event.kind = EventKind::passphrase_differs;
  } else if (name == "CTRL-EVENT-EAP-STATUS") {
    read_status(rest, event);
  } else {
    event.detail = harmless(rest);
  }
  return event;
}

}  // namespace camvault::network
