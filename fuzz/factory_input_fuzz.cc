// What others write for a factory: orders, certificate profiles, streams of certificate requests.
#include <sys/mman.h>
#include <unistd.h>

#include "camvault/identity/batch.h"
#include "camvault/identity/order.h"
#include "camvault/identity/profile.h"
#include "fuzz.h"

using namespace camvault;

namespace {
void order(std::string_view text) {
  const auto first = identity::parse_order(text);
  if (!first) return;
  // What is accepted is written again, and is the same order.
  const auto again = identity::parse_order(identity::write_order(*first));
  law(again && again->id == first->id && again->serials == first->serials &&
          again->not_after == first->not_after,
      "an order is read as it was written");
#ifdef CAMVAULT_PLANTED_BUG
  law(first->serials.size() != 2, "planted: no order is for two cameras");
#endif
}

void profile(std::string_view text) {
  const auto rules = identity::parse_profile(text);
  if (!rules) return;
  // No profile that is accepted lets a camera sign certificates.
  using crypto_openssl::KeyUsage;
  const auto usage = static_cast<unsigned>(rules->key_usage);
  law(rules->ca || (usage & static_cast<unsigned>(KeyUsage::key_cert_sign | KeyUsage::crl_sign)) == 0,
      "only authorities sign certificates and lists");
  static_cast<void>(identity::subject_of(*rules, {"O", "SE", "Camera", "S1", "CA", "1.2.3"}));
}

void requests(std::string_view text) {
  const int fd = ::memfd_create("requests", MFD_CLOEXEC);
  if (fd < 0 || ::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) return;
  identity::RequestStream stream({"/proc/self/fd/" + std::to_string(fd)});
  for (std::size_t count = 0;; ++count) {
    law(count <= text.size(), "each step reads something");
    const auto next = stream.next();
    if (next && !*next) break;
    if (!next && next.error().code == Errc::io) break;
    law(!next || !(*next)->serial.empty(), "a camera has a serial number");
  }
  ::close(fd);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = as_text({data, size});
  order(text);
  profile(text);
  requests(text);
  return 0;
}
