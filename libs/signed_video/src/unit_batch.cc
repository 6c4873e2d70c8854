#include "unit_batch.h"

#include "av1_frame.h"
#include "axis/message.h"
#include "supplement_message.h"

namespace camvault::signed_video {

using codec::UnitKind;

Carrier carrier_of(codec::Codec codec, BytesView unit, const codec::UnitInfo& info) {
  if (info.kind != UnitKind::sei) return Carrier::none;
  if (codec != codec::Codec::av1) {
    if (is_media_signing_sei(codec, unit)) return Carrier::onvif;
    if (is_supplement_sei(codec, unit)) return Carrier::supplement;
  }
  return axis::is_message(codec, unit) ? Carrier::axis : Carrier::none;
}

void UnitBatch::fill(codec::Codec codec, std::span<const codec::Unit> from) {
  units.assign(from.begin(), from.end());
  infos.clear();
  carriers.clear();
  messages.clear();
  seis.clear();
  found.clear();
  for (const auto& unit : units) {
    infos.push_back(codec::classify(codec, unit.bytes));
    carriers.push_back(carrier_of(codec, unit.bytes, infos.back()));
    if (is_hashed(codec, infos.size() - 1)) messages.push_back(codec::without_trailing_zeros(unit.bytes));
  }
  digests.resize(messages.size());
}

bool UnitBatch::is_hashed(codec::Codec codec, std::size_t place) const {
  const auto& info = infos[place];
  if (units[place].out_of_band && info.kind != UnitKind::slice) return false;
  if (codec == codec::Codec::av1 && info.kind == UnitKind::sei) return carriers[place] == Carrier::none;
  return info.kind == UnitKind::slice && !Av1Frame::is_part(codec, info);
}

}  // namespace camvault::signed_video
