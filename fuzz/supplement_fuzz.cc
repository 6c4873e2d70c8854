// Supplements. First byte: the codec; the rest is a unit. Laws: what was read can be written, reads back as
// the same, and the document that its signature speaks about is the one that the writer signs.
#include "supplement_message.h"

#include "camvault/codec/emulation.h"
#include "fuzz.h"

namespace {

using namespace camvault;
using namespace camvault::signed_video;

#ifdef CAMVAULT_PLANTED_BUG
// Planted: a count is believed, and its entries are read without looking for the end of the record.
unsigned planted_count(BytesView unit) {
  const auto plain = codec::unescape(unit);
  unsigned sum = 0;
  for (std::size_t at = 0; at + 10 < plain.size(); ++at) {
    if (plain[at] != 0 || plain[at + 1] != 4) continue;  // a record of units
    const auto* begin = plain.data() + at + 6;
    const std::size_t count = static_cast<std::size_t>(begin[2]) << 8 | begin[3];
    for (std::size_t i = 0; i < count * 37; ++i) sum += begin[4 + i];
  }
  return sum;
}
#endif

void check(codec::Codec codec, BytesView unit) {
  if (!is_supplement_sei(codec, unit)) return;
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_count(unit));
#endif
  const auto read = read_supplement(codec, unit);
  if (!read) return;
  law(!read->signature.empty(), "only signed ones");
  for (const auto& gop : read->gops) {
    for (const auto& set : gop.parameter_sets) law(set.picture < gop.pictures.size(), "sets of its pictures");
    for (const auto& other : gop.units) law(other.picture < gop.pictures.size(), "units of its pictures");
  }
  const auto body = supplement_body(*read);
  law(body.has_value(), "what was read can be written");
  const auto written = supplement_unit(codec, false, *body, read->signature);
  law(written.has_value() && is_supplement_sei(codec, *written), "as one of ours");
  const auto again = read_supplement(codec, *written);
  law(again.has_value(), "and can be read");
  law(again->document == supplement_document(*body), "same document");
  law(again->session == read->session && again->number == read->number && again->hash == read->hash,
      "same session");
  law(again->gops.size() == read->gops.size() && again->tracks.size() == read->tracks.size() &&
          again->records.size() == read->records.size(),
      "same records");
  for (std::size_t i = 0; i < read->gops.size(); ++i) {
    const auto& a = read->gops[i];
    const auto& b = again->gops[i];
    law(a.counter == b.counter && a.gop_hash == b.gop_hash && a.next == b.next && a.base == b.base &&
            a.partial == b.partial && a.last == b.last && a.pictures.size() == b.pictures.size() &&
            a.parameter_sets.size() == b.parameter_sets.size() && a.units.size() == b.units.size(),
        "same GOP");
  }
  for (const auto& record : read->records) {
    if (const auto stamp = read_time_stamp_record(record.value)) {
      const auto encoded = encode_record(*stamp);
      law(!encoded || *encoded == record.value, "same time stamp");
    }
    if (const auto attestation = read_attestation_record(record.value)) {
      const auto encoded = encode_record(*attestation);
      law(!encoded || *encoded == record.value, "same attestation");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  check((data[0] & 1) == 0 ? codec::Codec::h264 : codec::Codec::h265, BytesView(data + 1, size - 1));
  return 0;
}
