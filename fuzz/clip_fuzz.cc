// Whole clips. Laws: units lie inside the file, those of an MP4 do not add up to more than the file, runs are
// bounded, a second pass gives the same, an error stays until rewind(), and reading piece by piece gives the
// same.
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

Pass read_all(UnitSource& source, BytesView file, bool in_place) {
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
      law(unit.offset <= file.size() && unit.bytes.size() <= file.size() - unit.offset,
          "units lie inside the file");
      const auto there = file.subspan(static_cast<std::size_t>(unit.offset), unit.bytes.size());
      law(in_place ? unit.bytes.data() == there.data() : equal(unit.bytes, there),
          "units are the file's bytes");
      classify(source.info().codec, unit.bytes);
      ++pass.units;
      pass.bytes += unit.bytes.size();
      pass.offsets = pass.offsets * 31 + unit.offset;
    }
  }
}

class InPieces final : public ByteSource {
 public:
  explicit InPieces(BytesView file) : file_(file) {}
  std::uint64_t size() const override { return file_.size(); }
  Status read(std::uint64_t offset, std::span<std::uint8_t> out) override {
    law(offset <= file_.size() && out.size() <= file_.size() - offset, "only what is there is asked for");
    const auto piece = file_.subspan(static_cast<std::size_t>(offset), out.size());
    std::copy(piece.begin(), piece.end(), out.begin());
    return ok();
  }

 private:
  BytesView file_;
};

void check(BytesView file, const ClipOptions& options) {
  const auto source = open_clip(file, options);
  InPieces pieces(file);
  constexpr std::size_t kSmallWindow = 200;
  const auto windowed = open_clip(pieces, options, kSmallWindow);
  law(source.has_value() == windowed.has_value(), "opens in pieces as it does whole");
  if (!source) {
    law(!source.error().what.empty(), "an error says what is wrong");
    law(source.error().what == windowed.error().what, "the same is wrong in pieces");
    return;
  }
  law((*source)->info().not_video.size() <= 128, "tracks are limited");
  const auto first = read_all(**source, file, true);
  law(first.bytes <= file.size(), "no more bytes than the file has");
  law((*source)->rewind().has_value(), "rewind works");
  law(read_all(**source, file, true) == first, "a second pass gives the same");
  law(read_all(**windowed, file, false) == first, "reading in pieces gives the same");
  law((*windowed)->rewind().has_value(), "rewind works in pieces");
  law(read_all(**windowed, file, false) == first, "a second pass in pieces gives the same");
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
  use(planted_sum_of_sizes(file));
#endif
  return 0;
}
