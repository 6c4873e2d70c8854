// What the sandboxed reader of Matroska and MPEG-TS sends us: a track, then a record and its sample. Laws: an
// accepted track is written again as it was; a sample's units lie in it, one behind the other; what we show
// people is printable.
#include <algorithm>

#include "demux_protocol.h"
#include "foreign_reader.h"
#include "fuzz.h"
#include "video_track.h"

namespace {

using namespace camvault;
using namespace camvault::container;

#ifdef CAMVAULT_PLANTED_BUG
// Planted: the length in front of a unit is believed.
unsigned planted_lengths(BytesView sample) {
  unsigned sum = 0;
  for (std::size_t at = 0; at + 4 < sample.size();) {
    const auto* begin = sample.data() + at;
    const std::size_t length = static_cast<std::size_t>(begin[2]) << 8 | begin[3];
    for (std::size_t i = 0; i < length; ++i) sum += begin[4 + i];
    at += 4 + length;
  }
  return sum;
}
#endif

void check_units(BytesView sample, unsigned length_size) {
  std::vector<BytesView> units;
  const auto whole = split_sample(sample, length_size, units);
  const auto* next = sample.data();
  for (const auto& unit : units) {
    law(unit.data() >= next && unit.data() + unit.size() <= sample.data() + sample.size(), "in the sample");
    next = unit.data() + unit.size();
  }
  law(!whole || length_size == 0 || next == sample.data() + sample.size() || units.empty(), "to its end");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
  ByteReader in(input);
  const auto track = read_track(in);
  if (!track) return 0;
  ByteWriter out;
  write_track(out, *track);
  law(equal(out.take(), input.first(in.position())), "an accepted track is written again as it was");
  for (const char c : description_of(*track)) law(c >= ' ' && c <= '~', "printable");
  const auto length_size = length_size_of(*track);
  const auto codec = codec_of(*track);
  if (codec && *codec != codec::Codec::av1) (void)units_of_configuration(*codec, track->config);
  if (in.remaining() < kRecordHeaderSize) return 0;
  const auto header = in.take(kRecordHeaderSize).value();
  const auto record = read_record(header);
  if (!record) return 0;
  law(record->payload_size <= kMaxPacketSize, "packets are limited");
  (void)ticks_of(record->packet.pts, *track);
  const auto sample = input.subspan(in.position());
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_lengths(sample));
#endif
  if (length_size) check_units(sample, *length_size);
  for (const unsigned other : {0u, 1u, 2u, 4u, kObus}) check_units(sample, other);
  return 0;
}
