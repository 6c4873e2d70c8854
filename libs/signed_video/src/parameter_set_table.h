// The parameter sets that a decoder has at some place of a stream. Signer and verifier keep the same table,
// so it does not matter whether a set stands in the stream, how often, or in the container's header.
#pragma once

#include <map>

#include "camvault/codec/parameter_set.h"
#include "camvault/crypto/engine.h"
#include "supplement_message.h"

namespace camvault::signed_video {

class ParameterSetTable {
 public:
  struct Less {
    bool operator()(const codec::ParameterSetId& a, const codec::ParameterSetId& b) const {
      return a.type != b.type ? a.type < b.type : a.id < b.id;
    }
  };
  using Map = std::map<codec::ParameterSetId, Hash256, Less>;

  ParameterSetTable(const crypto::Engine& engine, codec::Codec codec) : engine_(engine), codec_(codec) {}

  // True if the table is another one now.
  bool take(BytesView unit) { return take(unit, codec::identify_parameter_set(codec_, unit)); }
  bool take(BytesView unit, const codec::ParameterSetId& id) {
    const auto hash = hash256(engine_, codec::without_trailing_zeros(unit));
    const auto found = sets_.find(id);
    if (found != sets_.end() && found->second == hash) return false;
    if (found == sets_.end() && sets_.size() == kMaxSets) return false;
    sets_[id] = hash;
    changed_.insert_or_assign(id, hash);
    return true;
  }

  const Map& sets() const { return sets_; }
  // What changed since the last call.
  Map take_changes() { return std::exchange(changed_, {}); }

  static Hash256 hash256(const crypto::Engine& engine, BytesView bytes) {
    const auto digest = engine.digest(crypto::HashAlg::sha256, bytes);
    Hash256 hash;
    std::copy_n(digest.bytes.begin(), hash.size(), hash.begin());
    return hash;
  }

 private:
  // ITU-T H.264: 32 + 256 of the usual types; H.265: 16 + 16 + 64. Room for the others.
  static constexpr std::size_t kMaxSets = 1024;

  const crypto::Engine& engine_;
  codec::Codec codec_;
  Map sets_;
  Map changed_;
};

// Do sets of this type stand for SEIs of the header?
inline bool is_header_sei(codec::Codec codec, std::uint8_t type) {
  return codec == codec::Codec::h264 ? type == 6 : codec == codec::Codec::h265 && (type == 39 || type == 40);
}

}  // namespace camvault::signed_video
