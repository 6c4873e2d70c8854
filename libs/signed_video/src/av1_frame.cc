#include "av1_frame.h"

#include "camvault/codec/obu.h"

namespace camvault::signed_video {

bool Av1Frame::continues(const codec::UnitInfo& info) {
  return info.type == static_cast<std::uint8_t>(codec::ObuType::tile_group);
}

bool Av1Frame::is_part(codec::Codec codec, const codec::UnitInfo& info) {
  return codec == codec::Codec::av1 && info.kind == codec::UnitKind::slice &&
         info.type != static_cast<std::uint8_t>(codec::ObuType::frame);
}

Av1Frame::Av1Frame(const crypto::Engine& engine, std::optional<crypto::HashAlg> hash,
                   const codec::Unit& first, const codec::UnitInfo& info)
    : first_(first), info_(info) {
  first_.bytes = {};
  for (const auto alg : {crypto::HashAlg::sha256, crypto::HashAlg::sha384, crypto::HashAlg::sha512}) {
    if (!hash || *hash == alg) hashers_[static_cast<std::size_t>(alg)] = engine.hasher(alg);
  }
}

void Av1Frame::add(BytesView obu) {
  for (auto& hasher : hashers_) {
    if (hasher) hasher->update(codec::without_trailing_zeros(obu));
  }
}

std::array<crypto::Digest, 3> Av1Frame::finish() {
  std::array<crypto::Digest, 3> digests;
  for (std::size_t i = 0; i < hashers_.size(); ++i) {
    if (hashers_[i]) digests[i] = hashers_[i]->finish();
  }
  return digests;
}

}  // namespace camvault::signed_video
