// SHA256SUMS. Laws: what is accepted is written again as it was; names are plain, none stands there twice.
#include <set>

#include "camvault/evidence/checksums.h"
#include "fuzz.h"

namespace {

using namespace camvault;

#ifdef CAMVAULT_PLANTED_BUG
// Planted: a name goes into an array that is long enough for every name the author could think of.
unsigned planted_name(std::string_view text) {
  char name[48] = {};
  const auto end = text.find('\n');
  if (text.size() < 66 || end == std::string_view::npos || end < 66 || text.substr(64, 2) != "  ") return 0;
  std::size_t used = 0;
  for (const char c : text.substr(66, end - 66)) name[used++] = c;
  return static_cast<unsigned char>(name[0]);
}
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = as_text(BytesView(data, size));
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_name(text));
#endif
  const auto sums = evidence::read_checksums(text);
  if (!sums) {
    law(!sums.error().what.empty(), "an error says what is wrong");
    return 0;
  }
  law(sums->size() <= evidence::kMaxFiles, "files are limited");
  std::set<std::string> names;
  for (const auto& sum : *sums) {
    law(evidence::is_plain_name(sum.name) && names.insert(sum.name).second, "plain names, none twice");
    law(sum.sha256.size() == 64, "a whole sum");
  }
  law(evidence::write_checksums(*sums) == text, "written again it is the same");
  return 0;
}
