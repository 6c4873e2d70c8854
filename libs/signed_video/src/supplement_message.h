// The supplement SEI as a value: bytes <-> values, no cryptography (docs/formats/supplement-sei.md).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "camvault/crypto/hash.h"
#include "camvault/signed_video/supplement.h"
#include "sei_message.h"

namespace camvault::signed_video {

// Version 4 UUID, made for this format; the arc of kSupplementOid is the same number.
inline constexpr std::array<std::uint8_t, 16> kSupplementUuid = {
    0x5d, 0xd6, 0x44, 0xf4, 0xf4, 0x57, 0x4d, 0x2f, 0x86, 0x80, 0xfe, 0x9b, 0x3e, 0xa9, 0xa1, 0xa8};

// What the signature speaks about begins with this text and not with a NAL header, so that no Media Signing
// document (which begins with 06 05, 4e 01 05 or 50 01 05) can be taken for a supplement, nor the other way
// round: one key, two documents that cannot be confused.
inline constexpr std::string_view kSupplementDomain{"Camvault supplement\0", 20};
inline constexpr std::uint8_t kSupplementVersion = 1;

inline constexpr std::size_t kMaxSupplementSize = 4 * 1024 * 1024;
inline constexpr std::size_t kMaxSupplementRecords = 1024;
inline constexpr std::size_t kMaxSupplementPictures = 200'000;      // of one GOP
inline constexpr std::size_t kMaxSupplementParameterSets = 16'384;  // mentions in one GOP
inline constexpr std::size_t kMaxSupplementSamples = 65'535;        // of one run of a track

// Times inside a record: offsets from the record's base in steps of 10 us (+- 5.9 hours).
inline constexpr std::int64_t kTicksPerOffset = 100;
inline constexpr std::int32_t kNoOffset = INT32_MIN;  // no time, or one too far away

using Hash256 = std::array<std::uint8_t, 32>;
using SampleTag = std::array<std::uint8_t, 16>;  // first half of the sample's SHA-256

struct SignedPicture {
  std::uint64_t tag = 0;  // first bytes of the hash of its first slice: finds it, proves nothing
  std::int32_t offset = kNoOffset;
};

// A parameter set as the decoder has it from this picture of the GOP on. Those in force when the GOP begins
// have picture 0.
struct SignedParameterSet {
  std::uint32_t picture = 0;
  std::uint8_t type = 0;  // nal_unit_type
  std::uint16_t id = 0;   // the set's own number, of its type
  Hash256 hash{};
};

// Another unit that is no slice: SEIs of others, and what is reserved or unspecified.
struct SignedUnit {
  std::uint32_t picture = 0;  // that it belongs to
  std::uint8_t type = 0;
  Hash256 hash{};
};

struct GopSection {
  std::uint32_t counter = 0;  // as in the GOP's Media Signing SEI
  bool partial = false;
  bool last = false;  // the recording ends here: no picture follows
  crypto::Digest gop_hash;
  std::int64_t base = 0;  // presentation time of offset 0, ticks of 100 ns; its zero means nothing
  std::vector<SignedPicture> pictures;
  crypto::Digest next;  // hash of the first slice of the picture that follows; empty if there is none
  std::vector<SignedParameterSet> parameter_sets;
  std::vector<SignedUnit> units;
};

struct SignedSample {
  std::int32_t offset = kNoOffset;
  SampleTag tag{};
};

struct TrackSection {
  std::uint8_t track = 0;
  SideKind kind = SideKind::audio;
  std::uint64_t first = 0;  // number of the first sample in its track, from 0
  std::int64_t base = 0;
  Hash256 run{};  // SHA-256 of the samples' full SHA-256 values
  std::vector<SignedSample> samples;
};

struct CarriedRecord {
  std::uint16_t type = 0;
  Bytes value;
};

struct Supplement {
  std::array<std::uint8_t, 16> session{};  // random, of one run of the signer
  std::uint32_t number = 0;                // of the supplement in its session, from 0
  crypto::HashAlg hash = crypto::HashAlg::sha256;
  crypto::Digest previous;  // that the supplement before it signed; empty: it is the first
  std::vector<GopSection> gops;
  std::vector<TrackSection> tracks;
  std::vector<CarriedRecord> records;  // time stamps, attestation, and types of later versions
  Bytes signature;
  Bytes document;  // what the signature speaks about
};

// `unit` satisfied is_supplement_sei().
Result<Supplement> read_supplement(codec::Codec codec, BytesView unit);

// The records of a supplement without the signature; add_signature() makes the unit of them.
Result<Bytes> supplement_body(const Supplement& supplement);
Bytes supplement_document(BytesView body);
Result<Bytes> supplement_unit(codec::Codec codec, bool behind_slices, BytesView body, BytesView signature);

}  // namespace camvault::signed_video
