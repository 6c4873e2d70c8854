// Parameter sets and slice headers of raw streams, as the writers of containers need them. First byte: the
// codec; then units, each with two bytes of length in front. Laws: sizes are those of a picture, every
// picture gets one place in display order, what we keep is what came.
#include <algorithm>

#include "camvault/codec/unit.h"
#include "frame_rate.h"
#include "fuzz.h"
#include "parameter_sets.h"
#include "picture_order.h"

namespace {

using namespace camvault;
using namespace camvault::container;

constexpr std::size_t kMaxUnits = 256;

#ifdef CAMVAULT_PLANTED_BUG
// Planted: the profile is looked up in a table that has room for those of today.
unsigned planted_profile(codec::Codec codec, BytesView unit) {
  static const std::vector<unsigned> bits(123, 8);
  if (codec != codec::Codec::h264 || unit.size() < 4 || (unit[0] & 0x1f) != 7) return 0;
  return bits.data()[unit[1]];
}
#endif

void check_unit(codec::Codec codec, BytesView unit, ParameterSets& sets) {
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_profile(codec, unit));
#endif
  if (const auto format = read_sps(codec, unit)) {
    law(format->width > 0 && format->height > 0 && format->width <= 16'888 && format->height <= 16'888,
        "the size of a picture");
    law(format->chroma_format <= 3 && format->bit_depth_luma >= 8 && format->bit_depth_luma <= 16,
        "a format");
  }
  const auto rate = read_frame_rate(codec, unit);
  law(!rate || (*rate >= 1 && *rate <= 1000), "a rate of pictures");
  if (sets.add(unit) && !sets.sps().empty())
    law(sets.sps().size() <= ParameterSets::kMaxSets, "sets are limited");
  if (sets.complete()) {
    const auto record = sets.decoder_configuration();
    law(!record || record->size() > 6, "a whole record");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const auto codec = (data[0] & 1) == 0 ? codec::Codec::h264 : codec::Codec::h265;
  ParameterSets sets(codec);
  OrderCounts counts(codec);
  DisplayOrder order;
  std::vector<std::int64_t> places;
  const BytesView input(data, size);
  std::size_t units = 0;
  for (std::size_t at = 1; at + 2 <= size && units < kMaxUnits; ++units) {
    const auto length =
        std::min<std::size_t>(static_cast<std::size_t>(data[at]) << 8 | data[at + 1], size - at - 2);
    const auto unit = input.subspan(at + 2, length);
    at += 2 + length;
    check_unit(codec, unit, sets);
    const BytesView access_unit[] = {unit};
    order.push(counts.next(access_unit));
    while (const auto place = order.pop()) places.push_back(*place);
  }
  order.finish();
  while (const auto place = order.pop()) places.push_back(*place);
  std::sort(places.begin(), places.end());
  law(places.size() == units, "every picture has a place");
  for (std::size_t i = 0; i < places.size(); ++i)
    law(places[i] == static_cast<std::int64_t>(i), "and each place a picture");
  return 0;
}
