// What a container's header needs from the stream's parameter sets: picture size, and the decoder
// configuration records of ISO/IEC 14496-15 (avcC in 5.3.3.1, hvcC in 8.3.3.1).
#pragma once

#include <optional>
#include <vector>

#include "bit_reader.h"
#include "camvault/base/bytes.h"
#include "camvault/codec/unit.h"

namespace camvault::container {

struct SequenceFormat {
  std::uint32_t width = 0;  // pixels, cropped as the stream says
  std::uint32_t height = 0;
  std::uint32_t chroma_format = 1;  // chroma_format_idc
  std::uint32_t bit_depth_luma = 8;
  std::uint32_t bit_depth_chroma = 8;
  std::uint32_t temporal_layers = 1;  // H.265
  bool temporal_nesting = false;      // H.265
  std::uint32_t poc_lsb_bits =
      0;  // 0: the picture order does not come from pic_order_cnt_lsb (H.264 types 1, 2)
  std::uint32_t frame_num_bits = 4;  // H.264
  bool frame_mbs_only = true;        // H.264
  bool separate_colour_planes = false;
};

// `unit` is a whole SPS NAL unit, header included.
Result<SequenceFormat> read_sps(codec::Codec codec, BytesView unit);

// The same, and where it stopped reading: in front of what frame_rate.h looks at.
Result<SequenceFormat> read_sps_beginning(codec::Codec codec, BytesView unit, BitReader& rest);

// The distinct parameter sets of a stream's beginning.
class ParameterSets {
 public:
  explicit ParameterSets(codec::Codec codec) : codec_(codec) {}

  // Keeps a copy if the unit is a VPS, SPS or PPS not seen yet; other units are ignored.
  Status add(BytesView unit);
  bool complete() const;
  const std::vector<Bytes>& sps() const { return sps_; }
  Result<Bytes> decoder_configuration() const;  // avcC or hvcC with lengths of four bytes

  static constexpr std::size_t kMaxSets = 31;  // numOfSequenceParameterSets has five bits

 private:
  Result<Bytes> avcc() const;
  Result<Bytes> hvcc() const;

  codec::Codec codec_;
  std::vector<Bytes> vps_;
  std::vector<Bytes> sps_;
  std::vector<Bytes> pps_;
};

}  // namespace camvault::container
