// AV1: OBUs one by one, and a stream of them. Laws: a header says where its payload lies, sizes are written
// again in the shortest form, a stream's units stand one behind the other and each is a whole OBU.
#include <algorithm>

#include "camvault/codec/clip.h"
#include "camvault/codec/obu.h"
#include "fuzz.h"

namespace {

using namespace camvault;
using namespace camvault::codec;

#ifdef CAMVAULT_PLANTED_BUG
// Planted: a size of AV1 is read until a byte without the upper bit comes, wherever that is.
std::uint64_t planted_size(BytesView obu) {
  if (obu.size() < 2 || (obu[0] & 0x82) != 0x02) return 0;
  std::uint64_t value = 0;
  const auto* at = obu.data() + ((obu[0] & 4) != 0 ? 2 : 1);
  for (; (*at & 0x80) != 0; ++at) value = value << 7 | (*at & 0x7fU);
  return value;
}
#endif

void check_header(BytesView bytes) {
  const auto header = read_obu_header(bytes);
  if (!header) return;
  law(header->payload_offset <= bytes.size(), "a header is whole");
  if (!header->has_size) {
    law(header->size() == bytes.size(), "without a size it is all there is");
    return;
  }
  const auto begin = header->has_extension ? 2u : 1u;
  const auto size = read_leb128(bytes.subspan(begin));
  law(size && size->value == header->payload_size && begin + size->size == header->payload_offset,
      "the header's size is the one that stands there");
  const auto shortest = leb128(size->value);
  const auto again = read_leb128(shortest);
  law(shortest.size() <= size->size && again && again->value == size->value && again->size == shortest.size(),
      "the shortest form says the same");
}

void check_stream(BytesView file) {
  ClipOptions options;
  options.codec = Codec::av1;
  const auto source = open_clip(file, options);
  if (!source) return;
  const bool bare = (*source)->info().format == ClipFormat::obu;
  std::uint64_t next = 0;
  for (;;) {
    const auto run = (*source)->read();
    if (!run || run->empty()) return;
    for (const auto& unit : *run) {
      law(unit.offset >= next && (!bare || unit.offset == next), "one behind the other");
      next = unit.offset + unit.bytes.size();
      if ((*source)->info().codec != Codec::av1) continue;
      const auto header = read_obu_header(unit.bytes);
      law(header && header->size() == unit.bytes.size(), "a whole OBU");
      (void)classify(Codec::av1, unit.bytes);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_size(input));
#endif
  check_header(input);
  check_stream(input);
  return 0;
}
