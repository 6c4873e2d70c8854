// The video track of a file we make, from the first units of its stream.
#pragma once

#include "parameter_sets.h"
#include "track.h"

namespace camvault::container {

// Picture size and decoder configuration come from the parameter sets; tags 'avc1' and 'hvc1', which every
// player knows. The same parameter sets may stand in the stream as well.
Result<Track> make_video_track(codec::Codec codec, const ParameterSets& sets, std::uint32_t timescale);

// libavcodec's number for the codec, and back.
std::uint32_t av_codec_id(codec::Codec codec);
std::optional<codec::Codec> codec_of(const Track& track);
// Samples of PCM are cut by each container as it likes.
bool is_pcm(const Track& track);

// The tag that a decoder configuration is written with: as in the source if players know it there.
std::uint32_t player_tag(codec::Codec codec, std::uint32_t source_tag);

// Views of the parameter sets in avcC, hvcC or a byte stream; what breaks off ends them.
std::vector<BytesView> units_of_configuration(codec::Codec codec, BytesView config);

// The units of one access unit as a container's sample holds them.
Status append_sample(Bytes& out, codec::Codec codec, std::span<const BytesView> units);

// Each unit behind its length in four bytes.
Status append_with_lengths(Bytes& out, std::span<const BytesView> units);

void append_with_start_code(Bytes& out, BytesView unit);

}  // namespace camvault::container
