// Some units in a row, and what was found out about them before their turn came: pure functions of their
// bytes, and of a key for signatures. What the verifier makes of them hangs on what came before, and is
// decided in the order of the stream.
#pragma once

#include <atomic>
#include <span>
#include <vector>

#include "camvault/codec/unit.h"
#include "camvault/crypto/engine.h"
#include "sei_ahead.h"

namespace camvault::signed_video {

// What kind of message of ours a unit holds.
enum class Carrier : std::uint8_t { none, onvif, axis, supplement };

Carrier carrier_of(codec::Codec codec, BytesView unit, const codec::UnitInfo& info);

struct UnitBatch {
  std::vector<codec::Unit> units;
  std::vector<codec::UnitInfo> infos;
  std::vector<Carrier> carriers;

  // The units that are hashed, in their order.
  std::vector<BytesView> messages;
  std::vector<crypto::Digest> digests;
  crypto::HashAlg hash = crypto::HashAlg::sha256;

  // The messages of ours that are looked at ahead, in their order.
  std::vector<std::size_t> seis;  // places in `units`
  std::vector<SeiAhead> found;
  KeysAhead keys;

  std::atomic<std::size_t> left = 0;  // messages and SEIs that are not done

  // Takes the units; `hash`, `keys` and the SEIs that are looked at ahead are the caller's.
  void fill(codec::Codec codec, std::span<const codec::Unit> from);
  // Units whose hashes are made here. Axis' AV1 form hashes foreign metadata as well.
  bool is_hashed(codec::Codec codec, std::size_t place) const;
};

}  // namespace camvault::signed_video
