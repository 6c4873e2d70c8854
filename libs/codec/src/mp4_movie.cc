#include "mp4_movie.h"

#include "camvault/codec/decoder_configuration.h"

namespace camvault::codec::mp4 {

namespace {

using bmff::FourCc;
using bmff::fourcc;

// A camera has one to three tracks; a film a few dozen.
constexpr std::size_t kMaxTracks = 128;
// More than one entry only when parameters change in the middle of a track.
constexpr std::uint32_t kMaxDescriptions = 16;
// 12.1.3: fixed part of a VisualSampleEntry behind its box header.
constexpr std::size_t kVisualEntrySize = 78;

Result<std::uint8_t> avc_length_size(BytesView avcc) {
  ByteReader in(avcc);
  CAM_TRY(const auto version, in.u8());
  if (version != 1) return fail(Errc::unsupported, "MP4: version of avcC");
  CAM_TRY_STATUS(in.skip(3));  // profile, compatibility, level
  CAM_TRY(const auto lengths, in.u8());
  return static_cast<std::uint8_t>((lengths & 3) + 1);
}

Result<std::uint8_t> hevc_length_size(BytesView hvcc) {
  ByteReader in(hvcc);
  CAM_TRY(const auto version, in.u8());
  if (version > 1) return fail(Errc::unsupported, "MP4: version of hvcC");  // 0: drafts, the same layout
  CAM_TRY_STATUS(in.skip(20));
  CAM_TRY(const auto lengths, in.u8());
  CAM_TRY_STATUS(in.skip(1));  // numOfArrays
  return static_cast<std::uint8_t>((lengths & 3) + 1);
}

Result<SampleDescription> read_sample_entry(const bmff::Box& entry) {
  SampleDescription description;
  if (entry.type == fourcc("avc1") || entry.type == fourcc("avc3")) {
    description.codec = Codec::h264;
  } else if (entry.type == fourcc("hvc1") || entry.type == fourcc("hev1")) {
    description.codec = Codec::h265;
  } else if (entry.type == fourcc("av01")) {
    description.codec = Codec::av1;
  } else if (entry.type == fourcc("encv")) {
    return fail(Errc::unsupported, "the video is encrypted (encv): it has to be decrypted first");
  } else {
    return fail(Errc::unsupported, "video codec " + bmff::name(entry.type) + " is not supported");
  }
  ByteReader in(entry.content);
  CAM_TRY_STATUS(in.skip(24));  // reserved, data reference index, pre_defined
  CAM_TRY(description.width, in.u16());
  CAM_TRY(description.height, in.u16());
  CAM_TRY_STATUS(in.skip(kVisualEntrySize - 28));
  const auto children = in.rest();
  if (description.codec == Codec::h264) {
    CAM_TRY(const auto avcc, bmff::require(children, fourcc("avcC")));
    CAM_TRY(description.length_size, avc_length_size(avcc));
    description.parameter_sets = parameter_sets_of(Codec::h264, avcc);
  } else if (description.codec == Codec::av1) {
    CAM_TRY(const auto av1c, bmff::require(children, fourcc("av1C")));
    // AV1 in ISOBMFF 2.3: marker bit and version 1. Its samples are OBUs that say their own size.
    if (av1c.empty() || av1c[0] != 0x81) return fail(Errc::unsupported, "MP4: version of av1C");
    description.length_size = 0;
  } else {
    CAM_TRY(const auto hvcc, bmff::require(children, fourcc("hvcC")));
    CAM_TRY(description.length_size, hevc_length_size(hvcc));
    description.parameter_sets = parameter_sets_of(Codec::h265, hvcc);
  }
  // ISO/IEC 14496-15, 5.3.3.1.2: lengthSizeMinusOne is 0, 1 or 3.
  if (description.length_size == 3) return fail(Errc::malformed, "MP4: unit lengths of 3 bytes");
  return description;
}

Result<std::vector<SampleDescription>> read_descriptions(BytesView stsd) {
  ByteReader in(stsd);
  CAM_TRY_STATUS(bmff::full_box(in));
  CAM_TRY(const auto count, in.u32());
  if (count == 0) return fail(Errc::malformed, "MP4: a video track without sample entry");
  if (count > kMaxDescriptions) return fail(Errc::limit, "MP4: too many sample entries");
  std::vector<SampleDescription> all;
  bmff::BoxReader entries(in.rest(), bmff::BoxReader::Where::box);
  for (std::uint32_t i = 0; i < count; ++i) {
    CAM_TRY(const auto entry, entries.next());
    if (!entry) return fail(Errc::malformed, "MP4: stsd claims more entries than it holds");
    CAM_TRY(const auto description, read_sample_entry(*entry));
    if (!all.empty() && all.front().codec != description.codec) {
      return fail(Errc::unsupported, "MP4: the video track changes its codec");
    }
    all.push_back(description);
  }
  return all;
}

struct TrackHead {
  std::uint32_t id = 0;
  std::uint32_t timescale = 0;
  FourCc handler = 0;
  FourCc entry = 0;  // first sample entry; 0 if there is none
  BytesView stsd;
  BytesView stbl;
};

Result<std::uint32_t> read_track_id(BytesView tkhd) {
  ByteReader in(tkhd);
  CAM_TRY(const auto header, bmff::full_box(in));
  CAM_TRY_STATUS(in.skip(header.version == 1 ? 16 : 8));  // creation and modification time
  return in.u32();
}

Result<std::uint32_t> read_timescale(BytesView mdhd) {
  ByteReader in(mdhd);
  CAM_TRY(const auto header, bmff::full_box(in));
  CAM_TRY_STATUS(in.skip(header.version == 1 ? 16 : 8));
  return in.u32();
}

Result<FourCc> read_handler(BytesView hdlr) {
  ByteReader in(hdlr);
  CAM_TRY_STATUS(bmff::full_box(in));
  CAM_TRY_STATUS(in.skip(4));
  return in.u32();
}

Result<FourCc> read_first_entry(BytesView stsd) {
  ByteReader in(stsd);
  CAM_TRY_STATUS(in.skip(8));  // version, flags, count
  if (in.remaining() < 8) return FourCc{0};
  CAM_TRY_STATUS(in.skip(4));
  return in.u32();
}

// Only what says which kind of track it is has to be in order: a broken sound track is no reason to refuse
// video.
Result<TrackHead> read_track_head(BytesView trak) {
  TrackHead head;
  CAM_TRY(const auto mdia, bmff::require(trak, fourcc("mdia")));
  CAM_TRY(const auto hdlr, bmff::require(mdia, fourcc("hdlr")));
  CAM_TRY(head.handler, read_handler(hdlr));
  CAM_TRY(const auto minf, bmff::find(mdia, fourcc("minf")));
  if (!minf) return head;
  CAM_TRY(const auto stbl, bmff::find(*minf, fourcc("stbl")));
  if (!stbl) return head;
  head.stbl = *stbl;
  CAM_TRY(const auto stsd, bmff::find(*stbl, fourcc("stsd")));
  if (!stsd) return head;
  head.stsd = *stsd;
  CAM_TRY(head.entry, read_first_entry(*stsd));
  if (head.handler != fourcc("vide")) return head;
  CAM_TRY(const auto tkhd, bmff::require(trak, fourcc("tkhd")));
  CAM_TRY(head.id, read_track_id(tkhd));
  CAM_TRY(const auto mdhd, bmff::require(mdia, fourcc("mdhd")));
  CAM_TRY(head.timescale, read_timescale(mdhd));
  return head;
}

// 8.6.5, 8.6.6: the edits that begin the track, in units of the media.
Result<std::int64_t> read_edit_shift(BytesView trak, std::uint32_t timescale, std::uint32_t movie_timescale) {
  constexpr std::uint32_t kMaxEmptyEdits = 16;
  constexpr std::int64_t kMaxShift = std::int64_t{1} << 40;
  CAM_TRY(const auto edts, bmff::require(trak, fourcc("edts")));
  CAM_TRY(const auto elst, bmff::require(edts, fourcc("elst")));
  ByteReader in(elst);
  CAM_TRY(const auto box, bmff::full_box(in));
  CAM_TRY(const auto count, in.u32());
  std::uint64_t empty = 0;  // in units of the movie
  for (std::uint32_t i = 0; i < std::min(count, kMaxEmptyEdits); ++i) {
    std::uint64_t length = 0;
    std::int64_t media = 0;
    if (box.version == 1) {
      CAM_TRY(length, in.u64());
      CAM_TRY(const auto time, in.u64());
      media = static_cast<std::int64_t>(time);
    } else {
      CAM_TRY(length, in.u32());
      CAM_TRY(const auto time, in.u32());
      media = static_cast<std::int32_t>(time);
    }
    CAM_TRY_STATUS(in.skip(4));  // media_rate
    if (media > kMaxShift || empty > UINT32_MAX) break;
    if (media >= 0)
      return media -
             (movie_timescale == 0 ? 0 : static_cast<std::int64_t>(empty * timescale / movie_timescale));
    empty += std::min<std::uint64_t>(length, UINT32_MAX);
  }
  return std::int64_t{0};
}

// Whatever cannot be read counts as no edit.
std::int64_t edit_shift_of(BytesView trak, std::uint32_t timescale, std::uint32_t movie_timescale) {
  return read_edit_shift(trak, timescale, movie_timescale).value_or(0);
}

std::uint32_t movie_timescale_of(BytesView moov) {
  const auto mvhd = bmff::find(moov, fourcc("mvhd"));
  return mvhd && *mvhd ? read_timescale(**mvhd).value_or(0) : 0;
}

// Every container cuts PCM as it likes: ISO/IEC 23003-5, QuickTime, and the G.711 that cameras like.
bool is_pcm(FourCc entry) {
  for (const auto pcm : {fourcc("ipcm"), fourcc("fpcm"), fourcc("lpcm"), fourcc("sowt"), fourcc("twos"),
                         fourcc("in24"), fourcc("in32"), fourcc("fl32"), fourcc("fl64"), fourcc("raw "),
                         fourcc("NONE"), fourcc("ulaw"), fourcc("alaw")}) {
    if (entry == pcm) return true;
  }
  return false;
}

std::string describe(const TrackHead& head);

Result<std::uint32_t> side_track_id(BytesView trak) {
  CAM_TRY(const auto tkhd, bmff::require(trak, fourcc("tkhd")));
  return read_track_id(tkhd);
}

Result<std::uint32_t> side_timescale(BytesView trak) {
  CAM_TRY(const auto mdia, bmff::require(trak, fourcc("mdia")));
  CAM_TRY(const auto mdhd, bmff::require(mdia, fourcc("mdhd")));
  return read_timescale(mdhd);
}

// Sound and timed metadata; other tracks (hints, timecode, chapters) say nothing that was recorded.
void add_side_track(BytesView trak, const TrackHead& head, std::uint32_t movie_timescale, Movie& movie) {
  const bool audio = head.handler == fourcc("soun");
  const bool metadata = head.handler == fourcc("meta");
  if ((!audio && !metadata) || head.stbl.empty()) return;
  if (is_pcm(head.entry)) {
    movie.not_comparable.push_back(describe(head));
    return;
  }
  ByteReader stsd(head.stsd);
  const auto count = stsd.skip(4) ? stsd.u32() : Result<std::uint32_t>(0u);
  const auto id = side_track_id(trak);
  const auto timescale = side_timescale(trak);
  if (!count || *count == 0 || *count > kMaxDescriptions || !id || !timescale) return;
  SideTrack side;
  side.kind = audio ? SideKind::audio : SideKind::metadata;
  side.track.id = *id;
  side.track.timescale = *timescale;
  side.track.descriptions.resize(*count);
  side.track.sample_tables = head.stbl;
  side.track.edit_shift = edit_shift_of(trak, *timescale, movie_timescale);
  movie.side.push_back(std::move(side));
}

std::string describe(const TrackHead& head) {
  const auto kind = [&]() -> std::string {
    if (head.handler == fourcc("vide")) return "video";
    if (head.handler == fourcc("soun")) return "audio";
    if (head.handler == fourcc("meta")) return "metadata";
    if (head.handler == fourcc("text") || head.handler == fourcc("sbtl") || head.handler == fourcc("subt")) {
      return "text";
    }
    if (head.handler == fourcc("hint")) return "hint";
    if (head.handler == fourcc("tmcd")) return "timecode";
    return bmff::name(head.handler);
  }();
  return kind + " (" + (head.entry == 0 ? "empty" : bmff::name(head.entry)) + ")";
}

Result<FragmentDefaults> read_defaults(BytesView mvex, std::uint32_t track) {
  bmff::BoxReader boxes(mvex, bmff::BoxReader::Where::box);
  std::optional<FragmentDefaults> found;
  for (;;) {
    CAM_TRY(const auto box, boxes.next());
    if (!box) return found.value_or(FragmentDefaults{});
    if (box->type != fourcc("trex")) continue;
    ByteReader in(box->content);
    CAM_TRY_STATUS(bmff::full_box(in));
    CAM_TRY(const auto id, in.u32());
    if (id != track) continue;
    if (found) return fail(Errc::malformed, "MP4: two trex boxes for the video track");
    FragmentDefaults defaults;
    CAM_TRY(defaults.description, in.u32());
    CAM_TRY(defaults.duration, in.u32());
    CAM_TRY(defaults.size, in.u32());
    found = defaults;
  }
}

}  // namespace

Result<Movie> read_movie(BytesView moov) {
  Movie movie;
  bool chosen = false;
  std::optional<Error> refused;  // why the first video track that we cannot read is not read
  std::size_t tracks = 0;
  const auto movie_timescale = movie_timescale_of(moov);
  bmff::BoxReader boxes(moov, bmff::BoxReader::Where::box);
  for (;;) {
    CAM_TRY(const auto box, boxes.next());
    if (!box) break;
    if (box->type != fourcc("trak")) continue;
    if (++tracks > kMaxTracks) return fail(Errc::limit, "MP4: too many tracks");
    CAM_TRY(const auto head, read_track_head(box->content));
    if (head.handler == fourcc("vide") && !chosen) {
      auto descriptions = read_descriptions(head.stsd);
      if (descriptions) {
        movie.video = {head.id, head.timescale, std::move(*descriptions), head.stbl,
                       edit_shift_of(box->content, head.timescale, movie_timescale)};
        chosen = true;
        continue;
      }
      if (descriptions.error().code != Errc::unsupported) return tl::unexpected(descriptions.error());
      if (!refused) refused = descriptions.error();
    }
    movie.not_video.push_back(describe(head));
    add_side_track(box->content, head, movie_timescale, movie);
  }
  if (!chosen && refused) return tl::unexpected(*refused);
  if (!chosen) return fail(Errc::unsupported, "MP4: there is no video track");
  CAM_TRY(const auto mvex, bmff::find(moov, fourcc("mvex")));
  if (mvex) {
    movie.has_fragments = true;
    CAM_TRY(movie.defaults, read_defaults(*mvex, movie.video.id));
    for (auto& side : movie.side)
      side.defaults = read_defaults(*mvex, side.track.id).value_or(FragmentDefaults{});
  }
  return movie;
}

}  // namespace camvault::codec::mp4
