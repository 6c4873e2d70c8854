#include "clip_source.h"

#include <cmath>

#include "camvault/base/file.h"
#include "camvault/codec/clip.h"
#include "foreign_reader.h"
#include "raw_stream.h"
#include "video_track.h"

namespace camvault::container {

namespace {

class ContainerSource final : public ClipSource {
 public:
  static Result<std::unique_ptr<ClipSource>> open(const std::filesystem::path& path, std::uint64_t size) {
    CAM_TRY(auto reader, ForeignReader::open(path));
    const auto video = reader.video_track();
    if (!video) return fail(Errc::unsupported, path.string() + ": no H.264 or H.265 track");
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
      : file_(std::move(file)), codec_(codec), reader_(codec, file_.bytes()), tracks_(1) {
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
    sample.packet.dts = sample.packet.pts = step_ * count_++;
    sample.packet.duration = step_;
    return std::optional<Sample>(sample);
  }

 private:
  static constexpr std::int32_t kTimescale = 90'000;

  MappedFile file_;
  codec::Codec codec_;
  AccessUnitReader reader_;
  std::vector<Track> tracks_;
  std::int64_t step_ = 0;
  std::int64_t count_ = 0;
};

}  // namespace

Result<std::unique_ptr<ClipSource>> open_source(const std::filesystem::path& path,
                                                const RewriteOptions& options) {
  CAM_TRY(auto file, MappedFile::open(path));
  if (file.bytes().empty()) return fail(Errc::malformed, path.string() + " is empty");
  if (!looks_like_raw_stream(file.bytes())) return ContainerSource::open(path, file.bytes().size());
  CAM_TRY(const auto clip, codec::open_clip(file.bytes(), {options.codec}));
  const auto codec = clip->info().codec;
  constexpr double kDefaultRate = 25;
  const double rate = options.frames_per_second > 0 ? options.frames_per_second : kDefaultRate;
  if (rate > 1000) return fail(Errc::usage, "more than 1000 pictures a second");
  return std::unique_ptr<ClipSource>(new RawSource(std::move(file), codec, rate));
}

}  // namespace camvault::container
