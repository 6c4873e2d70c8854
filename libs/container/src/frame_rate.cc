#include "frame_rate.h"

#include "parameter_sets.h"

namespace camvault::container {

namespace {

using codec::Codec;

Status skip_codes(BitReader& in, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    CAM_TRY_STATUS(in.ue());
  }
  return ok();
}

// The beginning that both codecs' VUI parameters share: aspect ratio, overscan, signal type, chroma location.
Status skip_vui_beginning(BitReader& in) {
  CAM_TRY(const auto aspect, in.flag());
  if (aspect) {
    constexpr std::uint32_t kExtended = 255;
    CAM_TRY(const auto ratio, in.bits(8));
    if (ratio == kExtended) CAM_TRY_STATUS(in.skip(32));
  }
  CAM_TRY(const auto overscan, in.flag());
  if (overscan) CAM_TRY_STATUS(in.skip(1));
  CAM_TRY(const auto signal, in.flag());
  if (signal) {
    CAM_TRY_STATUS(in.skip(4));
    CAM_TRY(const auto colours, in.flag());
    if (colours) CAM_TRY_STATUS(in.skip(24));
  }
  CAM_TRY(const auto chroma, in.flag());
  return chroma ? skip_codes(in, 2) : ok();
}

// H.265 7.3.4
Status skip_scaling_lists(BitReader& in) {
  for (unsigned size = 0; size < 4; ++size) {
    for (unsigned matrix = 0; matrix < 6; matrix += size == 3 ? 3 : 1) {
      CAM_TRY(const auto own, in.flag());
      // The first number, of another matrix or of the list, or the DC value of large lists.
      CAM_TRY_STATUS(in.ue());
      if (!own) continue;
      const unsigned coefficients = size == 0 ? 16 : 64;
      CAM_TRY_STATUS(skip_codes(in, coefficients - (size > 1 ? 0 : 1)));
    }
  }
  return ok();
}

// H.265 7.3.7. Returns how many pictures the set names.
Result<std::uint32_t> skip_reference_set(BitReader& in, std::uint32_t index, std::uint32_t previous) {
  constexpr std::uint32_t kMaxPictures = 16;
  bool predicted = false;
  if (index != 0) {
    CAM_TRY(predicted, in.flag());
  }
  std::uint32_t pictures = 0;
  if (predicted) {
    CAM_TRY_STATUS(in.skip(1));
    CAM_TRY_STATUS(in.ue());
    for (std::uint32_t i = 0; i <= previous; ++i) {
      CAM_TRY(const auto used, in.flag());
      bool kept = true;
      if (!used) {
        CAM_TRY(kept, in.flag());
      }
      pictures += kept ? 1u : 0u;
    }
  } else {
    CAM_TRY(const auto before, in.ue());
    CAM_TRY(const auto after, in.ue());
    if (before > kMaxPictures || after > kMaxPictures) return fail(Errc::malformed, "reference picture set");
    pictures = before + after;
    for (std::uint32_t i = 0; i < pictures; ++i) {
      CAM_TRY_STATUS(in.ue());
      CAM_TRY_STATUS(in.skip(1));
    }
  }
  if (pictures > kMaxPictures) return fail(Errc::malformed, "reference picture set");
  return pictures;
}

// H.265 7.3.2.2.1, from behind log2_max_pic_order_cnt_lsb_minus4 to the VUI parameters.
Status skip_to_hevc_vui(BitReader& in, const SequenceFormat& format) {
  constexpr std::uint32_t kMaxSets = 64;
  constexpr std::uint32_t kMaxLongTerm = 32;
  CAM_TRY(const auto all_layers, in.flag());
  CAM_TRY_STATUS(skip_codes(in, 3 * (all_layers ? format.temporal_layers : 1)));
  CAM_TRY_STATUS(skip_codes(in, 6));  // block sizes and depths
  CAM_TRY(const auto scaling, in.flag());
  if (scaling) {
    CAM_TRY(const auto own, in.flag());
    if (own) CAM_TRY_STATUS(skip_scaling_lists(in));
  }
  CAM_TRY_STATUS(in.skip(2));
  CAM_TRY(const auto pcm, in.flag());
  if (pcm) {
    CAM_TRY_STATUS(in.skip(8));
    CAM_TRY_STATUS(skip_codes(in, 2));
    CAM_TRY_STATUS(in.skip(1));
  }
  CAM_TRY(const auto sets, in.ue());
  if (sets > kMaxSets) return fail(Errc::malformed, "reference picture sets");
  std::uint32_t pictures = 0;
  for (std::uint32_t i = 0; i < sets; ++i) {
    CAM_TRY(pictures, skip_reference_set(in, i, pictures));
  }
  CAM_TRY(const auto long_term, in.flag());
  if (long_term) {
    CAM_TRY(const auto count, in.ue());
    if (count > kMaxLongTerm) return fail(Errc::malformed, "long-term pictures");
    CAM_TRY_STATUS(in.skip(std::size_t{count} * (format.poc_lsb_bits + 1)));
  }
  return in.skip(2);
}

Result<double> frame_rate(Codec codec, BytesView sps) {
  BitReader in(sps);
  CAM_TRY(const auto format, read_sps_beginning(codec, sps, in));
  if (codec == Codec::h265) CAM_TRY_STATUS(skip_to_hevc_vui(in, format));
  CAM_TRY(const auto has_vui, in.flag());
  if (!has_vui) return fail(Errc::not_found, "no timing");
  CAM_TRY_STATUS(skip_vui_beginning(in));
  if (codec == Codec::h265) {
    CAM_TRY_STATUS(in.skip(3));
    CAM_TRY(const auto window, in.flag());
    if (window) CAM_TRY_STATUS(skip_codes(in, 4));
  }
  CAM_TRY(const auto has_timing, in.flag());
  if (!has_timing) return fail(Errc::not_found, "no timing");
  CAM_TRY(const auto units, in.bits(32));
  CAM_TRY(const auto scale, in.bits(32));
  if (units == 0) return fail(Errc::malformed, "timing");
  // H.264 counts fields.
  return static_cast<double>(scale) / units / (codec == Codec::h264 ? 2 : 1);
}

}  // namespace

std::optional<double> read_frame_rate(Codec codec, BytesView sps) {
  constexpr double kSlowest = 1;
  constexpr double kFastest = 1000;
  const auto rate = frame_rate(codec, sps);
  if (!rate || *rate < kSlowest || *rate > kFastest) return std::nullopt;
  return *rate;
}

}  // namespace camvault::container
