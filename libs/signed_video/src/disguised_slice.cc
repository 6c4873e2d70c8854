#include "disguised_slice.h"

#include "sei_message.h"

namespace camvault::signed_video {

namespace {

constexpr std::size_t kMaxParameterSets = 64;
// An access unit delimiter has two bytes, an end of sequence one or two.
constexpr std::size_t kMaxDelimiter = 8;

}  // namespace

void DisguisedSlices::add_header_unit(BytesView unit, const codec::UnitInfo& info) {
  if (info.kind == codec::UnitKind::parameter_set) is_known_parameter_set(unit, info.type);
}

bool DisguisedSlices::is_suspect(BytesView unit, const codec::UnitInfo& info) {
  switch (info.kind) {
    case codec::UnitKind::parameter_set:
      return !is_known_parameter_set(unit, info.type);
    case codec::UnitKind::sei:
      return !is_well_formed_sei(codec_, codec::without_trailing_zeros(unit));
    case codec::UnitKind::delimiter:
      return unit.size() > kMaxDelimiter;
    default:
      return true;
  }
}

// The first of each usual type, or one that was there before. The first may stand anywhere: nobody can decode
// a picture without one, so the one at the beginning was lost.
bool DisguisedSlices::is_known_parameter_set(BytesView unit, std::uint8_t type) {
  const bool usual = codec_ == codec::Codec::h264   ? type == 7 || type == 8
                     : codec_ == codec::Codec::h265 ? type >= 32 && type <= 34
                                                    : true;
  const auto digest =
      to_hex(engine_.digest(crypto::HashAlg::sha256, codec::without_trailing_zeros(unit)).view());
  const bool known = digests_.contains(digest);
  if (digests_.size() < kMaxParameterSets) digests_.insert(digest);
  const bool first = usual && (types_ >> type & 1) == 0;
  types_ |= std::uint64_t{1} << type;
  return known || first;
}

}  // namespace camvault::signed_video
