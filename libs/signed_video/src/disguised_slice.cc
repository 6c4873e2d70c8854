#include "disguised_slice.h"

#include <cstring>

#include "camvault/codec/obu.h"
#include "sei_message.h"

namespace camvault::signed_video {

namespace {

constexpr std::size_t kMaxParameterSets = 64;
// An access unit delimiter has two bytes, an end of sequence one or two.
constexpr std::size_t kMaxDelimiter = 8;
constexpr std::size_t kMaxFrameHeader = 4096;
constexpr std::uint8_t kShowExistingFrame = 0x80;

BytesView obu_content(BytesView unit) {
  const auto header = codec::read_obu_header(unit);
  return header && header->payload_offset <= unit.size() ? unit.subspan(header->payload_offset) : BytesView();
}

// A header that shows a frame of before has no tile groups, and so no copies.
bool is_stray_header(BytesView unit, BytesView frame_header) {
  const auto header = codec::read_obu_header(unit);
  if (!header || header->type != codec::ObuType::redundant_frame_header) return false;
  const auto content = obu_content(unit);
  return content.empty() || !equal(content, frame_header) || (content[0] & kShowExistingFrame) != 0;
}

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

bool DisguisedSlices::hides_another(BytesView unit) const {
  if (codec_ == codec::Codec::av1) return is_stray_header(unit, frame_header_);
  const auto* const begin = unit.data();
  const auto* const end = begin + unit.size();
  for (const auto* at = begin; at != end;) {
    const auto* const one =
        static_cast<const std::uint8_t*>(std::memchr(at, 1, static_cast<std::size_t>(end - at)));
    if (one == nullptr) return false;
    at = one + 1;
    if (at == end || one - begin < 2 || one[-1] != 0 || one[-2] != 0) continue;
    const auto kind = codec::classify(codec_, unit.subspan(static_cast<std::size_t>(at - begin))).kind;
    if (kind == codec::UnitKind::slice || kind == codec::UnitKind::parameter_set) return true;
  }
  return false;
}

void DisguisedSlices::add_frame_header(BytesView unit) {
  const auto content = obu_content(unit);
  if (content.size() > kMaxFrameHeader) return frame_header_.clear();
  frame_header_.assign(content.begin(), content.end());
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
