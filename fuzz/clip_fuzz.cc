// Whole clips. Laws: units lie inside the file, those of an MP4 do not add up to more than the file, runs are
// bounded, a second pass gives the same, an error stays until rewind().
#include <algorithm>

#include "camvault/codec/clip.h"
#include "fuzz.h"

namespace {

using namespace camvault;
using namespace camvault::codec;

struct Pass {
  std::uint64_t units = 0;
  std::uint64_t bytes = 0;
  std::uint64_t offsets = 0;
  bool failed = false;
  friend bool operator==(const Pass&, const Pass&) = default;
};

Pass read_all(UnitSource& source, BytesView file) {
  Pass pass;
  for (;;) {
    const auto run = source.read();
    if (!run) {
      pass.failed = true;
      law(!source.read(), "an error stays");
      return pass;
    }
    if (run->empty()) {
      const auto again = source.read();
      law(again && again->empty(), "the end stays");
      return pass;
    }
    law(run->size() <= UnitSource::kMaxRun, "runs are bounded");
    for (const auto& unit : *run) {
      law(!unit.bytes.empty(), "no empty unit is given");
      law(unit.offset <= file.size() && unit.bytes.size() <= file.size() - unit.offset &&
              unit.bytes.data() == file.data() + unit.offset,
          "units lie inside the file");
      classify(source.info().codec, unit.bytes);
      ++pass.units;
      pass.bytes += unit.bytes.size();
      pass.offsets = pass.offsets * 31 + unit.offset;
    }
  }
}

void check(BytesView file, const ClipOptions& options) {
  const auto source = open_clip(file, options);
  if (!source) {
    law(!source.error().what.empty(), "an error says what is wrong");
    return;
  }
  law((*source)->info().not_video.size() <= 128, "tracks are limited");
  const auto first = read_all(**source, file);
  law(first.bytes <= file.size(), "no more bytes than the file has");
  law((*source)->rewind().has_value(), "rewind works");
  law(read_all(**source, file) == first, "a second pass gives the same");
}

#ifdef CAMVAULT_PLANTED_BUG
// Planted: adds up the sample sizes of stsz by the count that the box claims, as if the box had room for it.
std::uint64_t planted_sum_of_sizes(BytesView file) {
  const std::uint8_t kName[] = {'s', 't', 's', 'z'};
  const auto at = std::search(file.begin(), file.end(), std::begin(kName), std::end(kName));
  if (file.end() - at < 16) return 0;
  const auto* box = &*at;
  const auto number = [](const std::uint8_t* p) {
    return std::uint32_t{p[0]} << 24 | std::uint32_t{p[1]} << 16 | std::uint32_t{p[2]} << 8 | p[3];
  };
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < number(box + 12); ++i) sum += number(box + 16 + 4 * std::size_t{i});
  return sum;
}
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView file(data, size);
  check(file, {});
  check(file, {.codec = Codec::h265});
#ifdef CAMVAULT_PLANTED_BUG
  law(planted_sum_of_sizes(file) < UINT64_MAX, "");
#endif
  return 0;
}
