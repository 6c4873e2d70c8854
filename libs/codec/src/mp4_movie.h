// What moov says about the tracks (ISO/IEC 14496-12, 8.1 to 8.5; ISO/IEC 14496-15 for the sample entries).
#pragma once

#include <string>
#include <vector>

#include "bmff.h"
#include "camvault/codec/side_sample.h"
#include "camvault/codec/unit.h"

namespace camvault::codec::mp4 {

// One sample entry: how the samples that name it are cut into units.
struct SampleDescription {
  Codec codec = Codec::h264;
  std::uint8_t length_size = 4;  // bytes of the length before each unit: 1, 2 or 4; 0 with AV1: OBUs
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::vector<BytesView> parameter_sets;  // of avcC or hvcC
};

struct VideoTrack {
  std::uint32_t id = 0;
  std::uint32_t timescale = 0;
  std::vector<SampleDescription> descriptions;
  BytesView sample_tables;  // content of stbl
  // What an edit list takes off the times of the samples (8.6.6): the media time of its first edit less the
  // empty edits before it, in units of the track.
  std::int64_t edit_shift = 0;
};

// trex: what a fragment leaves out (8.8.3).
struct FragmentDefaults {
  std::uint32_t description = 1;
  std::uint32_t duration = 0;
  std::uint32_t size = 0;
};

// A track beside the video. Only sizes, places and times of its samples are of interest.
struct SideTrack {
  SideKind kind = SideKind::audio;
  VideoTrack track;
  FragmentDefaults defaults;
};

struct Movie {
  VideoTrack video;
  std::vector<std::string> not_video;
  bool has_fragments = false;  // mvex is there
  FragmentDefaults defaults;
  std::vector<SideTrack> side;  // of sound and metadata, in order; damaged ones are left out
  std::vector<std::string> not_comparable;
};

// The first video track that we can read, and the names of all others. Errc::unsupported names the codec, or
// says that the video is encrypted, when there is video but none that we read.
Result<Movie> read_movie(BytesView moov);

}  // namespace camvault::codec::mp4
