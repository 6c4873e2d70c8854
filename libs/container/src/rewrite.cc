#include "camvault/container/rewrite.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <numeric>

#include "av_muxer.h"
#include "camvault/container/writer.h"
#include "clip_source.h"
#include "foreign_reader.h"
#include "mp4_index.h"
#include "output_file.h"
#include "video_track.h"

namespace camvault::container {

namespace {

// What the units of all access units are written to.
class Output {
 public:
  virtual ~Output() = default;
  // Packet times are in ticks of the source's track.
  virtual Status video(const Packet& packet, std::span<const BytesView> units) = 0;
  virtual Status other(const Packet& packet) = 0;
  virtual Status finish(std::span<const BytesView> last_units) = 0;
};

class ContainerOutput final : public Output {
 public:
  ContainerOutput(const std::filesystem::path& path, FileFormat format, const ClipSource& source,
                  std::vector<std::int32_t> map, MetadataByTrack metadata)
      : path_(path), format_(format), source_(source), map_(std::move(map)), metadata_(std::move(metadata)) {}

  Status video(const Packet& packet, std::span<const BytesView> units) override {
    if (!muxer_) CAM_TRY_STATUS(begin(units));
    // One sample is held back: what the editor appends at the end goes into the last one.
    CAM_TRY_STATUS(write_held());
    held_bytes_.clear();
    CAM_TRY_STATUS(append_sample(held_bytes_, source_.codec(), units));
    held_ = packet;
    return ok();
  }

  Status other(const Packet& packet) override {
    if (map_[packet.track] < 0) return ok();
    if (!muxer_) {
      // The header needs the first picture of a stream that has its parameter sets only inside.
      early_size_ += packet.data.size();
      if (early_size_ > kMaxEarly)
        return fail(Errc::limit, "more than 64 MB of other tracks before the first picture");
      early_.emplace_back(packet, to_bytes(packet.data));
      return ok();
    }
    auto mapped = packet;
    mapped.track = static_cast<std::uint32_t>(map_[packet.track]);
    return muxer_->write(mapped);
  }

  Status finish(std::span<const BytesView> last_units) override {
    if (!held_) return fail(Errc::malformed, "no picture to write");
    CAM_TRY_STATUS(append_sample(held_bytes_, source_.codec(), last_units));
    CAM_TRY_STATUS(write_held());
    CAM_TRY(auto file, muxer_->finish());
    if (format_ == FileFormat::mp4) {
      const auto pictures = static_cast<std::uint32_t>(map_[source_.video_track()]) + 1;
      CAM_TRY_STATUS(add_mp4_index(file.get(), metadata_, pictures));
    }
    if (::fdatasync(file.get()) != 0) return fail(Errc::io, "cannot sync the file: " + errno_text(errno));
    return ok();
  }

 private:
  static constexpr std::size_t kMaxEarly = std::size_t{64} << 20;

  Status begin(std::span<const BytesView> units) {
    std::vector<Track> tracks;
    for (std::uint32_t i = 0; i < source_.tracks().size(); ++i) {
      if (map_[i] < 0) continue;
      auto track = source_.tracks()[i];
      if (i == source_.video_track()) {
        CAM_TRY_STATUS(configure(track, units));
      } else {
        track.codec_tag = 0;
      }
      tracks.push_back(std::move(track));
    }
    CAM_TRY(auto file, create_output(path_));
    CAM_TRY(auto muxer, AvMuxer::create(std::move(file), tracks, {format_, false}));
    muxer_.emplace(std::move(muxer));
    for (auto& [packet, data] : early_) {
      packet.data = data;
      CAM_TRY_STATUS(other(packet));
    }
    early_.clear();
    return ok();
  }

  // Lengths of four bytes, a tag that players know, and the source's own parameter sets.
  Status configure(Track& track, std::span<const BytesView> units) const {
    const auto codec = source_.codec();
    CAM_TRY(const auto length_size, length_size_of(track));
    if (length_size == kObus) {
      if (track.config.empty())
        return fail(Errc::unsupported,
                    "a raw AV1 stream has no container header to copy: write an .obu file");
      track.codec_tag = format_ == FileFormat::mp4 ? player_tag(codec, track.codec_tag) : 0;
      return ok();
    }
    ParameterSets sets(codec);
    std::vector<BytesView> configured;
    if (length_size == 0) CAM_TRY_STATUS(split_sample(track.config, 0, configured));
    for (const auto unit : configured) CAM_TRY_STATUS(sets.add(unit));
    if (!sets.complete()) {
      for (const auto unit : units) CAM_TRY_STATUS(sets.add(unit));
    }
    if (length_size == 0) {
      CAM_TRY(const auto made,
              make_video_track(codec, sets, static_cast<std::uint32_t>(track.time_base_den)));
      track.config = made.config;
      track.codec_tag = made.codec_tag;
      track.width = made.width;
      track.height = made.height;
    } else {
      const std::size_t place = codec == codec::Codec::h264 ? 4 : 21;
      track.config[place] |= 3;
      track.codec_tag = player_tag(codec, track.codec_tag);
    }
    return ok();
  }

  Status write_held() {
    if (!held_) return ok();
    auto packet = *held_;
    packet.track = static_cast<std::uint32_t>(map_[source_.video_track()]);
    packet.data = held_bytes_;
    return muxer_->write(packet);
  }

  std::filesystem::path path_;
  FileFormat format_;
  const ClipSource& source_;
  std::vector<std::int32_t> map_;  // source track -> output track, -1 = dropped
  MetadataByTrack metadata_;
  std::optional<AvMuxer> muxer_;
  std::optional<Packet> held_;
  Bytes held_bytes_;
  std::vector<std::pair<Packet, Bytes>> early_;
  std::size_t early_size_ = 0;
};

class RawOutput final : public Output {
 public:
  RawOutput(std::unique_ptr<ClipWriter> writer, const ClipSource& source)
      : writer_(std::move(writer)), source_(source) {}

  Status video(const Packet&, std::span<const BytesView> units) override {
    // AV1 repeats its sequence header before every key frame.
    if (!std::exchange(begun_, true) && source_.codec() != codec::Codec::av1)
      CAM_TRY_STATUS(write_parameter_sets(units));
    return write(units);
  }
  Status other(const Packet&) override { return ok(); }
  Status finish(std::span<const BytesView> last_units) override {
    CAM_TRY_STATUS(write(last_units, true));
    return writer_->finish();
  }

 private:
  Status write(std::span<const BytesView> units, bool continues = false) {
    AccessUnit access_unit;
    access_unit.units = units;
    access_unit.continues = continues;
    return units.empty() ? ok() : writer_->write(access_unit);
  }

  // Parameter sets that only the container's header holds have to stand before the first picture.
  Status write_parameter_sets(std::span<const BytesView> units) {
    ParameterSets inside(source_.codec());
    for (const auto unit : units) CAM_TRY_STATUS(inside.add(unit));
    if (inside.complete()) return ok();
    return write(units_of_configuration(source_.codec(), source_.tracks()[source_.video_track()].config));
  }

  std::unique_ptr<ClipWriter> writer_;
  const ClipSource& source_;
  bool begun_ = false;
};

// Both count the tracks in the order of the file; the type has to agree as well.
const MetadataDescription* description_at(const std::vector<std::optional<MetadataDescription>>& all,
                                          std::size_t index, const Track& track) {
  if (index >= all.size() || !all[index]) return nullptr;
  const auto tag = track.codec_tag;  // libavformat has the first character in the lowest byte
  const auto type = tag << 24 | (tag & 0xff00) << 8 | (tag >> 8 & 0xff00) | tag >> 24;
  return type == all[index]->type ? &*all[index] : nullptr;
}

Status show_side(ClipEditor& editor, const Packet& packet, const Track& track) {
  const bool audio = track.kind == TrackKind::audio;
  if ((!audio && track.kind != TrackKind::other) || is_pcm(track)) return ok();
  codec::SideSample sample;
  sample.kind = audio ? codec::SideKind::audio : codec::SideKind::metadata;
  sample.track = packet.track;
  sample.bytes = packet.data;
  sample.offset = packet.offset;
  if (packet.pts != Packet::kNoTime) sample.time = ticks_of(packet.pts, track);
  return editor.side(sample);
}

// Moves the times of a piece that is cut out, so that it begins where the source began.
class Cut {
 public:
  explicit Cut(bool cuts) : cuts_(cuts) {}

  void saw_video(const Packet& packet, bool written) {
    writing_ = written;
    const auto time = packet.dts != Packet::kNoTime ? packet.dts : packet.pts;
    if (time == Packet::kNoTime) return;
    if (first_ == Packet::kNoTime) first_ = time;
    if (written && shift_ == Packet::kNoTime) {
      shift_ = time - first_;
      video_ = packet.track;
    }
  }
  bool keeps_others() const { return !cuts_ || writing_; }

  Packet moved(Packet packet, const std::vector<Track>& tracks) const {
    if (!cuts_ || shift_ == Packet::kNoTime || shift_ == 0) return packet;
    const auto seconds = static_cast<long double>(shift_) *
                         static_cast<long double>(tracks[video_].time_base_num) /
                         static_cast<long double>(tracks[video_].time_base_den);
    const auto& track = tracks[packet.track];
    const auto by = packet.track == video_
                        ? shift_
                        : std::llround(seconds * static_cast<long double>(track.time_base_den) /
                                       static_cast<long double>(track.time_base_num));
    if (packet.pts != Packet::kNoTime) packet.pts -= by;
    if (packet.dts != Packet::kNoTime) packet.dts -= by;
    return packet;
  }

 private:
  bool cuts_;
  bool writing_ = false;
  std::uint32_t video_ = 0;
  std::int64_t first_ = Packet::kNoTime;  // of the source
  std::int64_t shift_ = Packet::kNoTime;  // in ticks of the video track
};

}  // namespace

void insert_before_first_slice(codec::Codec codec, std::span<const BytesView> units,
                               std::span<const Bytes> extra, std::vector<BytesView>& result) {
  result.clear();
  const auto slice = std::find_if(units.begin(), units.end(), [&](BytesView unit) {
    return codec::classify(codec, unit).kind == codec::UnitKind::slice;
  });
  result.insert(result.end(), units.begin(), slice);
  result.insert(result.end(), extra.begin(), extra.end());
  result.insert(result.end(), slice, units.end());
}

Result<RewriteSummary> rewrite_clip(const std::filesystem::path& in, const std::filesystem::path& out,
                                    ClipEditor& editor, const RewriteOptions& options) {
  CAM_TRY(const auto format, format_of_name(out));
  CAM_TRY(const auto source, open_source(in, options));
  if (const auto promised = codec_of_name(out); promised && *promised != source->codec()) {
    return fail(Errc::usage,
                out.filename().string() + ": the clip is " + std::string(codec::to_string(source->codec())));
  }
  CAM_TRY(auto pending, PendingFile::create(out));
  RewriteSummary summary;
  const auto video = source->video_track();
  const auto& tracks = source->tracks();
  summary.source.codec = source->codec();
  summary.source.width = static_cast<std::uint32_t>(tracks[video].width);
  summary.source.height = static_cast<std::uint32_t>(tracks[video].height);
  summary.source.size = source->size();
  summary.source.has_times = source->has_times();
  const bool raw = format == FileFormat::annex_b || format == FileFormat::obu;
  if (raw && (format == FileFormat::obu) != (source->codec() == codec::Codec::av1))
    return fail(Errc::usage,
                out.filename().string() + ": the clip is " + std::string(codec::to_string(source->codec())));
  std::vector<std::int32_t> map;
  std::int32_t next_track = 0;
  const auto descriptions = metadata_descriptions(in);
  MetadataByTrack metadata;
  for (std::uint32_t i = 0; i < tracks.size(); ++i) {
    const auto* description =
        tracks[i].kind == TrackKind::other ? description_at(descriptions, i, tracks[i]) : nullptr;
    const bool whole = tracks[i].kind != TrackKind::other || description != nullptr;
    const bool keep = i == video || (!raw && whole && AvMuxer::can_hold(format, tracks[i]));
    map.push_back(keep ? next_track++ : -1);
    if (keep && description != nullptr)
      metadata.emplace(static_cast<std::uint32_t>(next_track), *description);
    if (i != video)
      (keep ? summary.source.kept : summary.source.dropped).push_back(description_of(tracks[i]));
  }
  for (const auto set : units_of_configuration(source->codec(), tracks[video].config))
    summary.source.header_units.push_back(to_bytes(set));
  std::unique_ptr<Output> output;
  if (raw) {
    CAM_TRY(auto writer, create_clip(pending.temporary(), {format, source->codec(), 90'000, true}));
    output = std::make_unique<RawOutput>(std::move(writer), *source);
  } else {
    output =
        std::make_unique<ContainerOutput>(pending.temporary(), format, *source, map, std::move(metadata));
  }
  CAM_TRY_STATUS(editor.begin(summary.source));
  SourceAccessUnit access_unit;
  std::optional<std::int64_t> first_pts;
  Cut cut(options.cut);
  for (;;) {
    CAM_TRY(const auto sample, source->next());
    if (!sample) break;
    if (sample->packet.track != video) {
      if (!cut.keeps_others()) continue;
      CAM_TRY_STATUS(output->other(cut.moved(sample->packet, tracks)));
      if (map[sample->packet.track] < 0) continue;
      ++summary.samples;
      CAM_TRY_STATUS(show_side(editor, sample->packet, tracks[sample->packet.track]));
      continue;
    }
    const auto pts = sample->packet.pts != Packet::kNoTime ? sample->packet.pts : sample->packet.dts;
    if (!first_pts && pts != Packet::kNoTime) first_pts = pts;
    access_unit.units = sample->units;
    access_unit.keyframe = sample->packet.keyframe;
    access_unit.position = sample->packet.offset;
    access_unit.presentation.reset();
    if (pts != Packet::kNoTime) {
      access_unit.time = ticks_of(pts - *first_pts, tracks[video]);
      if (format != FileFormat::annex_b) access_unit.presentation = ticks_of(pts, tracks[video]);
    }
    CAM_TRY(const auto units, editor.edit(access_unit));
    ++access_unit.index;
    cut.saw_video(sample->packet, !units.empty());
    if (units.empty()) continue;
    ++summary.access_units;
    CAM_TRY_STATUS(output->video(cut.moved(sample->packet, tracks), units));
  }
  CAM_TRY(const auto last_units, editor.end());
  CAM_TRY_STATUS(output->finish(last_units));
  std::error_code error;
  summary.bytes = std::filesystem::file_size(pending.temporary(), error);
  CAM_TRY_STATUS(pending.commit());
  return summary;
}

}  // namespace camvault::container
