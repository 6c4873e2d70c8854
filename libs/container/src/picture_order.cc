#include "picture_order.h"

#include "bit_reader.h"

namespace camvault::container {

using codec::Codec;
using codec::UnitKind;

namespace {

constexpr std::uint8_t kAvcIdr = 5;
constexpr std::uint8_t kAvcSps = 7;
constexpr std::uint8_t kHevcFirstIrap = 16;
constexpr std::uint8_t kHevcLastBla = 18;
constexpr std::uint8_t kHevcLastIdr = 20;
constexpr std::uint8_t kHevcLastIrap = 23;
constexpr std::uint8_t kHevcSps = 33;
constexpr std::uint8_t kHevcPps = 34;

}  // namespace

OrderCounts::Count OrderCounts::next(std::span<const BytesView> access_unit) {
  for (const auto unit : access_unit) {
    const auto info = codec::classify(codec_, unit);
    if (info.kind == UnitKind::parameter_set) {
      if (info.type == (codec_ == Codec::h264 ? kAvcSps : kHevcSps)) {
        if (const auto format = read_sps(codec_, unit)) format_ = *format;
      }
      if (codec_ == Codec::h265 && info.type == kHevcPps && unit.size() > 2) {
        BitReader in(unit.subspan(2));
        const bool ids = in.ue() && in.ue() && in.flag();
        const auto output = ids ? in.flag() : Result<bool>(false);
        const auto bits = in.bits(3);
        if (output && bits) {
          output_flag_ = *output;
          extra_header_bits_ = *bits;
        }
      }
    }
    if (info.kind != UnitKind::slice || !info.first_slice) continue;
    auto count = codec_ == Codec::h264 ? read_avc_slice(unit, info.type) : read_hevc_slice(unit, info.type);
    if (!count) count = Count{last_value_ + 1, false};
    last_value_ = count->value;
    return *count;
  }
  return {++last_value_, false};
}

// 8.2.1.1 (7-3 and 7-4 in H.264; 8-1 in H.265): the high part follows the nearest low part.
std::int64_t OrderCounts::with_high_part(std::uint32_t low) {
  const auto range = std::int64_t{1} << format_->poc_lsb_bits;
  auto high = previous_high_;
  if (low < previous_low_ && previous_low_ - low >= range / 2) high += range;
  if (low > previous_low_ && low - previous_low_ > range / 2) high -= range;
  return high + low;
}

void OrderCounts::remember(std::uint32_t low, std::int64_t value) {
  previous_low_ = low;
  previous_high_ = value - low;
}

// H.264 7.3.3
Result<OrderCounts::Count> OrderCounts::read_avc_slice(BytesView unit, std::uint8_t type) {
  if (!format_ || format_->poc_lsb_bits == 0) return fail(Errc::unsupported, "no order counts");
  BitReader in(unit.subspan(1));
  CAM_TRY_STATUS(in.ue());  // first_mb_in_slice
  CAM_TRY_STATUS(in.ue());  // slice_type
  CAM_TRY_STATUS(in.ue());  // pic_parameter_set_id
  if (format_->separate_colour_planes) CAM_TRY_STATUS(in.skip(2));
  CAM_TRY_STATUS(in.skip(format_->frame_num_bits));
  if (!format_->frame_mbs_only) {
    CAM_TRY(const auto field, in.flag());
    if (field) return fail(Errc::unsupported, "fields");
  }
  const bool idr = type == kAvcIdr;
  if (idr) CAM_TRY_STATUS(in.ue());  // idr_pic_id
  CAM_TRY(const auto low, in.bits(format_->poc_lsb_bits));
  if (idr) previous_high_ = previous_low_ = 0;
  const auto value = with_high_part(low);
  const bool reference = (unit[0] & 0x60) != 0;  // nal_ref_idc
  if (reference) remember(low, value);
  return Count{value, idr};
}

// H.265 7.3.6.1
Result<OrderCounts::Count> OrderCounts::read_hevc_slice(BytesView unit, std::uint8_t type) {
  if (!format_) return fail(Errc::unsupported, "no order counts");
  BitReader in(unit.subspan(2));
  CAM_TRY_STATUS(in.skip(1));  // first_slice_segment_in_pic_flag
  if (type >= kHevcFirstIrap && type <= kHevcLastIrap) CAM_TRY_STATUS(in.skip(1));
  CAM_TRY_STATUS(in.ue());  // slice_pic_parameter_set_id
  CAM_TRY_STATUS(in.skip(extra_header_bits_));
  CAM_TRY_STATUS(in.ue());  // slice_type
  if (output_flag_) CAM_TRY_STATUS(in.skip(1));
  if (format_->separate_colour_planes) CAM_TRY_STATUS(in.skip(2));
  const bool idr = type > kHevcLastBla && type <= kHevcLastIdr;
  const bool bla = type >= kHevcFirstIrap && type <= kHevcLastBla;
  std::uint32_t low = 0;
  if (!idr) {
    CAM_TRY(low, in.bits(format_->poc_lsb_bits));
  }
  if (idr || bla) previous_high_ = previous_low_ = 0;
  const auto value = idr || bla ? std::int64_t{low} : with_high_part(low);
  // 8.3.1: the lowest temporal layer, without leading and sub-layer non-reference pictures.
  const bool lowest_layer = (unit[1] & 7) == 1;
  const bool skipped = (type >= 6 && type <= 9) || (type <= 14 && type % 2 == 0);
  if (lowest_layer && !skipped) remember(low, value);
  return Count{value, idr || bla};
}

void DisplayOrder::push(const OrderCounts::Count& count) {
  if (count.restart) show(0);
  waiting_.push({count.value, pushed_++});
  places_.emplace_back();
  show(kMaxReorder);
}

void DisplayOrder::finish() {
  show(0);
}

void DisplayOrder::show(std::size_t leave) {
  while (waiting_.size() > leave) {
    places_[static_cast<std::size_t>(waiting_.top().picture - first_)] = shown_++;
    waiting_.pop();
  }
}

std::optional<std::int64_t> DisplayOrder::pop() {
  if (places_.empty() || !places_.front()) return std::nullopt;
  const auto place = *places_.front();
  places_.pop_front();
  ++first_;
  return place;
}

}  // namespace camvault::container
