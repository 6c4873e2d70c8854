// The kinds of clip behind open_clip().
#pragma once

#include "camvault/codec/clip.h"
#include "clip_bytes.h"

namespace camvault::codec {

// By content: the type of the first box. Checked before Annex B, since the size of a first box can look like
// a start code (00 00 01 xx "ftyp"). `window`: how much of a clip is kept in memory that does not lie there
// anyway.
bool looks_like_mp4(BytesView file);
Result<std::unique_ptr<UnitSource>> open_mp4(ClipBytes clip, std::size_t window, bool everything);

// Errc::malformed if the codec is not given and not clear, or if there is no start code at all.
Result<std::unique_ptr<UnitSource>> open_annex_b(ClipBytes clip, std::optional<Codec> codec,
                                                 std::size_t window);

// Units behind their lengths of four bytes, big endian.
Result<std::unique_ptr<UnitSource>> open_units(ClipBytes clip, Codec codec, std::size_t window);

// A temporal delimiter begins every AV1 stream (AV1 specification 7.5): OBU header with a size field that
// says 0.
bool looks_like_obus(BytesView file);
Result<std::unique_ptr<UnitSource>> open_obus(ClipBytes clip, std::size_t window);

bool looks_like_ivf(BytesView file);
// `head` holds the first bytes. Errc::unsupported for another codec than AV1.
Result<std::unique_ptr<UnitSource>> open_ivf(ClipBytes clip, BytesView head, std::size_t window);

// Which codec the units at the beginning of a byte stream speak. Empty if that is not clear.
std::optional<Codec> guess_codec(BytesView stream);

}  // namespace camvault::codec
