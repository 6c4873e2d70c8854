// Does a unit that is not hashed look like a slice whose header was changed? Then what is missing next to it
// was altered. A guess for the name of what happened, never for the verdict on pictures that are here.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>

#include "camvault/codec/unit.h"
#include "camvault/crypto/engine.h"

namespace camvault::signed_video {

class DisguisedSlices {
 public:
  DisguisedSlices(const crypto::Engine& engine, codec::Codec codec) : engine_(engine), codec_(codec) {}

  // A unit of the container's header: no slice ever stood there.
  void add_header_unit(BytesView unit, const codec::UnitInfo& info);
  // `unit` is neither a slice nor one of our SEIs.
  bool is_suspect(BytesView unit, const codec::UnitInfo& info);

 private:
  bool is_known_parameter_set(BytesView unit, std::uint8_t type);

  const crypto::Engine& engine_;
  codec::Codec codec_;
  std::unordered_set<std::string> digests_;  // of parameter sets, in hexadecimal
  std::uint64_t types_ = 0;                  // of parameter sets that were there, one bit each
};

}  // namespace camvault::signed_video
