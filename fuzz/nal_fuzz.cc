// Units: classification, emulation prevention, start codes. Laws: the scanner agrees with a naive one,
// escaping and unescaping undo each other, offsets lead back to the bytes they came from.
#include <algorithm>

#include "camvault/codec/annex_b.h"
#include "camvault/codec/emulation.h"
#include "camvault/codec/unit.h"
#include "fuzz.h"

namespace {

using namespace camvault;
using namespace camvault::codec;

std::size_t naive_start_code(BytesView bytes, std::size_t from) {
  for (std::size_t i = from; i + 2 < bytes.size(); ++i) {
    if (bytes[i] == 0 && bytes[i + 1] == 0 && bytes[i + 2] == 1) return i;
  }
  return bytes.size();
}

void check_unit(Codec codec, BytesView unit) {
  const auto info = classify(codec, unit);
  const bool is_slice = info.kind == UnitKind::slice;
  law(is_slice || (!info.first_slice && !info.gop_start && !info.reference_hashed),
      "only slices start anything");
  law(info.kind != UnitKind::broken || info.type == 0, "a broken unit has no type");
  law(info.type < (codec == Codec::h264 ? 32 : 64), "types have 5 or 6 bits");
  const auto cut = without_trailing_zeros(unit);
  law(cut.empty() || cut.back() != 0, "no zeros at the end");
}

void check_emulation(BytesView bytes) {
  const auto escaped = escape(bytes);
  law(equal(unescape(escaped), bytes), "unescape(escape(x)) == x");
  for (std::size_t i = 0; i + 2 < escaped.size(); ++i) {
    law(escaped[i] != 0 || escaped[i + 1] != 0 || escaped[i + 2] > 2,
        "an escaped payload holds no start code");
  }
  const Unescaped map(bytes);
  law(equal(map.bytes(), unescape(bytes)), "both ways to unescape give the same");
  law(map.escaped_offset(map.bytes().size()) == bytes.size(), "the end leads to the end");
  std::size_t before = 0;
  for (std::size_t i = 0; i < map.bytes().size(); ++i) {
    const auto at = map.escaped_offset(i);
    law(at < bytes.size() && bytes[at] == map.bytes()[i], "an offset leads to its byte");
    law(i == 0 || at > before, "offsets ascend");
    before = at;
  }
}

void check_stream(BytesView stream) {
  std::size_t at = naive_start_code(stream, 0);
  law(find_start_code(stream) == at, "the first start code");
  AnnexBReader reader(stream);
  while (at < stream.size()) {
    const auto begin = at + 3;
    at = naive_start_code(stream, begin);
    law(find_start_code(stream, begin) == at, "the next start code");
    const auto expected = without_trailing_zeros(stream.subspan(begin, at - begin));
    if (expected.empty()) continue;
    const auto unit = reader.next();
    law(unit && unit->offset == begin && unit->bytes.data() == expected.data() &&
            unit->bytes.size() == expected.size(),
        "units lie between start codes");
    check_unit(Codec::h264, unit->bytes);
    check_unit(Codec::h265, unit->bytes);
  }
  law(!reader.next(), "no unit behind the last");
}

#ifdef CAMVAULT_PLANTED_BUG
// Planted: the size of an SEI payload (H.264, 7.3.2.3.1) read without looking for the end of the unit.
std::size_t planted_sei_size(BytesView unit) {
  const auto* at = unit.data() + 1;
  while (*at == 0xff) ++at;  // type
  ++at;
  std::size_t size = 0;
  while (*at == 0xff) size += *at++;
  return size + *at;
}
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView bytes(data, size);
  check_unit(Codec::h264, bytes);
  check_unit(Codec::h265, bytes);
  check_emulation(bytes);
  check_stream(bytes);
#ifdef CAMVAULT_PLANTED_BUG
  AnnexBReader reader(bytes);
  while (const auto unit = reader.next()) {
    if (classify(Codec::h264, unit->bytes).kind != UnitKind::sei || unit->bytes.size() < 3) continue;
    use(planted_sei_size(unit->bytes));
  }
#endif
  return 0;
}
