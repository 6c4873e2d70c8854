#include "clip_source.h"

#include <algorithm>
#include <cmath>
#include <deque>

#include "camvault/base/file.h"
#include "camvault/codec/clip.h"
#include "camvault/codec/obu.h"
#include "foreign_reader.h"
#include "frame_rate.h"
#include "picture_order.h"
#include "raw_stream.h"
#include "video_track.h"

namespace camvault::container {

namespace {

class ContainerSource final : public ClipSource {
 public:
  static Result<std::unique_ptr<ClipSource>> open(const std::filesystem::path& path, std::uint64_t size) {
    CAM_TRY(auto reader, ForeignReader::open(path));
    const auto video = reader.video_track();
    if (!video) return fail(Errc::unsupported, path.string() + ": no H.264, H.265 or AV1 track");
    const auto& track = reader.tracks()[*video];
    const auto codec = codec_of(track);
    CAM_TRY(const auto length_size, length_size_of(track));
    return std::unique_ptr<ClipSource>(
        new ContainerSource(std::move(reader), *video, *codec, length_size, size));
  }

  codec::Codec codec() const override { return codec_; }
  const std::vector<Track>& tracks() const override { return reader_.tracks(); }
  std::uint32_t video_track() const override { return video_; }
  bool has_times() const override { return true; }
  std::uint64_t size() const override { return size_; }

  Result<std::optional<Sample>> next() override {
    CAM_TRY(auto record, reader_.next());
    if (!record) return std::optional<Sample>();
    data_.resize(record->payload_size);
    CAM_TRY_STATUS(reader_.take_payload(data_.data(), data_.size()));
    Sample sample;
    sample.packet = record->packet;
    sample.packet.data = data_;
    if (sample.packet.track == video_) {
      if (sample.packet.corrupt) return fail(Errc::malformed, "the file ends inside a picture");
      if (sample.packet.new_config)
        return fail(Errc::unsupported, "the decoder configuration changes inside the clip");
      units_.clear();
      CAM_TRY_STATUS(split_sample(data_, length_size_, units_));
      sample.units = units_;
    }
    return std::optional<Sample>(sample);
  }

 private:
  ContainerSource(ForeignReader reader, std::uint32_t video, codec::Codec codec, unsigned length_size,
                  std::uint64_t size)
      : reader_(std::move(reader)), video_(video), codec_(codec), length_size_(length_size), size_(size) {}

  ForeignReader reader_;
  std::uint32_t video_;
  codec::Codec codec_;
  unsigned length_size_;
  std::uint64_t size_;
  Bytes data_;
  std::vector<BytesView> units_;
};

class RawSource final : public ClipSource {
 public:
  RawSource(MappedFile file, codec::Codec codec, double frames_per_second)
      : file_(std::move(file)),
        codec_(codec),
        reader_(codec, file_.bytes()),
        ahead_(codec, file_.bytes()),
        counts_(codec),
        tracks_(1) {
    tracks_[0].kind = TrackKind::video;
    tracks_[0].codec_id = av_codec_id(codec);
    tracks_[0].time_base_den = kTimescale;
    step_ = std::llround(kTimescale / frames_per_second);
  }

  codec::Codec codec() const override { return codec_; }
  const std::vector<Track>& tracks() const override { return tracks_; }
  std::uint32_t video_track() const override { return 0; }
  bool has_times() const override { return false; }
  std::uint64_t size() const override { return file_.bytes().size(); }

  Result<std::optional<Sample>> next() override {
    const auto found = reader_.next();
    if (!found) return std::optional<Sample>();
    Sample sample;
    sample.units = found->units;
    sample.packet.offset = found->offset;
    sample.packet.keyframe = found->keyframe;
    const auto place = next_place();
    if (!delay_) find_delay(place);
    sample.packet.dts = step_ * (count_ - *delay_);
    sample.packet.pts = std::max(step_ * place, sample.packet.dts);
    ++count_;
    sample.packet.duration = step_;
    return std::optional<Sample>(sample);
  }

 private:
  static constexpr std::int32_t kTimescale = 90'000;
  static constexpr std::size_t kLookAtFirst = 64;  // pictures that show how far the stream reorders

  // A second reader goes ahead of the first: it looks at headers only, nothing is kept but places.
  std::int64_t next_place() {
    while (places_.empty() || (!delay_ && places_.size() < kLookAtFirst)) {
      if (const auto found = ahead_.next()) {
        order_.push(counts_.next(found->units));
      } else {
        order_.finish();
        take_places();
        break;
      }
      take_places();
    }
    if (places_.empty()) return count_;
    const auto place = places_.front();
    places_.pop_front();
    return place;
  }

  void take_places() {
    while (const auto place = order_.pop()) places_.push_back(*place);
  }

  // Decoding comes before showing: by as many pictures as the reordering needs.
  void find_delay(std::int64_t first) {
    std::int64_t delay = std::max<std::int64_t>(-first, 0);
    std::int64_t index = 1;
    for (const auto place : places_) delay = std::max(delay, index++ - place);
    delay_ = delay;
  }

  MappedFile file_;
  codec::Codec codec_;
  AccessUnitReader reader_;
  AccessUnitReader ahead_;
  OrderCounts counts_;
  DisplayOrder order_;
  std::deque<std::int64_t> places_;    // in display order, of the next pictures in decoding order
  std::optional<std::int64_t> delay_;  // pictures
  std::vector<Track> tracks_;
  std::int64_t step_ = 0;
  std::int64_t count_ = 0;
};

// AV1 as OBUs or in IVF: temporal units, at a given rate.
class ObuSource final : public ClipSource {
 public:
  ObuSource(MappedFile file, std::unique_ptr<codec::UnitSource> units, double frames_per_second)
      : file_(std::move(file)), units_(std::move(units)), tracks_(1) {
    tracks_[0].kind = TrackKind::video;
    tracks_[0].codec_id = av_codec_id(codec::Codec::av1);
    tracks_[0].time_base_den = kTimescale;
    step_ = std::llround(kTimescale / frames_per_second);
  }

  codec::Codec codec() const override { return codec::Codec::av1; }
  const std::vector<Track>& tracks() const override { return tracks_; }
  std::uint32_t video_track() const override { return 0; }
  bool has_times() const override { return false; }
  std::uint64_t size() const override { return file_.bytes().size(); }

  Result<std::optional<Sample>> next() override {
    given_.clear();
    Sample sample;
    for (;;) {
      if (position_ == run_.size()) {
        CAM_TRY(run_, units_->read());  // the bytes lie in mapped memory: those given before stay
        position_ = 0;
        if (run_.empty()) break;
      }
      const auto& unit = run_[position_];
      const auto info = codec::classify(codec::Codec::av1, unit.bytes);
      const bool delimiter = info.type == static_cast<std::uint8_t>(codec::ObuType::temporal_delimiter);
      if (delimiter && !given_.empty()) break;
      if (given_.empty()) sample.packet.offset = unit.offset;
      if (given_.size() == kMaxUnits) return fail(Errc::limit, "AV1: more than 100,000 OBUs in a picture");
      given_.push_back(unit.bytes);
      sample.packet.keyframe |= info.gop_start;
      ++position_;
    }
    if (given_.empty()) return std::optional<Sample>();
    sample.units = given_;
    sample.packet.pts = sample.packet.dts = step_ * count_++;
    sample.packet.duration = step_;
    return std::optional<Sample>(sample);
  }

 private:
  static constexpr std::int32_t kTimescale = 90'000;
  static constexpr std::size_t kMaxUnits = 100'000;

  MappedFile file_;
  std::unique_ptr<codec::UnitSource> units_;
  std::span<const codec::Unit> run_;
  std::size_t position_ = 0;
  std::vector<BytesView> given_;
  std::vector<Track> tracks_;
  std::int64_t step_ = 0;
  std::int64_t count_ = 0;
};

// As the first sequence parameter set says.
double frame_rate_of(BytesView file, codec::Codec codec) {
  constexpr double kDefaultRate = 25;
  constexpr int kUnitsToTry = 64;
  codec::AnnexBReader reader(file);
  for (int i = 0; i < kUnitsToTry; ++i) {
    const auto unit = reader.next();
    if (!unit) break;
    if (read_sps(codec, unit->bytes)) return read_frame_rate(codec, unit->bytes).value_or(kDefaultRate);
  }
  return kDefaultRate;
}

}  // namespace

Result<std::unique_ptr<ClipSource>> open_source(const std::filesystem::path& path,
                                                const RewriteOptions& options) {
  CAM_TRY(auto file, MappedFile::open(path));
  if (file.bytes().empty()) return fail(Errc::malformed, path.string() + " is empty");
  if (auto clip = codec::open_clip(file.bytes(), {options.codec, false})) {
    const auto format = (*clip)->info().format;
    if (format == codec::ClipFormat::obu || format == codec::ClipFormat::ivf) {
      const double rate = options.frames_per_second > 0 ? options.frames_per_second : 25;
      if (rate > 1000) return fail(Errc::usage, "more than 1000 pictures a second");
      return std::unique_ptr<ClipSource>(new ObuSource(std::move(file), std::move(*clip), rate));
    }
  }
  if (!looks_like_raw_stream(file.bytes())) return ContainerSource::open(path, file.bytes().size());
  CAM_TRY(const auto clip, codec::open_clip(file.bytes(), {options.codec}));
  const auto codec = clip->info().codec;
  const double rate =
      options.frames_per_second > 0 ? options.frames_per_second : frame_rate_of(file.bytes(), codec);
  if (rate > 1000) return fail(Errc::usage, "more than 1000 pictures a second");
  return std::unique_ptr<ClipSource>(new RawSource(std::move(file), codec, rate));
}

}  // namespace camvault::container
