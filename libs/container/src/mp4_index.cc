#include "mp4_index.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "camvault/base/byte_writer.h"
#include "camvault/base/file.h"
#include "mp4_sample_tables.h"

namespace camvault::container {

namespace {

class Indexer {
 public:
  Indexer(int fd, BytesView file, const MetadataByTrack& metadata, std::uint32_t pictures)
      : fd_(fd), file_(file), metadata_(metadata), pictures_(pictures) {}

  Status run() {
    CAM_TRY_STATUS(scan());
    FileAppender out(fd_, end_);
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

  Status write_moov(FileAppender& out) {
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
  Result<std::uint32_t> write_trak(FileAppender& out, BytesView trak) {
    const auto tkhd = find_box(trak, fourcc("tkhd"));
    const auto mdia = find_box(trak, fourcc("mdia"));
    const auto mdhd = mdia ? find_box(mdia->body, fourcc("mdhd")) : std::nullopt;
    if (!tkhd || !mdhd || tkhd->body.size() < 24 || tkhd->body[0] != 0 || mdhd->body.size() != 24 ||
        mdhd->body[0] != 0) {
      return fail(Errc::malformed, "track header");
    }
    ByteReader id_in(tkhd->body.subspan(12));
    CAM_TRY(const auto id, id_in.u32());
    ByteReader scale_in(mdhd->body.subspan(12));
    CAM_TRY(const auto timescale, scale_in.u32());
    if (timescale == 0) return fail(Errc::malformed, "track timescale");
    CAM_TRY(const auto defaults, defaults_of(id));
    const SampleTables tables(file_, moofs_, defaults);
    CAM_TRY(const auto totals, tables.totals());
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
          CAM_TRY_STATUS(write_mdia(out, child.body, tables, totals, metadata_of(id)));
          continue;
        }
        const auto at = out.position();
        CAM_TRY_STATUS(out.raw(child.whole));
        if (child.type != fourcc("tkhd")) continue;
        CAM_TRY_STATUS(out.patch(at + 8 + 20, duration));
        if (!edits.empty()) CAM_TRY_STATUS(write_edits(out, edits));
        if (const auto* metadata = metadata_of(id); metadata != nullptr && metadata->describes_pictures)
          CAM_TRY_STATUS(write_reference(out));
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
    std::uint64_t duration = 0;   // movie timescale
    std::int64_t media_time = 0;  // -1: nothing is shown
    std::uint32_t rate = 0x10000;
  };

  // The muxer's edit list with the durations it could not know. Sample tables count decoding times from 0,
  // fragments from wherever they start: that difference becomes an empty edit.
  Result<std::vector<Edit>> edit_list(BytesView trak, const TrackTotals& totals,
                                      std::uint32_t timescale) const {
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
          const auto skipped = static_cast<std::uint64_t>(edit.media_time) > totals.start
                                   ? static_cast<std::uint64_t>(edit.media_time) - totals.start
                                   : 0;
          edit.media_time = static_cast<std::int64_t>(skipped);
          edit.duration =
              to_movie_time(totals.shown_until - std::min(skipped, totals.shown_until), timescale);
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

  static Status write_edits(FileAppender& out, const std::vector<Edit>& edits) {
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

  const MetadataDescription* metadata_of(std::uint32_t id) const {
    const auto found = metadata_.find(id);
    return found == metadata_.end() ? nullptr : &found->second;
  }

  Status write_reference(FileAppender& out) const {
    return out.box(fourcc("tref"),
                   [&] { return out.box(fourcc("cdsc"), [&] { return out.u32(pictures_); }); });
  }

  static Status write_mdia(FileAppender& out, BytesView mdia, const SampleTables& tables,
                           const TrackTotals& totals, const MetadataDescription* metadata) {
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
                CAM_TRY_STATUS(tables.write(out, part.body, totals, metadata));
              } else if (metadata != nullptr &&
                         (part.type == fourcc("gmhd") || part.type == fourcc("nmhd"))) {
                CAM_TRY_STATUS(out.raw(metadata->media_header));
              } else {
                CAM_TRY_STATUS(out.raw(part.whole));
              }
            }
            return ok();
          }));
        } else if (metadata != nullptr && child.type == fourcc("hdlr")) {
          CAM_TRY_STATUS(out.raw(metadata->handler));
        } else {
          CAM_TRY_STATUS(out.raw(child.whole));
        }
      }
      return ok();
    });
  }

  // Version 1: 13 hours at 90 kHz do not fit into 32 bits.
  static Status write_mdhd(FileAppender& out, BytesView old, std::uint64_t duration) {
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

  int fd_;
  BytesView file_;
  const MetadataByTrack& metadata_;
  std::uint32_t pictures_;
  BytesView moov_;
  std::uint64_t moov_offset_ = 0;
  std::uint64_t end_ = 0;  // of the last fragment
  std::uint32_t movie_timescale_ = 0;
  std::vector<std::uint64_t> moofs_;
};

}  // namespace

Status add_mp4_index(int fd, const MetadataByTrack& metadata, std::uint32_t pictures) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return fail(Errc::io, "cannot look at the file: " + errno_text(errno));
  if (info.st_size <= 0) return fail(Errc::malformed, "empty file");
  const auto size = static_cast<std::size_t>(info.st_size);
  void* map = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (map == MAP_FAILED) return fail(Errc::io, "cannot map the file: " + errno_text(errno));
  auto status = Indexer(fd, {static_cast<const std::uint8_t*>(map), size}, metadata, pictures).run();
  ::munmap(map, size);
  return status;
}

}  // namespace camvault::container
