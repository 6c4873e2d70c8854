#include "mp4_index.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>

#include "camvault/base/byte_writer.h"
#include "camvault/base/file.h"
#include "mp4_boxes.h"

namespace camvault::container {

namespace {

Status write_at(int fd, std::uint64_t position, BytesView bytes) {
  while (!bytes.empty()) {
    const auto n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(position));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(Errc::io, "cannot write the index: " + errno_text(errno));
    position += static_cast<std::uint64_t>(n);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return ok();
}

// Appends to the file through a small buffer; sizes and counts written earlier can be filled in later.
class Appender {
 public:
  Appender(int fd, std::uint64_t position) : fd_(fd), start_(position) {}

  Status u32(std::uint32_t value) {
    buffer_.u32(value);
    return spill();
  }
  Status u64(std::uint64_t value) {
    buffer_.u64(value);
    return spill();
  }
  Status raw(BytesView bytes) {
    buffer_.raw(bytes);
    return spill();
  }
  std::uint64_t position() const { return start_ + buffer_.size(); }
  Status patch(std::uint64_t at, std::uint32_t value) {
    if (at >= start_) {
      buffer_.patch_u32(static_cast<std::size_t>(at - start_), value);
      return ok();
    }
    CAM_TRY_STATUS(flush());
    ByteWriter field;
    field.u32(value);
    return write_at(fd_, at, field.view());
  }
  Status flush() {
    CAM_TRY_STATUS(write_at(fd_, start_, buffer_.view()));
    start_ += buffer_.size();
    buffer_ = ByteWriter();
    return ok();
  }

  // A box around what `content` writes.
  template <class Content>
  Status box(std::uint32_t type, Content&& content) {
    const auto at = position();
    CAM_TRY_STATUS(u32(0));
    CAM_TRY_STATUS(u32(type));
    CAM_TRY_STATUS(content());
    const auto size = position() - at;
    if (size > UINT32_MAX) return fail(Errc::limit, "index box larger than 4 GB");
    return patch(at, static_cast<std::uint32_t>(size));
  }

 private:
  static constexpr std::size_t kSpill = 64 * 1024;
  Status spill() { return buffer_.size() < kSpill ? ok() : flush(); }

  int fd_;
  std::uint64_t start_;
  ByteWriter buffer_;
};

struct TrackTotals {
  std::uint32_t samples = 0;
  std::uint64_t duration = 0;     // of the media, in its timescale
  std::uint64_t start = 0;        // decoding time of the first sample
  std::uint64_t shown_until = 0;  // end of the last picture in presentation order, from `start`
  bool offsets = false;
  bool negative_offsets = false;
  bool all_sync = true;
  bool large = false;
};

class Indexer {
 public:
  Indexer(int fd, BytesView file) : fd_(fd), file_(file) {}

  Status run() {
    CAM_TRY_STATUS(scan());
    Appender out(fd_, end_);
    CAM_TRY_STATUS(write_moov(out));
    CAM_TRY_STATUS(out.flush());
    const auto new_end = out.position();
    if (::ftruncate(fd_, static_cast<off_t>(new_end)) != 0 || ::fdatasync(fd_) != 0) {
      return fail(Errc::io, "cannot sync the index: " + errno_text(errno));
    }
    // Only now do the old header and the fragments become plain media data.
    ByteWriter header;
    header.u32(1);
    header.u32(fourcc("mdat"));
    header.u64(end_ - moov_offset_);
    return write_at(fd_, moov_offset_, header.view());
  }

 private:
  using UseSample = std::function<Status(const FragmentSample&)>;

  Status scan() {
    ByteReader in(file_);
    bool have_moov = false;
    while (!in.at_end()) {
      const auto offset = in.position();
      CAM_TRY(const auto box, next_box(in));
      if (box.type == fourcc("moov")) {
        if (have_moov || box.whole.size() < 16) return fail(Errc::malformed, "not a fragmented file");
        have_moov = true;
        moov_offset_ = offset;
        moov_ = box.body;
      } else if (box.type == fourcc("moof")) {
        moofs_.push_back(offset);
      } else if (box.type == fourcc("mfra")) {
        break;
      }
      end_ = in.position();
    }
    if (!have_moov) return fail(Errc::malformed, "file without header");
    return ok();
  }

  Status each_sample(const TrackDefaults& defaults, const UseSample& use) const {
    // A sample lasts until the next one decodes; only the last has to take its stored duration.
    std::optional<FragmentSample> held;
    for (const auto offset : moofs_) {
      ByteReader in(file_.subspan(static_cast<std::size_t>(offset)));
      CAM_TRY(const auto moof, next_box(in));
      CAM_TRY_STATUS(walk_moof(moof.body, offset, defaults, [&](const FragmentSample& sample) -> Status {
        if (held) {
          if (sample.dts > held->dts) held->duration = static_cast<std::uint32_t>(std::min<std::uint64_t>(sample.dts - held->dts, UINT32_MAX));
          CAM_TRY_STATUS(use(*held));
        }
        held = sample;
        return ok();
      }));
    }
    return held ? use(*held) : ok();
  }

  Result<TrackTotals> totals_of(const TrackDefaults& defaults) const {
    TrackTotals totals;
    CAM_TRY_STATUS(each_sample(defaults, [&](const FragmentSample& sample) -> Status {
      if (totals.samples == UINT32_MAX) return fail(Errc::limit, "more than 2^32 samples");
      if (totals.samples++ == 0) totals.start = sample.dts;
      totals.duration += sample.duration;
      const auto end = static_cast<std::int64_t>(sample.dts - totals.start + sample.duration) + sample.composition_offset;
      if (end > 0) totals.shown_until = std::max(totals.shown_until, static_cast<std::uint64_t>(end));
      totals.offsets |= sample.composition_offset != 0;
      totals.negative_offsets |= sample.composition_offset < 0;
      totals.all_sync &= sample.sync;
      totals.large |= sample.offset > UINT32_MAX;
      return ok();
    }));
    return totals;
  }

  Status write_moov(Appender& out) {
    const auto mvhd = find_box(moov_, fourcc("mvhd"));
    if (!mvhd || mvhd->body.size() < 20 || mvhd->body[0] != 0) return fail(Errc::malformed, "movie header");
    ByteReader in(mvhd->body.subspan(12));
    CAM_TRY(movie_timescale_, in.u32());
    if (movie_timescale_ == 0) return fail(Errc::malformed, "movie timescale");
    return out.box(fourcc("moov"), [&]() -> Status {
      std::uint64_t movie_duration_at = 0;
      std::uint32_t movie_duration = 0;
      CAM_TRY(const auto children, boxes_in(moov_));
      for (const auto& child : children) {
        if (child.type == fourcc("mvex")) continue;
        if (child.type == fourcc("mvhd")) movie_duration_at = out.position() + 8 + 16;
        if (child.type == fourcc("trak")) {
          CAM_TRY(const auto duration, write_trak(out, child.body));
          movie_duration = std::max(movie_duration, duration);
        } else {
          CAM_TRY_STATUS(out.raw(child.whole));
        }
      }
      return out.patch(movie_duration_at, movie_duration);
    });
  }

  std::uint32_t to_movie_time(std::uint64_t media_time, std::uint32_t timescale) const {
    const auto seconds = media_time / timescale;
    const auto rest = media_time % timescale;
    const auto value = seconds * movie_timescale_ + rest * movie_timescale_ / timescale;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, UINT32_MAX));
  }

  // Returns the track's duration in the movie's timescale.
  Result<std::uint32_t> write_trak(Appender& out, BytesView trak) {
    const auto tkhd = find_box(trak, fourcc("tkhd"));
    const auto mdia = find_box(trak, fourcc("mdia"));
    const auto mdhd = mdia ? find_box(mdia->body, fourcc("mdhd")) : std::nullopt;
    if (!tkhd || !mdhd || tkhd->body.size() < 24 || tkhd->body[0] != 0 || mdhd->body.size() != 24 || mdhd->body[0] != 0) {
      return fail(Errc::malformed, "track header");
    }
    ByteReader id_in(tkhd->body.subspan(12));
    CAM_TRY(const auto id, id_in.u32());
    ByteReader scale_in(mdhd->body.subspan(12));
    CAM_TRY(const auto timescale, scale_in.u32());
    if (timescale == 0) return fail(Errc::malformed, "track timescale");
    CAM_TRY(const auto defaults, defaults_of(id));
    CAM_TRY(const auto totals, totals_of(defaults));
    CAM_TRY(const auto edits, edit_list(trak, totals, timescale));
    auto duration = to_movie_time(totals.duration, timescale);
    if (!edits.empty()) {
      std::uint64_t sum = 0;
      for (const auto& edit : edits) sum += edit.duration;
      duration = static_cast<std::uint32_t>(std::min<std::uint64_t>(sum, UINT32_MAX));
    }
    CAM_TRY_STATUS(out.box(fourcc("trak"), [&]() -> Status {
      CAM_TRY(const auto children, boxes_in(trak));
      for (const auto& child : children) {
        if (child.type == fourcc("edts")) continue;
        if (child.type == fourcc("mdia")) {
          CAM_TRY_STATUS(write_mdia(out, child.body, defaults, totals));
          continue;
        }
        const auto at = out.position();
        CAM_TRY_STATUS(out.raw(child.whole));
        if (child.type != fourcc("tkhd")) continue;
        CAM_TRY_STATUS(out.patch(at + 8 + 20, duration));
        if (!edits.empty()) CAM_TRY_STATUS(write_edits(out, edits));
      }
      return ok();
    }));
    return duration;
  }

  Result<TrackDefaults> defaults_of(std::uint32_t id) const {
    const auto mvex = find_box(moov_, fourcc("mvex"));
    if (!mvex) return fail(Errc::malformed, "not a fragmented file");
    CAM_TRY(const auto children, boxes_in(mvex->body));
    for (const auto& child : children) {
      if (child.type != fourcc("trex")) continue;
      CAM_TRY(const auto defaults, read_trex(child.body));
      if (defaults.track_id == id) return defaults;
    }
    return fail(Errc::malformed, "track without defaults");
  }

  struct Edit {
    std::uint64_t duration = 0;      // movie timescale
    std::int64_t media_time = 0;     // -1: nothing is shown
    std::uint32_t rate = 0x10000;
  };

  // The muxer's edit list with the durations it could not know. Sample tables count decoding times from 0, fragments
  // from wherever they start: that difference becomes an empty edit.
  Result<std::vector<Edit>> edit_list(BytesView trak, const TrackTotals& totals, std::uint32_t timescale) const {
    std::vector<Edit> edits;
    const auto edts = find_box(trak, fourcc("edts"));
    const auto elst = edts ? find_box(edts->body, fourcc("elst")) : std::nullopt;
    bool starts_empty = false;
    if (elst) {
      ByteReader in(elst->body);
      CAM_TRY(const auto version, in.u32());
      CAM_TRY(const auto count, in.u32());
      for (std::uint32_t i = 0; i < count; ++i) {
        Edit edit;
        if (version >> 24 == 1) {
          CAM_TRY(edit.duration, in.u64());
          CAM_TRY(const auto time, in.u64());
          edit.media_time = static_cast<std::int64_t>(time);
        } else {
          CAM_TRY(edit.duration, in.u32());
          CAM_TRY(const auto time, in.u32());
          edit.media_time = static_cast<std::int32_t>(time);
        }
        CAM_TRY(edit.rate, in.u32());
        starts_empty |= edit.media_time < 0;
        if (edit.media_time >= 0) {
          const auto skipped = static_cast<std::uint64_t>(edit.media_time) > totals.start ? static_cast<std::uint64_t>(edit.media_time) - totals.start : 0;
          edit.media_time = static_cast<std::int64_t>(skipped);
          edit.duration = to_movie_time(totals.shown_until - std::min(skipped, totals.shown_until), timescale);
        }
        edits.push_back(edit);
      }
    }
    if (totals.start > 0 && !starts_empty) {
      if (edits.empty()) edits.push_back({to_movie_time(totals.shown_until, timescale), 0, 0x10000});
      const auto shift = to_movie_time(totals.start, timescale);
      if (shift > 0) edits.insert(edits.begin(), {shift, -1, 0x10000});
    }
    return edits;
  }

  static Status write_edits(Appender& out, const std::vector<Edit>& edits) {
    return out.box(fourcc("edts"), [&] {
      return out.box(fourcc("elst"), [&]() -> Status {
        CAM_TRY_STATUS(out.u32(1u << 24));
        CAM_TRY_STATUS(out.u32(static_cast<std::uint32_t>(edits.size())));
        for (const auto& edit : edits) {
          CAM_TRY_STATUS(out.u64(edit.duration));
          CAM_TRY_STATUS(out.u64(static_cast<std::uint64_t>(edit.media_time)));
          CAM_TRY_STATUS(out.u32(edit.rate));
        }
        return ok();
      });
    });
  }

  Status write_mdia(Appender& out, BytesView mdia, const TrackDefaults& defaults, const TrackTotals& totals) {
    return out.box(fourcc("mdia"), [&]() -> Status {
      CAM_TRY(const auto children, boxes_in(mdia));
      for (const auto& child : children) {
        if (child.type == fourcc("mdhd")) {
          CAM_TRY_STATUS(write_mdhd(out, child.body, totals.duration));
        } else if (child.type == fourcc("minf")) {
          CAM_TRY_STATUS(out.box(fourcc("minf"), [&]() -> Status {
            CAM_TRY(const auto parts, boxes_in(child.body));
            for (const auto& part : parts) {
              if (part.type == fourcc("stbl")) {
                CAM_TRY_STATUS(write_stbl(out, part.body, defaults, totals));
              } else {
                CAM_TRY_STATUS(out.raw(part.whole));
              }
            }
            return ok();
          }));
        } else {
          CAM_TRY_STATUS(out.raw(child.whole));
        }
      }
      return ok();
    });
  }

  // Version 1: 13 hours at 90 kHz do not fit into 32 bits.
  static Status write_mdhd(Appender& out, BytesView old, std::uint64_t duration) {
    return out.box(fourcc("mdhd"), [&]() -> Status {
      ByteReader in(old);
      CAM_TRY_STATUS(in.skip(4));
      CAM_TRY(const auto created, in.u32());
      CAM_TRY(const auto modified, in.u32());
      CAM_TRY(const auto timescale, in.u32());
      CAM_TRY_STATUS(in.skip(4));
      CAM_TRY_STATUS(out.u32(1u << 24));
      CAM_TRY_STATUS(out.u64(created));
      CAM_TRY_STATUS(out.u64(modified));
      CAM_TRY_STATUS(out.u32(timescale));
      CAM_TRY_STATUS(out.u64(duration));
      return out.raw(in.rest());
    });
  }

  // A table of (count, value) runs: stts and ctts.
  template <class Value>
  Status write_runs(Appender& out, std::uint32_t type, std::uint32_t version, const TrackDefaults& defaults, Value&& value_of) {
    return out.box(type, [&]() -> Status {
      CAM_TRY_STATUS(out.u32(version << 24));
      const auto count_at = out.position();
      CAM_TRY_STATUS(out.u32(0));
      std::uint32_t entries = 0;
      std::uint32_t run = 0;
      std::uint32_t value = 0;
      const auto close = [&]() -> Status {
        if (run == 0) return ok();
        ++entries;
        CAM_TRY_STATUS(out.u32(run));
        return out.u32(value);
      };
      CAM_TRY_STATUS(each_sample(defaults, [&](const FragmentSample& sample) -> Status {
        const auto next = value_of(sample);
        if (run > 0 && next != value) {
          CAM_TRY_STATUS(close());
          run = 0;
        }
        value = next;
        ++run;
        return ok();
      }));
      CAM_TRY_STATUS(close());
      return out.patch(count_at, entries);
    });
  }

  Status write_stbl(Appender& out, BytesView stbl, const TrackDefaults& defaults, const TrackTotals& totals) {
    return out.box(fourcc("stbl"), [&]() -> Status {
      const auto stsd = find_box(stbl, fourcc("stsd"));
      if (!stsd) return fail(Errc::malformed, "track without sample description");
      CAM_TRY_STATUS(out.raw(stsd->whole));
      CAM_TRY_STATUS(write_runs(out, fourcc("stts"), 0, defaults, [](const FragmentSample& s) { return s.duration; }));
      if (totals.offsets) {
        CAM_TRY_STATUS(write_runs(out, fourcc("ctts"), totals.negative_offsets ? 1 : 0, defaults,
                                  [](const FragmentSample& s) { return static_cast<std::uint32_t>(s.composition_offset); }));
      }
      if (!totals.all_sync) CAM_TRY_STATUS(write_stss(out, defaults));
      CAM_TRY_STATUS(write_stsc(out, defaults));
      CAM_TRY_STATUS(out.box(fourcc("stsz"), [&]() -> Status {
        CAM_TRY_STATUS(out.u64(0));  // version, flags, no common size
        CAM_TRY_STATUS(out.u32(totals.samples));
        return each_sample(defaults, [&](const FragmentSample& s) { return out.u32(s.size); });
      }));
      return write_chunk_offsets(out, defaults, totals.large);
    });
  }

  Status write_stss(Appender& out, const TrackDefaults& defaults) {
    return out.box(fourcc("stss"), [&]() -> Status {
      CAM_TRY_STATUS(out.u32(0));
      const auto count_at = out.position();
      CAM_TRY_STATUS(out.u32(0));
      std::uint32_t number = 0;
      std::uint32_t entries = 0;
      CAM_TRY_STATUS(each_sample(defaults, [&](const FragmentSample& sample) -> Status {
        ++number;
        if (!sample.sync) return ok();
        ++entries;
        return out.u32(number);
      }));
      return out.patch(count_at, entries);
    });
  }

  // One chunk per run of a fragment.
  Status write_stsc(Appender& out, const TrackDefaults& defaults) {
    return out.box(fourcc("stsc"), [&]() -> Status {
      CAM_TRY_STATUS(out.u32(0));
      const auto count_at = out.position();
      CAM_TRY_STATUS(out.u32(0));
      std::uint32_t chunk = 0;
      std::uint32_t in_chunk = 0;
      std::uint32_t last_written = 0;
      std::uint32_t entries = 0;
      const auto close = [&]() -> Status {
        if (in_chunk == 0 || in_chunk == last_written) return ok();
        last_written = in_chunk;
        ++entries;
        CAM_TRY_STATUS(out.u32(chunk));
        CAM_TRY_STATUS(out.u32(in_chunk));
        return out.u32(1);
      };
      CAM_TRY_STATUS(each_sample(defaults, [&](const FragmentSample& sample) -> Status {
        if (sample.first_of_run) {
          CAM_TRY_STATUS(close());
          ++chunk;
          in_chunk = 0;
        }
        ++in_chunk;
        return ok();
      }));
      CAM_TRY_STATUS(close());
      return out.patch(count_at, entries);
    });
  }

  Status write_chunk_offsets(Appender& out, const TrackDefaults& defaults, bool large) {
    return out.box(large ? fourcc("co64") : fourcc("stco"), [&]() -> Status {
      CAM_TRY_STATUS(out.u32(0));
      const auto count_at = out.position();
      CAM_TRY_STATUS(out.u32(0));
      std::uint32_t entries = 0;
      CAM_TRY_STATUS(each_sample(defaults, [&](const FragmentSample& sample) -> Status {
        if (!sample.first_of_run) return ok();
        ++entries;
        return large ? out.u64(sample.offset) : out.u32(static_cast<std::uint32_t>(sample.offset));
      }));
      return out.patch(count_at, entries);
    });
  }

  int fd_;
  BytesView file_;
  BytesView moov_;
  std::uint64_t moov_offset_ = 0;
  std::uint64_t end_ = 0;              // of the last fragment
  std::uint32_t movie_timescale_ = 0;
  std::vector<std::uint64_t> moofs_;
};

}  // namespace

Status add_mp4_index(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return fail(Errc::io, "cannot look at the file: " + errno_text(errno));
  if (info.st_size <= 0) return fail(Errc::malformed, "empty file");
  const auto size = static_cast<std::size_t>(info.st_size);
  void* map = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (map == MAP_FAILED) return fail(Errc::io, "cannot map the file: " + errno_text(errno));
  const auto status = Indexer(fd, {static_cast<const std::uint8_t*>(map), size}).run();
  ::munmap(map, size);
  return status;
}

}  // namespace camvault::container
