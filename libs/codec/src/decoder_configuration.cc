#include "camvault/codec/decoder_configuration.h"

#include "camvault/base/byte_reader.h"

namespace camvault::codec {

namespace {

// The sets of one list: each behind its length of 16 bits. What breaks off ends it; decoders do the same.
bool take_sets(ByteReader& in, std::size_t count, std::vector<BytesView>& out) {
  constexpr std::size_t kMaxSets = 64;
  for (std::size_t i = 0; i < count; ++i) {
    const auto size = in.u16();
    if (!size) return false;
    const auto set = in.take(*size);
    if (!set || out.size() == kMaxSets) return false;
    if (!set->empty()) out.push_back(*set);
  }
  return true;
}

// ISO/IEC 14496-15, 5.3.3.1.2
std::vector<BytesView> avc_parameter_sets(BytesView avcc) {
  std::vector<BytesView> sets;
  ByteReader in(avcc);
  if (!in.skip(5)) return sets;
  const auto sequence_sets = in.u8();
  if (!sequence_sets || !take_sets(in, *sequence_sets & 31u, sets)) return sets;
  const auto picture_sets = in.u8();
  if (picture_sets) take_sets(in, *picture_sets, sets);
  return sets;
}

// ISO/IEC 14496-15, 8.3.3.1.2
std::vector<BytesView> hevc_parameter_sets(BytesView hvcc) {
  std::vector<BytesView> sets;
  ByteReader in(hvcc);
  if (!in.skip(22)) return sets;
  const auto arrays = in.u8();
  for (unsigned i = 0; arrays && i < *arrays; ++i) {
    const auto type = in.u8();
    const auto count = type ? in.u16() : Result<std::uint16_t>(std::uint16_t{0});
    if (!type || !count || !take_sets(in, *count, sets)) break;
  }
  return sets;
}

}  // namespace

std::vector<BytesView> parameter_sets_of(Codec codec, BytesView configuration) {
  switch (codec) {
    case Codec::h264:
      return avc_parameter_sets(configuration);
    case Codec::h265:
      return hevc_parameter_sets(configuration);
    case Codec::av1:
      break;
  }
  return {};
}

}  // namespace camvault::codec
