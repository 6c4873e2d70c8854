#include "supplement_collector.h"

#include <algorithm>

namespace camvault::signed_video {

std::int32_t offset_of(std::int64_t time, std::int64_t base) {
  std::int64_t difference = 0;
  if (__builtin_sub_overflow(time, base, &difference)) return kNoOffset;
  const auto half = difference < 0 ? -kTicksPerOffset / 2 : kTicksPerOffset / 2;
  const auto steps = difference / kTicksPerOffset + (difference % kTicksPerOffset + half) / kTicksPerOffset;
  return steps > INT32_MIN && steps <= INT32_MAX ? static_cast<std::int32_t>(steps) : kNoOffset;
}

std::uint64_t tag_of(const crypto::Digest& digest) {
  std::uint64_t tag = 0;
  for (std::size_t i = 0; i < 8; ++i) tag = tag << 8 | digest.bytes[i];
  return tag;
}

bool belongs_to_picture_before(codec::Codec codec, std::uint8_t type) {
  constexpr std::uint8_t kSuffixSei = 40;
  return codec == codec::Codec::h265 && type == kSuffixSei;
}

void SupplementCollector::add_unit(BytesView unit, const codec::UnitInfo& info) {
  switch (info.kind) {
    case codec::UnitKind::parameter_set:
      table_.take(unit);
      return;
    case codec::UnitKind::slice:
    case codec::UnitKind::delimiter:  // containers add and drop them; decoders make nothing of them
      return;
    default:
      break;
  }
  SignedUnit entry;
  entry.type = info.type;
  entry.hash = ParameterSetTable::hash256(engine_, codec::without_trailing_zeros(unit));
  if (belongs_to_picture_before(codec_, info.type) && !gop_.pictures.empty()) {
    entry.picture = static_cast<std::uint32_t>(gop_.pictures.size() - 1);
    if (gop_.units.size() < kMaxUnits) gop_.units.push_back(entry);
  } else if (waiting_.size() < kMaxUnits) {
    waiting_.push_back(entry);
  }
}

void SupplementCollector::add_header_unit(BytesView unit, const codec::UnitInfo& info) {
  constexpr std::uint16_t kMaxHeaderSeis = 16;
  if (info.kind == codec::UnitKind::parameter_set) table_.take(unit);
  if (info.kind == codec::UnitKind::sei && header_seis_ < kMaxHeaderSeis)
    table_.take(unit, {info.type, header_seis_++});
}

void SupplementCollector::begin_picture(std::optional<Ticks> presentation) {
  const auto index = static_cast<std::uint32_t>(gop_.pictures.size());
  if (index == 0) gop_.base = presentation ? presentation->count() : 0;
  SignedPicture picture;
  if (presentation) picture.offset = offset_of(presentation->count(), gop_.base);
  if (gop_.pictures.size() == kMaxSupplementPictures) return;
  gop_.pictures.push_back(picture);
  auto changes = table_.take_changes();
  for (const auto& [id, hash] : index == 0 ? table_.sets() : changes) {
    if (gop_.parameter_sets.size() == kMaxSupplementParameterSets) break;
    gop_.parameter_sets.push_back({index, id.type, id.id, hash});
  }
  for (auto& unit : waiting_) {
    unit.picture = index;
    if (gop_.units.size() < kMaxUnits) gop_.units.push_back(unit);
  }
  waiting_.clear();
}

Status SupplementCollector::add_sample(const SideSample& sample) {
  if (!tracks_.contains(sample.track) && tracks_.size() == kMaxTracks)
    return fail(Errc::limit, "more than 32 tracks beside the video");
  auto& track = tracks_[sample.track];
  if (track.section.samples.size() == kMaxSupplementSamples) take_run(track);
  auto& section = track.section;
  if (section.samples.empty()) {
    section.track = static_cast<std::uint8_t>(sample.track);
    section.kind = track.kind = sample.kind;
    section.first = track.count;
    section.base = sample.time ? sample.time->count() : 0;
    track.run = engine_.hasher(crypto::HashAlg::sha256);
  }
  const auto hash = ParameterSetTable::hash256(engine_, sample.bytes);
  track.run->update(hash);
  SignedSample entry;
  if (sample.time) entry.offset = offset_of(sample.time->count(), section.base);
  std::copy_n(hash.begin(), entry.tag.size(), entry.tag.begin());
  section.samples.push_back(entry);
  ++track.count;
  return ok();
}

void SupplementCollector::take_run(Track& track) {
  if (track.section.samples.empty()) return;
  const auto run = track.run->finish();
  std::copy_n(run.bytes.begin(), track.section.run.size(), track.section.run.begin());
  full_.push_back(std::exchange(track.section, {}));
}

GopSection SupplementCollector::close_gop(std::span<const crypto::Digest> first_slices) {
  for (std::size_t i = 0; i < gop_.pictures.size(); ++i) gop_.pictures[i].tag = tag_of(first_slices[i]);
  return std::exchange(gop_, {});
}

std::vector<TrackSection> SupplementCollector::take_tracks() {
  for (auto& [id, track] : tracks_) take_run(track);
  return std::exchange(full_, {});
}

}  // namespace camvault::signed_video
