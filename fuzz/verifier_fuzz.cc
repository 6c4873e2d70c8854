// Whole streams. First byte: the codec; then units, each with two bytes of length in front. Laws: the numbers
// of the report add up, and it does not matter in which runs the units come.
#include <algorithm>
#include <random>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/signed_video/verifier.h"
#include "fuzz.h"
#include "sei_message.h"

namespace {

using namespace camvault;
using namespace camvault::signed_video;

constexpr std::size_t kMaxUnits = 512;

const crypto::Engine& engine() {
  static const auto instance = crypto_openssl::make_openssl_engine();
  return *instance;
}

std::vector<codec::Unit> cut(BytesView bytes) {
  std::vector<codec::Unit> units;
  for (std::size_t at = 0; at + 2 <= bytes.size() && units.size() < kMaxUnits;) {
    const std::size_t wanted = static_cast<std::size_t>(bytes[at]) << 8 | bytes[at + 1];
    at += 2;
    const auto size = std::min(wanted, bytes.size() - at);
    codec::Unit unit;
    unit.bytes = bytes.subspan(at, size);
    unit.offset = at;
    units.push_back(unit);
    at += size;
  }
  return units;
}

Report verify(codec::Codec codec, std::span<const codec::Unit> units, std::size_t run) {
  Verifier verifier(codec, engine(), {});
  for (std::size_t at = 0; at < units.size(); at += run)
    verifier.add(units.subspan(at, std::min(run, units.size() - at)));
  return verifier.finish();
}

#ifdef CAMVAULT_PLANTED_BUG
// Planted: signed SEIs are remembered in a table with room for what a usual clip has between two pictures.
unsigned planted_table(codec::Codec codec, std::span<const codec::Unit> units) {
  const std::vector<unsigned> empty(2);
  auto table = empty;
  std::size_t used = 0;
  for (const auto& unit : units) {
    if (is_media_signing_sei(codec, unit.bytes)) {
      table.data()[used++] = static_cast<unsigned>(unit.bytes.size());
    } else if (codec::classify(codec, unit.bytes).kind == codec::UnitKind::slice) {
      used = 0;
    }
  }
  return table[0];
}
#endif

}  // namespace

#ifdef CAMVAULT_LIBFUZZER  // of fuzz/CMakeLists.txt: clang 16 defines none for -fsanitize=fuzzer-no-link
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

// Bytes that move break every length behind them: half of the mutations therefore move, repeat, drop or
// change whole units, as somebody does who edits a recording.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  std::minstd_rand random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  const auto found = size < 1 ? std::vector<codec::Unit>() : cut(BytesView(data + 1, size - 1));
  if (found.empty() || below(2) == 0) return LLVMFuzzerMutate(data, size, max_size);
  std::vector<Bytes> units;
  for (const auto& unit : found) units.emplace_back(unit.bytes.begin(), unit.bytes.end());
  const auto at = below(units.size());
  const auto other = below(units.size());
  switch (below(4)) {
    case 0:
      std::swap(units[at], units[other]);
      break;
    case 1:
      units.erase(units.begin() + static_cast<std::ptrdiff_t>(at));
      break;
    case 2: {
      const auto copy = units[at];
      units.insert(units.begin() + static_cast<std::ptrdiff_t>(other), 1 + below(4), copy);
      break;
    }
    default: {
      auto& unit = units[at];
      const auto used = unit.size();
      unit.resize(std::min<std::size_t>(used + 64, 0xffff));
      unit.resize(LLVMFuzzerMutate(unit.data(), std::min(used, unit.size()), unit.size()));
    }
  }
  std::size_t end = 1;
  for (const auto& unit : units) {
    if (end + 2 + unit.size() > max_size) break;
    data[end++] = static_cast<std::uint8_t>(unit.size() >> 8);
    data[end++] = static_cast<std::uint8_t>(unit.size() & 0xff);
    std::copy(unit.begin(), unit.end(), data + end);
    end += unit.size();
  }
  return end;
}

#endif

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  // Old seeds begin with 0 or 1.
  const auto codec = data[0] % 3 == 0   ? codec::Codec::h264
                     : data[0] % 3 == 1 ? codec::Codec::h265
                                        : codec::Codec::av1;
  const auto units = cut(BytesView(data + 1, size - 1));
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_table(codec, units));
#endif
  const auto report = verify(codec, units, 256);
  law(report.units == units.size(), "every unit is counted");
  law(report.findings.size() <= Report::kMaxFindings, "findings have a limit");
  law(report.provenance != Provenance::trusted, "nobody is trusted without anchors");
  const auto changed = report.pictures_altered + report.pictures_extra + report.pictures_out_of_place;
  law(report.verdict != Verdict::authentic ||
          (changed == 0 && report.pictures_missing == 0 && report.gops_missing == 0),
      "authentic means that nothing was changed");
  law(report.verdict != Verdict::authentic_with_missing_frames || changed == 0, "missing is not changed");
  law(report.verdict != Verdict::authentic || report.pictures_authentic > 0, "something was vouched for");
  law(report.verdict != Verdict::not_signed || report.gops.empty(), "what is not signed has no signed GOPs");
  law(report.pictures_authentic <= report.pictures, "no more pictures than there are");

  const auto single = verify(codec, units, 1);
  law(single.verdict == report.verdict && single.pictures_authentic == report.pictures_authentic &&
          single.findings.size() == report.findings.size() && single.gops.size() == report.gops.size(),
      "runs do not matter");
  return 0;
}
