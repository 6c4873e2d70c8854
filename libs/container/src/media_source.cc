#include "camvault/container/media_source.h"

#include "camvault/base/file.h"
#include "foreign_reader.h"
#include "video_track.h"

namespace camvault::container {

namespace {

using codec::ClipFormat;
using codec::Unit;

class ForeignSource final : public codec::UnitSource {
 public:
  static Result<std::unique_ptr<codec::UnitSource>> open(const std::filesystem::path& path, ClipFormat format,
                                                         bool everything = false) {
    CAM_TRY(auto reader, ForeignReader::open(path));
    const auto video = reader.video_track();
    if (!video) return fail(Errc::unsupported, path.string() + ": no H.264, H.265 or AV1 track");
    CAM_TRY(const auto length_size, length_size_of(reader.tracks()[*video]));
    auto source =
        std::unique_ptr<ForeignSource>(new ForeignSource(std::move(reader), *video, length_size, format));
    source->everything_ = everything;
    if (everything) source->read_header();
    return std::unique_ptr<codec::UnitSource>(std::move(source));
  }

  const codec::ClipInfo& info() const override { return info_; }

  Result<std::span<const Unit>> read() override {
    run_.clear();
    if (std::exchange(header_waits_, false)) {
      for (const auto& set : header_) {
        Unit unit;
        unit.bytes = set;
        unit.out_of_band = true;
        run_.push_back(unit);
      }
      if (!run_.empty()) return std::span<const Unit>(run_);
    }
    if (next_ == units_.size() && !failed_) load();
    while (next_ < units_.size() && run_.size() < kMaxRun) run_.push_back(units_[next_++]);
    if (run_.empty() && failed_) return tl::unexpected(*failed_);
    return std::span<const Unit>(run_);
  }

  std::span<const codec::SideSample> side() override {
    side_run_.clear();
    side_given_ = std::exchange(side_, {});
    side_size_ = 0;
    for (auto& sample : side_given_) {
      sample.sample.bytes = sample.bytes;
      side_run_.push_back(sample.sample);
    }
    return side_run_;
  }

  Status rewind() override {
    side_.clear();
    side_size_ = 0;
    header_waits_ = everything_;
    units_.clear();
    next_ = 0;
    waiting_.reset();
    failed_.reset();
    return reader_.rewind();
  }

 private:
  ForeignSource(ForeignReader reader, std::uint32_t video, unsigned length_size, ClipFormat format)
      : reader_(std::move(reader)), video_(video), length_size_(length_size) {
    const auto& track = reader_.tracks()[video];
    info_.format = format;
    info_.codec = *codec_of(track);
    info_.width = static_cast<std::uint32_t>(track.width);
    info_.height = static_cast<std::uint32_t>(track.height);
    info_.timescale = track.time_base_num == 1 ? static_cast<std::uint32_t>(track.time_base_den) : 0;
    for (std::uint32_t i = 0; i < reader_.tracks().size(); ++i) {
      if (i != video) info_.not_video.push_back(description_of(reader_.tracks()[i]));
    }
  }

  // The parameter sets of the header. What cannot be read is not there for a decoder either.
  void read_header() {
    const auto& tracks = reader_.tracks();
    for (const auto set : units_of_configuration(info_.codec, tracks[video_].config)) {
      const auto kind = codec::classify(info_.codec, set).kind;
      const bool is_kept = kind == codec::UnitKind::parameter_set || kind == codec::UnitKind::sei;
      if (is_kept && header_.size() < kMaxRun) header_.push_back(to_bytes(set));
    }
    for (std::uint32_t i = 0; i < tracks.size(); ++i) {
      if (i != video_ && tracks[i].kind == TrackKind::audio && is_pcm(tracks[i]))
        info_.not_comparable.push_back(description_of(tracks[i]));
    }
    header_waits_ = true;
  }

  void add_side(const Packet& packet, BytesView bytes) {
    const auto& track = reader_.tracks()[packet.track];
    const bool audio = track.kind == TrackKind::audio;
    if (!everything_ || (!audio && track.kind != TrackKind::other) || is_pcm(track)) return;
    HeldSample held;
    held.bytes = to_bytes(bytes);
    held.sample.kind = audio ? codec::SideKind::audio : codec::SideKind::metadata;
    held.sample.track = packet.track;
    held.sample.offset = packet.offset;
    if (packet.pts != Packet::kNoTime) held.sample.time = ticks_of(packet.pts, track);
    side_size_ += sizeof held + held.bytes.size();
    side_.push_back(std::move(held));
  }

  // As many packets as fit into the buffer, so that units come in large runs.
  void load() {
    units_.clear();
    next_ = 0;
    std::size_t used = 0;
    // A container of nothing but sound must not fill the memory.
    while (units_.size() < kMaxRun && side_size_ < kBufferSize) {
      if (!waiting_) {
        auto record = reader_.next();
        if (!record) {
          failed_ = record.error();
          return;
        }
        if (!*record) return;
        waiting_ = **record;
      }
      const std::size_t size = waiting_->payload_size;
      // Growing moves the buffer: only while nothing points into it.
      if (size > buffer_.size() - used) {
        if (used > 0) return;
        buffer_.resize(std::max(size, kBufferSize));
      }
      if (const auto taken = reader_.take_payload(buffer_.data() + used, size); !taken) {
        failed_ = taken.error();
        return;
      }
      const auto packet = waiting_->packet;
      waiting_.reset();
      if (packet.track != video_) {
        add_side(packet, BytesView(buffer_).subspan(used, size));
        continue;
      }
      const auto split = add_units(packet, BytesView(buffer_).subspan(used, size));
      used += size;
      if (!split || packet.corrupt) {
        failed_ = split ? Error{Errc::malformed, "the file ends inside a picture"} : split.error();
        return;
      }
    }
  }

  Status add_units(const Packet& packet, BytesView sample) {
    views_.clear();
    auto status = split_sample(sample, length_size_, views_);
    for (const auto view : views_) {
      Unit unit;
      unit.bytes = view;
      unit.offset = packet.offset;
      unit.container_time = time_of(packet);
      units_.push_back(unit);
    }
    return status;
  }

  std::optional<Timestamp> time_of(const Packet& packet) const {
    const auto& track = reader_.tracks()[video_];
    if (packet.pts == Packet::kNoTime) return std::nullopt;
    const auto ticks = ticks_of(packet.pts, track);
    return Timestamp(ticks);
  }

  static constexpr std::size_t kBufferSize = std::size_t{4} << 20;

  ForeignReader reader_;
  std::uint32_t video_;
  unsigned length_size_;
  codec::ClipInfo info_;
  Bytes buffer_;
  std::vector<BytesView> views_;
  std::vector<Unit> units_;
  std::size_t next_ = 0;
  std::vector<Unit> run_;
  std::optional<Record> waiting_;  // its payload is still in the pipe
  std::optional<Error> failed_;

  struct HeldSample {
    Bytes bytes;
    codec::SideSample sample;
  };
  bool everything_ = false;
  bool header_waits_ = false;
  std::vector<Bytes> header_;
  std::vector<HeldSample> side_;
  std::size_t side_size_ = 0;
  std::vector<HeldSample> side_given_;
  std::vector<codec::SideSample> side_run_;
};

// Keeps the map that the units point into.
class MappedSource final : public codec::UnitSource {
 public:
  static Result<std::unique_ptr<codec::UnitSource>> open(MappedFile file, const codec::ClipOptions& options) {
    auto source = std::unique_ptr<MappedSource>(new MappedSource(std::move(file)));
    CAM_TRY(source->inner_, codec::open_clip(source->file_.bytes(), options));
    return std::unique_ptr<codec::UnitSource>(std::move(source));
  }
  const codec::ClipInfo& info() const override { return inner_->info(); }
  Result<std::span<const Unit>> read() override { return inner_->read(); }
  std::span<const codec::SideSample> side() override { return inner_->side(); }
  Status rewind() override { return inner_->rewind(); }

 private:
  explicit MappedSource(MappedFile file) : file_(std::move(file)) {}
  MappedFile file_;
  std::unique_ptr<codec::UnitSource> inner_;
};

// ISO/IEC 13818-1 2.4.3.2: packets of 188 bytes that begin with 0x47. Three in a row are no accident.
bool looks_like_mpeg_ts(BytesView file) {
  constexpr std::size_t kPacket = 188;
  return file.size() > 2 * kPacket && file[0] == 0x47 && file[kPacket] == 0x47 && file[2 * kPacket] == 0x47;
}

ClipFormat format_of(BytesView file) {
  return codec::looks_like_matroska(file) ? ClipFormat::matroska
         : looks_like_mpeg_ts(file)       ? ClipFormat::mpeg_ts
                                          : ClipFormat::mp4;
}

}  // namespace

Result<std::unique_ptr<codec::UnitSource>> open_media(const std::filesystem::path& path,
                                                      const codec::ClipOptions& options) {
  CAM_TRY(auto file, MappedFile::open(path));
  if (options.units) return MappedSource::open(std::move(file), options);
  const auto format = format_of(file.bytes());
  if (format != ClipFormat::mp4) return ForeignSource::open(path, format, options.everything);
  return MappedSource::open(std::move(file), options);
}

Result<std::unique_ptr<codec::UnitSource>> open_foreign(const std::filesystem::path& path) {
  CAM_TRY(const auto file, MappedFile::open(path));
  return ForeignSource::open(path, format_of(file.bytes()));
}

}  // namespace camvault::container
