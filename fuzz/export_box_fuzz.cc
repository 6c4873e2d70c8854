// The meta box of ONVIF's Export File Format. Laws: signatures lie in the file, where the reader says; what
// was read can be written, and reads back as the same.
#include "camvault/evidence/export_box.h"

#include "fuzz.h"

namespace {

using namespace camvault;
using namespace camvault::evidence;

#ifdef CAMVAULT_PLANTED_BUG
// Planted: texts of the box are taken for texts of C.
std::size_t planted_text(BytesView file) {
  for (std::size_t at = 0; at + 12 < file.size(); ++at) {
    if (file[at] == 's' && file[at + 1] == 'u' && file[at + 2] == 'e' && file[at + 3] == 'p') {
      std::size_t size = 0;
      for (int text = 0; text < 3; ++text) {
        while (file.data()[at + 8 + size] != 0) ++size;
        ++size;
      }
      return size;
    }
  }
  return 0;
}
#endif

void check_same(const ExportInfo& a, const ExportInfo& b) {
  law(a.unit_name == b.unit_name && a.unit_url == b.unit_url && a.unit_mac == b.unit_mac, "same unit");
  law(a.time == b.time && a.operator_name == b.operator_name, "same time and operator");
  law(a.tracks.size() == b.tracks.size() && a.starts.size() == b.starts.size(), "same counts");
  for (std::size_t i = 0; i < a.tracks.size(); ++i) {
    const auto& x = a.tracks[i];
    const auto& y = b.tracks[i];
    law(x.track == y.track && x.name == y.name && x.url == y.url && x.mac == y.mac && x.line == y.line,
        "same track");
  }
  for (std::size_t i = 0; i < a.starts.size(); ++i)
    law(a.starts[i].track == b.starts[i].track && a.starts[i].time == b.starts[i].time, "same start");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView file(data, size);
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_text(file));
#endif
  const auto found = find_export(file);
  if (!found || !*found) return 0;
  const auto& info = (*found)->info;
  for (const auto& seal : (*found)->seals) {
    law(seal.signature_offset <= size && seal.signature.size() <= size - seal.signature_offset,
        "signatures lie in the file");
    law(equal(seal.signature, file.subspan(seal.signature_offset, seal.signature.size())), "where it says");
  }
  // Several boxes of start times add up.
  if (info.starts.size() > kMaxExportTracks) return 0;
  const auto written = make_meta_box(info);
  law(written.has_value(), "what was read can be written");
  const auto again = find_export(written->bytes);
  law(again && *again && (*again)->seals.empty(), "and can be read");
  check_same(info, (*again)->info);
  return 0;
}
