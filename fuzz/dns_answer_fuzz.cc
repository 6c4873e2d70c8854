// Answers of strangers on the link to "who is the registrar here?". Laws: what is told is a name of the link
// with addresses on it, within the limits; what is asked next can be asked.
#include <algorithm>

#include "camvault/dns_sd/search.h"
#include "findings.h"
#include "fuzz.h"

namespace {

using namespace camvault;
using namespace camvault::dns_sd;

#ifdef CAMVAULT_PLANTED_BUG
// Planted: an address is taken to be there because the record's type says so.
unsigned planted_address(BytesView message) {
  const Bytes exact = to_bytes(message);  // its end is the end of memory that may be read
  constexpr std::array<std::uint8_t, 4> kTypeAndClass{0, 1, 0, 1};
  const auto at = std::search(exact.begin(), exact.end(), kTypeAndClass.begin(), kTypeAndClass.end());
  if (at == exact.end()) return 0;
  unsigned sum = 0;
  for (int i = 10; i < 14; ++i) sum += *(&*at + i);
  return sum;
}
#endif

Link link() {
  Address v4{"", false, {192, 0, 2, 9}};
  Address v6{"", true, {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}};
  return {3, "eth0", false, {{v4, 24}, {v6, 64}}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_address(input));
#endif
  if (size < 2) return 0;
  const auto answers = read_answers(input, static_cast<std::uint16_t>(data[0] << 8 | data[1]));
  if (!answers) return 0;
  const auto count = answers->pointers.size() + answers->servers.size() + answers->addresses.size();
  law(count <= kMaxRecords, "the limit of records");
  static const auto here = link();
  constexpr auto kType = "_brski-registrar._tcp.local";
  Findings findings;
  for (int i = 0; i < 3; ++i) findings.take(*answers);
  for (const auto& service : findings.services(kType, here)) {
    law(is_link_name(service.host), "a host is a name of the link");
    law(service.port != 0 && !service.addresses.empty() && service.addresses.size() <= kMaxAddresses,
        "a place to knock at");
    for (const auto& address : service.addresses)
      law(address.starts_with("192.0.2.") || (address.starts_with("fe") && address.ends_with("%eth0")),
          "an address on the link");
  }
  for (const auto& question : findings.open_questions(kType)) {
    const auto asked = write_question(question, 1);
    law(asked.has_value() || question.name.empty(), "what came as a name can be asked for");
  }
  return 0;
}
