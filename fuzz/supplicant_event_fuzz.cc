// Events of wpa_supplicant, half of whose text comes from the other end of the cable. Laws: what is kept is
// bounded and printable, a certificate has at most its limit, and only its event has one.
#include "camvault/network/supplicant_event.h"
#include "fuzz.h"

using namespace camvault;
using namespace camvault::network;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = as_text(BytesView(data, size));
#ifdef CAMVAULT_PLANTED_BUG
  // Planted: a value that is believed to end with a quote.
  if (const auto at = text.find(" err='"); at != std::string_view::npos) {
    const auto* end = text.data() + at + 6;
    while (*end != '\'') ++end;
    use(static_cast<unsigned>(end - text.data()));
  }
#endif
  const auto event = parse_event(text);
  if (!event) return 0;
  law(size <= kMaxEvent, "an event of its size");
  law(event->name.size() <= kMaxEventDetail && event->detail.size() <= kMaxEventDetail + 32, "bounded texts");
  law(harmless(event->detail).substr(0, kMaxEventDetail) == event->detail.substr(0, kMaxEventDetail),
      "printable");
  law(event->certificate.size() <= kMaxPeerCertificate, "a certificate of its size");
  law(event->certificate.empty() || event->kind == EventKind::server_certificate, "in its own event only");
  return 0;
}
