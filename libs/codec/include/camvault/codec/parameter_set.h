// Which parameter set is this? Decoders keep them by type and number; a later one replaces the one before.
#pragma once

#include <cstdint>

#include "camvault/codec/unit.h"

namespace camvault::codec {

struct ParameterSetId {
  std::uint8_t type = 0;  // nal_unit_type
  std::uint16_t id = 0;   // video_, seq_ or pic_parameter_set_id
  friend bool operator==(const ParameterSetId&, const ParameterSetId&) = default;
};

// Number of sets that cannot be read: they are told apart by their type alone.
inline constexpr std::uint16_t kUnknownParameterSet = 0xffff;

// `unit` is one that classify() calls a parameter set, with emulation prevention as it stands in the stream.
ParameterSetId identify_parameter_set(Codec codec, BytesView unit);

}  // namespace camvault::codec
