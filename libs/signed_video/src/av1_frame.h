// A frame of AV1 in pieces: a frame header OBU and the tile group OBUs behind it. Axis Signed Video hashes
// them as one.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "camvault/codec/unit.h"
#include "camvault/crypto/engine.h"

namespace camvault::signed_video {

class Av1Frame {
 public:
  static bool is_part(codec::Codec codec, const codec::UnitInfo& info);
  static bool continues(const codec::UnitInfo& info);  // a tile group

  // While the hash algorithm is not known, all are computed.
  Av1Frame(const crypto::Engine& engine, std::optional<crypto::HashAlg> hash, const codec::Unit& first,
           const codec::UnitInfo& info);

  void add(BytesView obu);
  // By HashAlg; those that were not asked for are empty.
  std::array<crypto::Digest, 3> finish();

  const codec::Unit& unit() const { return first_; }  // the first piece; its bytes are gone
  const codec::UnitInfo& info() const { return info_; }

 private:
  codec::Unit first_;
  codec::UnitInfo info_;
  std::array<std::unique_ptr<crypto::Hasher>, 3> hashers_;
};

}  // namespace camvault::signed_video
