// The units of an MP4: finds moov, then cuts the samples of the video track at their length fields.
#include <deque>
#include "camvault/codec/obu.h"

#include "clip_sources.h"
#include "mp4_samples.h"

namespace camvault::codec {

namespace {

using bmff::fourcc;

struct TopLevel {
  bmff::TopBox moov;
  bool has_moof = false;
};

Result<TopLevel> read_top_level(bmff::TopBoxReader& boxes) {
  TopLevel top;
  bool has_moov = false;
  for (;;) {
    const auto next = boxes.next();
    if (!next) {
      // Rubbish behind moov: the samples are where the tables say. Fragments meet it again, and report it.
      if (has_moov && next.error().code == Errc::malformed) return top;
      return tl::unexpected(next.error());
    }
    if (!*next) break;
    const auto& box = **next;
    if (box.type == fourcc("moof")) top.has_moof = true;
    if (box.type != fourcc("moov")) continue;
    if (box.cut) return fail(Errc::malformed, "MP4: the file ends inside its table of contents (moov)");
    if (has_moov) return fail(Errc::malformed, "MP4: box moov is there twice");
    has_moov = true;
    top.moov = box;
  }
  if (!has_moov) {
    return fail(Errc::malformed,
                "MP4: no table of contents (moov): the recording was not finished, or the file is cut");
  }
  return top;
}

class Mp4Source final : public UnitSource {
 public:
  Mp4Source(ClipBytes clip, std::size_t window, bool everything)
      : clip_(clip), window_(clip, window), everything_(everything) {}

  // Apart from the constructor: the sample sources refer to our movie_.
  Status open() {
    bmff::TopBoxReader boxes(clip_);
    CAM_TRY(const auto top, read_top_level(boxes));
    const bool has_moof = top.has_moof;
    CAM_TRY(const auto moov, boxes.content(top.moov, moov_));
    CAM_TRY(movie_, mp4::read_movie(moov));
    CAM_TRY(auto tables, mp4::open_tables(movie_.video, clip_.size()));
    const bool fragmented = has_moof || movie_.has_fragments;
    if (tables.sample_count > 0 || !fragmented) samples_.push_back(std::move(tables.source));
    if (fragmented) samples_.push_back(mp4::open_fragments(clip_, movie_.video, movie_.defaults));
    const auto& description = movie_.video.descriptions.front();
    info_.format = fragmented ? ClipFormat::fragmented_mp4 : ClipFormat::mp4;
    info_.codec = description.codec;
    info_.width = description.width;
    info_.height = description.height;
    info_.timescale = movie_.video.timescale;
    info_.sample_count = has_moof ? 0 : tables.sample_count;
    info_.bytes_stay = clip_.in_memory();
    info_.not_video = movie_.not_video;
    info_.not_comparable = movie_.not_comparable;
    if (everything_) open_side(fragmented);
    run_.reserve(kMaxRun);
    return rewind();
  }

  const ClipInfo& info() const override { return info_; }

  Status rewind() override {
    for (auto& source : samples_) source->rewind();
    current_ = 0;
    position_ = end_ = 0;
    sample_is_cut_ = false;
    bytes_seen_ = 0;
    failed_.reset();
    description_ = 0;
    given_until_.reset();
    for (auto& track : side_) track.rewind();
    return ok();
  }

  std::span<const SideSample> side() override {
    side_run_.clear();
    side_bytes_.clear();
    if (!everything_) return side_run_;
    const bool all = run_.empty();
    for (std::size_t i = 0; i < side_.size(); ++i) {
      while (side_run_.size() < kMaxSideRun && side_[i].peek(clip_.size())) {
        const auto& next = *side_[i].waiting;
        if (!all && next.time && (!given_until_ || *next.time > *given_until_)) break;
        give_side(side_[i], static_cast<std::uint32_t>(i));
      }
    }
    return side_run_;
  }

  Result<std::span<const Unit>> read() override {
    run_.clear();
    if (!failed_) fill();
    // What came before an error is given first; the error stays until rewind().
    if (run_.empty() && failed_) return tl::unexpected(*failed_);
    return std::span<const Unit>(run_);
  }

 private:
  void fill() {
    while (run_.size() < kMaxRun) {
      if (position_ == end_) {
        const auto more = next_sample();
        if (!more) failed_ = more.error();
        if (!more || !*more) return;
        continue;
      }
      if (everything_ && description_ != sample_description_) {
        const auto& sets = movie_.video.descriptions[sample_description_ - 1].parameter_sets;
        if (!run_.empty() && run_.size() + sets.size() > kMaxRun) return;
        description_ = sample_description_;
        for (const auto set : sets) {
          if (const auto kind = classify(info_.codec, set).kind;
              kind != UnitKind::parameter_set && kind != UnitKind::sei)
            continue;
          Unit unit;
          unit.bytes = set;
          unit.out_of_band = true;
          run_.push_back(unit);
        }
      }
      if (!window_.has(position_, end_ - position_)) {
        if (!run_.empty()) return;  // the units that it has must stay where they are
        if (auto moved = window_.move(position_, end_ - position_); !moved) {
          failed_ = moved.error();
          return;
        }
      }
      if (auto unit = next_unit(); !unit) {
        failed_ = unit.error();
        return;
      }
    }
  }

  // False at the end.
  Result<bool> next_sample() {
    if (sample_is_cut_) return fail(Errc::malformed, "MP4: the file ends inside a sample: it is cut");
    if (current_ == samples_.size()) return false;
    CAM_TRY(const auto sample, samples_[current_]->next());
    if (!sample) {
      ++current_;
      return true;
    }
    if (sample->offset > clip_.size())
      return fail(Errc::malformed, "MP4: a sample lies outside of the file: it is cut");
    // Samples that do not overlap cannot be more than the file. Keeps reading linear, whatever the tables
    // say.
    bytes_seen_ += sample->size;
    if (bytes_seen_ > clip_.size())
      return fail(Errc::malformed, "MP4: samples overlap or are longer than the file");
    position_ = sample->offset;
    sample_is_cut_ = sample->size > clip_.size() - position_;
    end_ = sample_is_cut_ ? clip_.size() : position_ + sample->size;
    length_size_ = sample->length_size;
    time_ = sample->time;
    sample_description_ = sample->description;
    if (time_ && (!given_until_ || *time_ > *given_until_)) given_until_ = time_;
    return true;
  }

  // One track beside the video. A sample outside of the clip ends it.
  struct Side {
    SideKind kind = SideKind::audio;
    Ticks shift{0};  // onto the pictures' clock
    std::vector<std::unique_ptr<mp4::SampleSource>> sources;
    std::size_t current = 0;
    std::uint64_t bytes_seen = 0;
    std::optional<mp4::Sample> waiting;

    void rewind() {
      for (auto& source : sources) source->rewind();
      current = 0;
      bytes_seen = 0;
      waiting.reset();
    }

    bool peek(std::uint64_t clip_size) {
      while (!waiting && current < sources.size()) {
        const auto sample = sources[current]->next();
        if (!sample) {
          current = sources.size();
        } else if (!*sample) {
          ++current;
        } else {
          bytes_seen += (*sample)->size;
          if ((*sample)->offset > clip_size || (*sample)->size > clip_size - (*sample)->offset ||
              bytes_seen > clip_size) {
            current = sources.size();
            break;
          }
          waiting = **sample;
          if (waiting->time) *waiting->time += shift;
        }
      }
      return waiting.has_value();
    }
  };

  // Edit lists (8.6.6) move tracks against each other.
  static Ticks shift_of(const mp4::VideoTrack& track) {
    if (track.timescale == 0) return Ticks(0);
    const auto scale = std::int64_t{track.timescale};
    return Ticks(track.edit_shift / scale * Ticks::period::den +
                 track.edit_shift % scale * Ticks::period::den / scale);
  }

  void open_side(bool fragmented) {
    for (auto& side : movie_.side) {
      Side track;
      track.kind = side.kind;
      track.shift = shift_of(movie_.video) - shift_of(side.track);
      if (auto tables = mp4::open_tables(side.track, clip_.size());
          tables && (tables->sample_count > 0 || !fragmented)) {
        track.sources.push_back(std::move(tables->source));
      }
      if (fragmented) track.sources.push_back(mp4::open_fragments(clip_, side.track, side.defaults));
      side_.push_back(std::move(track));
    }
  }

  void give_side(Side& track, std::uint32_t number) {
    const auto sample = *std::exchange(track.waiting, std::nullopt);
    side_bytes_.emplace_back();
    const auto bytes = clip_.read(sample.offset, sample.size, side_bytes_.back());
    if (!bytes) {
      track.current = track.sources.size();
      return;
    }
    SideSample out;
    out.kind = track.kind;
    out.track = number;
    out.bytes = *bytes;
    out.offset = sample.offset;
    if (sample.time) out.time = sample.time->time_since_epoch();
    side_run_.push_back(out);
  }

  Status next_obu(std::size_t left) {
    const auto header = read_obu_header(window_.at(position_, left));
    if (!header && sample_is_cut_) return cut_unit();
    if (!header) return tl::unexpected(header.error());
    if (header->size() > left) return cut_unit();
    run_.push_back({window_.at(position_, header->size()), position_, time_});
    position_ += header->size();
    return ok();
  }

  Status next_unit() {
    const auto left = end_ - position_;
    if (length_size_ == 0) return next_obu(static_cast<std::size_t>(left));
    if (left < length_size_) return cut_unit();
    std::uint32_t length = 0;
    for (const auto byte : window_.at(position_, length_size_)) length = length << 8 | byte;
    if (length > left - length_size_) return cut_unit();
    position_ += length_size_;
    if (length > 0) run_.push_back({window_.at(position_, length), position_, time_});
    position_ += length;
    return ok();
  }

  Status cut_unit() const {
    return fail(Errc::malformed, sample_is_cut_ ? "MP4: the file ends inside a unit: it is cut"
                                                : "MP4: a unit is longer than its sample");
  }

  ClipBytes clip_;
  Window window_;
  Bytes moov_;  // what movie_ speaks about, where the clip does not lie in memory
  mp4::Movie movie_;
  ClipInfo info_;
  std::vector<std::unique_ptr<mp4::SampleSource>> samples_;  // tables, then fragments
  std::size_t current_ = 0;
  std::uint64_t position_ = 0;  // in the sample: of the next length field
  std::uint64_t end_ = 0;
  bool sample_is_cut_ = false;
  std::uint8_t length_size_ = 4;
  std::optional<Timestamp> time_;
  std::uint64_t bytes_seen_ = 0;
  std::vector<Unit> run_;
  std::optional<Error> failed_;

  static constexpr std::size_t kMaxSideRun = 4096;
  bool everything_;
  std::uint32_t description_ = 0;  // whose parameter sets were given
  std::uint32_t sample_description_ = 1;
  std::optional<Timestamp> given_until_;
  std::vector<Side> side_;
  std::vector<SideSample> side_run_;
  std::deque<Bytes> side_bytes_;  // where the clip does not lie in memory
};

}  // namespace

bool looks_like_mp4(BytesView file) {
  ByteReader in(file);
  const auto size = in.u32();
  const auto type = in.u32();
  if (!size || !type || (*size >= 2 && *size < 8)) return false;
  switch (*type) {
    case fourcc("ftyp"):
    case fourcc("styp"):
    case fourcc("moov"):
    case fourcc("mdat"):
    case fourcc("moof"):
    case fourcc("free"):
    case fourcc("skip"):
    case fourcc("wide"):
    case fourcc("pnot"):
    case fourcc("sidx"):
    case fourcc("emsg"):
    case fourcc("uuid"):
      return true;
    default:
      return false;
  }
}

Result<std::unique_ptr<UnitSource>> open_mp4(ClipBytes clip, std::size_t window, bool everything) {
  auto source = std::make_unique<Mp4Source>(clip, window, everything);
  CAM_TRY_STATUS(source->open());
  return std::unique_ptr<UnitSource>(std::move(source));
}

}  // namespace camvault::codec
