// Units that are not hashed, and what they may hide.
//
// Does one look like a slice whose header was changed? Then what is missing next to it was altered. A guess
// for the name of what happened, never for the verdict on pictures that are here.
//
// Does one hold another? Containers say how long a unit is; byte streams, and what programs make of a
// container for their decoder, find units by start codes. A picture behind a start code inside of a unit is
// shown by some programs and not seen by others. No encoder makes one (ITU-T H.264 7.4.1). AV1 has redundant
// frame headers, copies of a header whose tile groups are still coming (AV1 specification 7.5); some decoders
// take one that stands elsewhere for a frame of its own, and three bytes show an earlier picture again.
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
  // A slice or a parameter set behind a start code; a redundant frame header that copies none.
  bool hides_another(BytesView unit) const;
  // AV1: a frame header that stands alone.
  void add_frame_header(BytesView unit);

 private:
  bool is_known_parameter_set(BytesView unit, std::uint8_t type);

  const crypto::Engine& engine_;
  codec::Codec codec_;
  Bytes frame_header_;                       // content of the last one
  std::unordered_set<std::string> digests_;  // of parameter sets, in hexadecimal
  std::uint64_t types_ = 0;                  // of parameter sets that were there, one bit each
};

}  // namespace camvault::signed_video
