#include "parameter_sets.h"

#include <algorithm>

#include "camvault/base/byte_writer.h"

namespace camvault::container {

namespace {

using codec::Codec;

constexpr std::uint32_t kMaxPictureSide = 16'888;  // H.264 and H.265 level 6.2: sqrt(8 * MaxLumaPs)

constexpr std::uint8_t kAvcSps = 7;
constexpr std::uint8_t kAvcPps = 8;
constexpr std::uint8_t kHevcVps = 32;
constexpr std::uint8_t kHevcSps = 33;
constexpr std::uint8_t kHevcPps = 34;

bool has_chroma_fields(std::uint8_t profile) {
  // H.264 7.3.2.1.1
  constexpr std::uint8_t kProfiles[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};
  return std::find(std::begin(kProfiles), std::end(kProfiles), profile) != std::end(kProfiles);
}

// H.264 7.3.2.1.1.1
Status skip_scaling_list(BitReader& in, unsigned size) {
  std::int32_t last = 8;
  std::int32_t next = 8;
  for (unsigned i = 0; i < size; ++i) {
    if (next != 0) {
      CAM_TRY(const auto delta, in.se());
      if (delta < -128 || delta > 127) return fail(Errc::malformed, "scaling list");
      next = (last + delta + 256) % 256;
    }
    if (next != 0) last = next;
  }
  return ok();
}

Status check_size(std::int64_t width, std::int64_t height) {
  if (width <= 0 || height <= 0 || width > kMaxPictureSide || height > kMaxPictureSide) {
    return fail(Errc::malformed, "picture size in the sequence parameter set");
  }
  return ok();
}

struct Crop {
  std::uint32_t left = 0, right = 0, top = 0, bottom = 0;
};

Result<Crop> read_crop(BitReader& in) {
  Crop crop;
  CAM_TRY(const auto present, in.flag());
  if (!present) return crop;
  for (auto* side : {&crop.left, &crop.right, &crop.top, &crop.bottom}) {
    CAM_TRY(*side, in.ue());
    if (*side > kMaxPictureSide) return fail(Errc::malformed, "picture cropping");
  }
  return crop;
}

// H.264 7.3.2.1.1
Result<SequenceFormat> read_avc_sps(BytesView unit, BitReader& in) {
  in = BitReader(unit.subspan(1));
  SequenceFormat format;
  CAM_TRY(const auto profile, in.bits(8));
  CAM_TRY_STATUS(in.skip(16));  // constraint flags, level_idc
  CAM_TRY_STATUS(in.ue());      // seq_parameter_set_id
  if (has_chroma_fields(static_cast<std::uint8_t>(profile))) {
    CAM_TRY(format.chroma_format, in.ue());
    if (format.chroma_format > 3) return fail(Errc::malformed, "chroma format");
    if (format.chroma_format == 3) {
      CAM_TRY(format.separate_colour_planes, in.flag());
    }
    CAM_TRY(const auto luma, in.ue());
    CAM_TRY(const auto chroma, in.ue());
    if (luma > 6 || chroma > 6) return fail(Errc::malformed, "bit depth");
    format.bit_depth_luma = 8 + luma;
    format.bit_depth_chroma = 8 + chroma;
    CAM_TRY_STATUS(in.skip(1));  // qpprime_y_zero_transform_bypass_flag
    CAM_TRY(const auto matrices, in.flag());
    if (matrices) {
      const unsigned lists = format.chroma_format == 3 ? 12 : 8;
      for (unsigned i = 0; i < lists; ++i) {
        CAM_TRY(const auto present, in.flag());
        if (present) CAM_TRY_STATUS(skip_scaling_list(in, i < 6 ? 16 : 64));
      }
    }
  }
  CAM_TRY(const auto frame_num_bits, in.ue());
  if (frame_num_bits > 12) return fail(Errc::malformed, "log2_max_frame_num");
  format.frame_num_bits = frame_num_bits + 4;
  CAM_TRY(const auto order_type, in.ue());
  if (order_type == 0) {
    CAM_TRY(const auto lsb_bits, in.ue());
    if (lsb_bits > 12) return fail(Errc::malformed, "log2_max_pic_order_cnt_lsb");
    format.poc_lsb_bits = lsb_bits + 4;
  } else if (order_type == 1) {
    CAM_TRY_STATUS(in.skip(1));
    CAM_TRY_STATUS(in.se());
    CAM_TRY_STATUS(in.se());
    CAM_TRY(const auto cycle, in.ue());
    if (cycle > 255) return fail(Errc::malformed, "picture order cycle");
    for (std::uint32_t i = 0; i < cycle; ++i) {
      CAM_TRY_STATUS(in.se());
    }
  } else if (order_type != 2) {
    return fail(Errc::malformed, "pic_order_cnt_type");
  }
  CAM_TRY_STATUS(in.ue());     // max_num_ref_frames
  CAM_TRY_STATUS(in.skip(1));  // gaps_in_frame_num_value_allowed_flag
  CAM_TRY(const auto width_in_mbs, in.ue());
  CAM_TRY(const auto height_in_units, in.ue());
  CAM_TRY(format.frame_mbs_only, in.flag());
  if (!format.frame_mbs_only) CAM_TRY_STATUS(in.skip(1));
  CAM_TRY_STATUS(in.skip(1));  // direct_8x8_inference_flag
  CAM_TRY(const auto crop, read_crop(in));
  if (width_in_mbs > kMaxPictureSide / 16 || height_in_units > kMaxPictureSide / 16) {
    return fail(Errc::malformed, "picture size in the sequence parameter set");
  }
  // Table 6-1 and equations 7-19 to 7-22
  const std::uint32_t field_factor = format.frame_mbs_only ? 1 : 2;
  const bool has_chroma = format.chroma_format != 0 && !format.separate_colour_planes;
  const std::uint32_t unit_x = has_chroma && format.chroma_format != 3 ? 2 : 1;
  const std::uint32_t unit_y = (has_chroma && format.chroma_format == 1 ? 2u : 1u) * field_factor;
  const auto width = std::int64_t{16} * (width_in_mbs + 1) - std::int64_t{unit_x} * (crop.left + crop.right);
  const auto height = std::int64_t{16} * field_factor * (height_in_units + 1) -
                      std::int64_t{unit_y} * (crop.top + crop.bottom);
  CAM_TRY_STATUS(check_size(width, height));
  format.width = static_cast<std::uint32_t>(width);
  format.height = static_cast<std::uint32_t>(height);
  return format;
}

// H.265 7.3.3: profile_tier_level(1, max_sub_layers_minus1)
Status skip_profile_tier_level(BitReader& in, std::uint32_t max_sub_layers_minus1) {
  CAM_TRY_STATUS(in.skip(88 + 8));
  bool profile_present[8] = {};
  bool level_present[8] = {};
  for (std::uint32_t i = 0; i < max_sub_layers_minus1; ++i) {
    CAM_TRY(profile_present[i], in.flag());
    CAM_TRY(level_present[i], in.flag());
  }
  if (max_sub_layers_minus1 > 0) CAM_TRY_STATUS(in.skip(2 * (8 - max_sub_layers_minus1)));
  for (std::uint32_t i = 0; i < max_sub_layers_minus1; ++i) {
    if (profile_present[i]) CAM_TRY_STATUS(in.skip(88));
    if (level_present[i]) CAM_TRY_STATUS(in.skip(8));
  }
  return ok();
}

// H.265 7.3.2.2.1
Result<SequenceFormat> read_hevc_sps(BytesView unit, BitReader& in) {
  in = BitReader(unit.subspan(2));
  SequenceFormat format;
  CAM_TRY_STATUS(in.skip(4));
  CAM_TRY(const auto max_sub_layers_minus1, in.bits(3));
  if (max_sub_layers_minus1 > 6) return fail(Errc::malformed, "temporal layers");
  format.temporal_layers = max_sub_layers_minus1 + 1;
  CAM_TRY(format.temporal_nesting, in.flag());
  CAM_TRY_STATUS(skip_profile_tier_level(in, max_sub_layers_minus1));
  CAM_TRY_STATUS(in.ue());  // sps_seq_parameter_set_id
  CAM_TRY(format.chroma_format, in.ue());
  if (format.chroma_format > 3) return fail(Errc::malformed, "chroma format");
  if (format.chroma_format == 3) {
    CAM_TRY(format.separate_colour_planes, in.flag());
  }
  CAM_TRY(const auto coded_width, in.ue());
  CAM_TRY(const auto coded_height, in.ue());
  CAM_TRY(const auto crop, read_crop(in));
  CAM_TRY(const auto luma, in.ue());
  CAM_TRY(const auto chroma, in.ue());
  CAM_TRY(const auto lsb_bits, in.ue());
  if (luma > 8 || chroma > 8 || lsb_bits > 12) return fail(Errc::malformed, "sequence parameter set");
  format.bit_depth_luma = 8 + luma;
  format.bit_depth_chroma = 8 + chroma;
  format.poc_lsb_bits = lsb_bits + 4;
  // Table 6-1: SubWidthC, SubHeightC
  const std::uint32_t unit_x = format.chroma_format == 1 || format.chroma_format == 2 ? 2 : 1;
  const std::uint32_t unit_y = format.chroma_format == 1 ? 2 : 1;
  const auto width = std::int64_t{coded_width} - std::int64_t{unit_x} * (crop.left + crop.right);
  const auto height = std::int64_t{coded_height} - std::int64_t{unit_y} * (crop.top + crop.bottom);
  CAM_TRY_STATUS(check_size(width, height));
  format.width = static_cast<std::uint32_t>(width);
  format.height = static_cast<std::uint32_t>(height);
  return format;
}

Status keep(std::vector<Bytes>& sets, BytesView unit) {
  for (const auto& set : sets) {
    if (equal(set, unit)) return ok();
  }
  if (sets.size() >= ParameterSets::kMaxSets)
    return fail(Errc::limit, "more than 31 parameter sets of a kind");
  if (unit.size() > 0xffff) return fail(Errc::limit, "parameter set longer than 65535 bytes");
  sets.push_back(to_bytes(unit));
  return ok();
}

std::uint8_t unit_type(Codec codec, BytesView unit) {
  return static_cast<std::uint8_t>(codec == Codec::h264 ? unit[0] & 0x1f : unit[0] >> 1 & 0x3f);
}

void write_sets(ByteWriter& out, const std::vector<Bytes>& sets) {
  for (const auto& set : sets) {
    out.u16(static_cast<std::uint16_t>(set.size()));
    out.raw(set);
  }
}

}  // namespace

Result<SequenceFormat> read_sps(Codec codec, BytesView unit) {
  BitReader rest(unit);
  return read_sps_beginning(codec, unit, rest);
}

Result<SequenceFormat> read_sps_beginning(Codec codec, BytesView unit, BitReader& rest) {
  const auto type = unit.empty() ? std::uint8_t{0} : unit_type(codec, unit);
  if (unit.size() < 4 || type != (codec == Codec::h264 ? kAvcSps : kHevcSps)) {
    return fail(Errc::malformed, "not a sequence parameter set");
  }
  return codec == Codec::h264 ? read_avc_sps(unit, rest) : read_hevc_sps(unit, rest);
}

Status ParameterSets::add(BytesView unit) {
  const auto bare = codec::without_trailing_zeros(unit);
  if (bare.size() < 2) return ok();
  const auto type = unit_type(codec_, bare);
  if (codec_ == Codec::h264) {
    if (type == kAvcSps) return keep(sps_, bare);
    if (type == kAvcPps) return keep(pps_, bare);
    return ok();
  }
  if (type == kHevcVps) return keep(vps_, bare);
  if (type == kHevcSps) return keep(sps_, bare);
  if (type == kHevcPps) return keep(pps_, bare);
  return ok();
}

bool ParameterSets::complete() const {
  return !sps_.empty() && !pps_.empty() && (codec_ == Codec::h264 || !vps_.empty());
}

Result<Bytes> ParameterSets::decoder_configuration() const {
  if (!complete()) return fail(Errc::malformed, "the stream does not begin with its parameter sets");
  return codec_ == Codec::h264 ? avcc() : hvcc();
}

Result<Bytes> ParameterSets::avcc() const {
  const auto& sps = sps_.front();
  if (sps.size() < 4) return fail(Errc::malformed, "sequence parameter set too short");
  CAM_TRY(const auto format, read_sps(codec_, sps));
  ByteWriter out;
  out.u8(1);
  out.raw(BytesView(sps).subspan(1, 3));  // profile, compatibility, level
  out.u8(0xfc | 3);
  out.u8(static_cast<std::uint8_t>(0xe0 | sps_.size()));
  write_sets(out, sps_);
  out.u8(static_cast<std::uint8_t>(pps_.size()));
  write_sets(out, pps_);
  if (has_chroma_fields(sps[1])) {
    out.u8(static_cast<std::uint8_t>(0xfc | format.chroma_format));
    out.u8(static_cast<std::uint8_t>(0xf8 | (format.bit_depth_luma - 8)));
    out.u8(static_cast<std::uint8_t>(0xf8 | (format.bit_depth_chroma - 8)));
    out.u8(0);
  }
  return out.take();
}

Result<Bytes> ParameterSets::hvcc() const {
  CAM_TRY(const auto format, read_sps(codec_, sps_.front()));
  // general_profile_space to general_level_idc stand right behind the first byte of the SPS payload
  // (H.265 7.3.3): 96 bits, byte aligned once emulation prevention is out.
  BitReader in(BytesView(sps_.front()).subspan(2));
  CAM_TRY_STATUS(in.skip(8));
  ByteWriter out;
  out.u8(1);
  for (int i = 0; i < 12; ++i) {
    CAM_TRY(const auto byte, in.bits(8));
    out.u8(static_cast<std::uint8_t>(byte));
  }
  out.u16(0xf000);  // min_spatial_segmentation_idc: unknown
  out.u8(0xfc);     // parallelismType: unknown
  out.u8(static_cast<std::uint8_t>(0xfc | format.chroma_format));
  out.u8(static_cast<std::uint8_t>(0xf8 | (format.bit_depth_luma - 8)));
  out.u8(static_cast<std::uint8_t>(0xf8 | (format.bit_depth_chroma - 8)));
  out.u16(0);  // avgFrameRate: not said
  out.u8(static_cast<std::uint8_t>(format.temporal_layers << 3 | (format.temporal_nesting ? 4u : 0u) | 3u));
  out.u8(3);
  const std::pair<std::uint8_t, const std::vector<Bytes>*> arrays[] = {
      {kHevcVps, &vps_}, {kHevcSps, &sps_}, {kHevcPps, &pps_}};
  for (const auto& [type, sets] : arrays) {
    out.u8(static_cast<std::uint8_t>(0x80 | type));  // array_completeness: 'hvc1' asks for it
    out.u16(static_cast<std::uint16_t>(sets->size()));
    write_sets(out, *sets);
  }
  return out.take();
}

}  // namespace camvault::container
