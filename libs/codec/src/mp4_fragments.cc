#include <bit>
#include <limits>

#include "mp4_samples.h"

namespace camvault::codec::mp4 {

namespace {

using bmff::BoxReader;
using bmff::fourcc;
using bmff::Table;

tl::unexpected<Error> malformed(std::string_view what) {
  return fail(Errc::malformed, "MP4: " + std::string(what));
}

// tfhd (8.8.7)
struct FragmentHeader {
  std::uint32_t track = 0;
  std::optional<std::uint64_t> base_offset;
  bool base_is_moof = false;
  FragmentDefaults defaults;
};

Result<FragmentHeader> read_tfhd(BytesView tfhd, const FragmentDefaults& movie_defaults) {
  ByteReader in(tfhd);
  CAM_TRY(const auto box, bmff::full_box(in));
  FragmentHeader header;
  header.defaults = movie_defaults;
  CAM_TRY(header.track, in.u32());
  header.base_is_moof = (box.flags & 0x02'0000) != 0;
  if ((box.flags & 0x01) != 0) {
    CAM_TRY(header.base_offset, in.u64());
  }
  if ((box.flags & 0x02) != 0) {
    CAM_TRY(header.defaults.description, in.u32());
  }
  if ((box.flags & 0x08) != 0) {
    CAM_TRY(header.defaults.duration, in.u32());
  }
  if ((box.flags & 0x10) != 0) {
    CAM_TRY(header.defaults.size, in.u32());
  }
  return header;
}

Result<std::uint64_t> read_tfdt(BytesView tfdt) {
  ByteReader in(tfdt);
  CAM_TRY(const auto box, bmff::full_box(in));
  if (box.version == 1) return in.u64();
  return in.u32();
}

// trun (8.8.8): a run of samples that lie one after the other.
class Run {
 public:
  Run() = default;

  static Result<Run> read(BytesView trun, const FragmentDefaults& defaults, std::uint64_t file_size) {
    ByteReader in(trun);
    CAM_TRY(const auto box, bmff::full_box(in));
    Run run;
    run.flags_ = box.flags;
    run.defaults_ = defaults;
    CAM_TRY(run.count_, in.u32());
    if ((box.flags & kDataOffset) != 0) {
      CAM_TRY(const auto offset, in.u32());
      run.data_offset = static_cast<std::int32_t>(offset);
    }
    if ((box.flags & kFirstFlags) != 0) CAM_TRY_STATUS(in.skip(4));
    run.columns_ =
        static_cast<std::size_t>(std::popcount(box.flags & (kDuration | kSize | kFlags | kComposition)));
    CAM_TRY(run.table_, Table::make(in, run.count_, run.columns_));
    if ((box.flags & kSize) == 0 && run.count_ > 0) {
      // Nothing but the file bounds the number of samples here.
      if (defaults.size == 0) return malformed("samples without a size");
      if (std::uint64_t{run.count_} * defaults.size > file_size) {
        return malformed("more samples than the file has room for");
      }
    }
    return run;
  }

  std::optional<std::int32_t> data_offset;

  std::uint32_t count() const { return count_; }
  std::uint32_t duration(std::uint32_t sample) const {
    return (flags_ & kDuration) != 0 ? table_.at(sample, 0) : defaults_.duration;
  }
  std::uint32_t size(std::uint32_t sample) const {
    return (flags_ & kSize) != 0 ? table_.at(sample, columns_before(kSize)) : defaults_.size;
  }
  // Unsigned in version 0; read as signed there too, see mp4_tables.cc.
  std::int32_t composition(std::uint32_t sample) const {
    return (flags_ & kComposition) != 0 ? static_cast<std::int32_t>(table_.at(sample, columns_ - 1)) : 0;
  }
  std::uint64_t total_size() const {
    if ((flags_ & kSize) == 0) return std::uint64_t{count_} * defaults_.size;
    std::uint64_t total = 0;
    for (std::uint32_t i = 0; i < count_; ++i) total += size(i);
    return total;
  }

 private:
  static constexpr std::uint32_t kDataOffset = 0x01;
  static constexpr std::uint32_t kFirstFlags = 0x04;
  static constexpr std::uint32_t kDuration = 0x100;
  static constexpr std::uint32_t kSize = 0x200;
  static constexpr std::uint32_t kFlags = 0x400;
  static constexpr std::uint32_t kComposition = 0x800;

  std::size_t columns_before(std::uint32_t flag) const {
    return static_cast<std::size_t>(std::popcount(flags_ & (flag - 1) & (kDuration | kSize | kFlags)));
  }

  Table table_;
  std::uint32_t count_ = 0;
  std::uint32_t flags_ = 0;
  std::size_t columns_ = 0;
  FragmentDefaults defaults_;
};

class FragmentSource final : public SampleSource {
 public:
  FragmentSource(ClipBytes clip, const VideoTrack& track, FragmentDefaults defaults)
      : clip_(clip), track_(track), defaults_(defaults), top_(clip) {
    rewind();
  }

  void rewind() override {
    top_ = bmff::TopBoxReader(clip_);
    trafs_ = BoxReader();
    truns_ = BoxReader();
    run_ = Run();
    in_run_ = 0;
    decode_time_ = 0;
    time_is_known_ = true;
  }

  Result<std::optional<Sample>> next() override {
    while (in_run_ == run_.count()) {
      CAM_TRY(const auto trun, next_of(truns_, fourcc("trun")));
      if (trun) {
        CAM_TRY_STATUS(start_run(trun->content));
        continue;
      }
      CAM_TRY(const auto traf, next_of(trafs_, fourcc("traf")));
      if (traf) {
        CAM_TRY_STATUS(start_track_fragment(traf->content));
        continue;
      }
      CAM_TRY(const auto moof, next_of(top_, fourcc("moof")));
      if (!moof) return std::optional<Sample>();
      if (moof->cut) return malformed("the file ends inside a moof box: it is cut");
      moof_offset_ = moof->offset;
      implied_base_ = moof->offset;
      CAM_TRY(const auto content, top_.content(*moof, moof_));
      trafs_ = BoxReader(content, BoxReader::Where::box);
    }
    Sample sample;
    sample.offset = offset_;
    sample.size = run_.size(in_run_);
    sample.length_size = length_size_;
    sample.description = description_;
    if (time_is_known_) {
      sample.time = presentation_time(decode_time_, run_.composition(in_run_), track_.timescale);
      if (__builtin_add_overflow(decode_time_, run_.duration(in_run_), &decode_time_)) time_is_known_ = false;
    }
    if (__builtin_add_overflow(offset_, sample.size, &offset_)) return malformed("data offset");
    ++in_run_;
    return std::optional<Sample>(sample);
  }

 private:
  template <class Boxes>
  static auto next_of(Boxes& boxes, bmff::FourCc type) -> decltype(boxes.next()) {
    for (;;) {
      CAM_TRY(const auto box, boxes.next());
      if (!box || box->type == type) return box;
    }
  }

  // Where the data of a run begins: at an offset from the base, or behind the run before it.
  static Result<std::uint64_t> run_begin(const Run& run, std::uint64_t base, std::uint64_t behind) {
    if (!run.data_offset) return behind;
    if (base > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() - 0x8000'0000)) {
      return malformed("data offset");
    }
    const auto begin = static_cast<std::int64_t>(base) + *run.data_offset;
    if (begin < 0) return malformed("data offset before the file");
    return static_cast<std::uint64_t>(begin);
  }

  Status start_track_fragment(BytesView traf) {
    CAM_TRY(const auto tfhd, bmff::require(traf, fourcc("tfhd")));
    CAM_TRY(const auto header, read_tfhd(tfhd, defaults_));
    // 8.8.7.1: the base is given, or the moof, or the end of the data of the track fragment before this one.
    const auto base = header.base_offset.value_or(header.base_is_moof ? moof_offset_ : implied_base_);
    CAM_TRY(implied_base_, data_end(traf, header, base));
    if (header.track != track_.id) return ok();
    const auto description = header.defaults.description;
    if (description == 0 || description > track_.descriptions.size())
      return malformed("unknown sample description");
    length_size_ = track_.descriptions[description - 1].length_size;
    description_ = description;
    CAM_TRY(const auto tfdt, bmff::find(traf, fourcc("tfdt")));
    if (tfdt) {
      CAM_TRY(decode_time_, read_tfdt(*tfdt));
      time_is_known_ = true;
    }
    header_ = header;
    base_ = base;
    offset_ = base;
    truns_ = BoxReader(traf, BoxReader::Where::box);
    return ok();
  }

  Result<std::uint64_t> data_end(BytesView traf, const FragmentHeader& header, std::uint64_t base) const {
    std::uint64_t end = base;
    BoxReader truns(traf, BoxReader::Where::box);
    for (;;) {
      CAM_TRY(const auto trun, next_of(truns, fourcc("trun")));
      if (!trun) return end;
      CAM_TRY(const auto run, Run::read(trun->content, header.defaults, clip_.size()));
      CAM_TRY(end, run_begin(run, base, end));
      if (__builtin_add_overflow(end, run.total_size(), &end)) return malformed("data offset");
    }
  }

  Status start_run(BytesView trun) {
    CAM_TRY(const auto run, Run::read(trun, header_.defaults, clip_.size()));
    CAM_TRY(offset_, run_begin(run, base_, offset_));
    run_ = run;
    in_run_ = 0;
    return ok();
  }

  ClipBytes clip_;
  const VideoTrack& track_;
  FragmentDefaults defaults_;  // of the movie

  bmff::TopBoxReader top_;   // where we are: in the file,
  BoxReader trafs_, truns_;  // the moof, the traf of the video track
  Bytes moof_;               // what the last two read from, where the clip does not lie in memory
  std::uint64_t moof_offset_ = 0;
  std::uint64_t implied_base_ = 0;
  FragmentHeader header_;
  std::uint64_t base_ = 0;
  Run run_;
  std::uint32_t in_run_ = 0;
  std::uint64_t offset_ = 0;
  std::uint8_t length_size_ = 4;
  std::uint32_t description_ = 1;
  std::uint64_t decode_time_ = 0;
  bool time_is_known_ = true;
};

}  // namespace

std::unique_ptr<SampleSource> open_fragments(ClipBytes clip, const VideoTrack& track,
                                             FragmentDefaults defaults) {
  return std::make_unique<FragmentSource>(clip, track, defaults);
}

}  // namespace camvault::codec::mp4
