// ZIP files of exports. Laws: members lie in the archive one behind the other, each behind its own header,
// with plain names that differ; what stands in front of the directory is exactly the members.
#include <set>

#include "camvault/evidence/checksums.h"
#include "camvault/evidence/zip.h"
#include "fuzz.h"

namespace {

using namespace camvault;

#ifdef CAMVAULT_PLANTED_BUG
// Planted: names of the directory are read by their lengths without looking for the end of the file.
unsigned planted_names(BytesView file) {
  unsigned sum = 0;
  for (std::size_t at = 0; at + 46 <= file.size(); ++at) {
    const auto* entry = file.data() + at;
    if (entry[0] != 'P' || entry[1] != 'K' || entry[2] != 1 || entry[3] != 2) continue;
    const std::size_t size = static_cast<std::size_t>(entry[29]) << 8 | entry[28];
    for (std::size_t i = 0; i < size; ++i) sum += entry[46 + i];
  }
  return sum;
}
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView file(data, size);
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_names(file));
#endif
  const auto members = evidence::read_zip(file);
  if (!members) {
    law(!members.error().what.empty(), "an error says what is wrong");
    return 0;
  }
  law(members->size() <= evidence::kMaxFiles, "members are limited");
  std::set<std::string> names;
  const auto* next = file.data();
  for (const auto& member : *members) {
    law(evidence::is_plain_name(member.name) && names.insert(member.name).second, "plain names, none twice");
    constexpr std::size_t kHeader = 30;
    law(member.content.data() == next + kHeader + member.name.size(), "members follow each other");
    law(as_text(BytesView(next, 4)) == std::string_view("PK\x03\x04", 4), "behind a header");
    law(as_text(BytesView(next + kHeader, member.name.size())) == member.name, "that names them");
    next = member.content.data() + member.content.size();
    law(next <= file.data() + file.size(), "inside the file");
  }
  law(as_text(BytesView(next, 4)) ==
          (members->empty() ? std::string_view("PK\x05\x06", 4) : std::string_view("PK\x01\x02", 4)),
      "and by the directory");
  return 0;
}
