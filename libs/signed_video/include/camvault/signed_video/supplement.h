// The signed supplement: an SEI of our own beside ONVIF Media Signing's, for what that leaves open (parameter
// sets, other SEIs, sound, timed metadata, times, the link forward), and a carrier for records that belong to
// a recording: time stamps, key attestation. docs/formats/supplement-sei.md is the format; this header is the
// registry of its numbers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "camvault/base/bytes.h"
#include "camvault/base/result.h"
#include "camvault/base/time.h"
#include "camvault/codec/side_sample.h"
#include "camvault/codec/unit.h"
#include "camvault/crypto/certificate.h"

namespace camvault::signed_video {

// Numbers are never used twice. A reader passes over types it does not know: the signature covers them all
// the same.
enum class RecordType : std::uint16_t {
  session = 1,
  gop = 2,
  parameter_sets = 3,
  units = 4,
  track = 5,
  time_stamp = 6,   // RFC 3161 token over a signature (GopSignature)
  attestation = 7,  // where the signing key lives, as its backend says
  next_key = 8,     // the certificate whose key signs after this one's
  previous = 9,     // the supplement before
  signature = 0xffff,
};

// "time_stamp", ...; "unknown" for numbers of a later version.
std::string_view name_of_record(std::uint16_t type);

// RecordType::time_stamp
struct TimeStampRecord {
  std::array<std::uint8_t, 32> signature_sha256{};  // of the signature value that was stamped
  Bytes token;                                      // TimeStampToken, DER (RFC 3161 2.4.2)
};
Result<Bytes> encode_record(const TimeStampRecord& record);
Result<TimeStampRecord> read_time_stamp_record(BytesView value);

// RecordType::attestation
struct AttestationRecord {
  std::string backend;  // "tpm2", "se05x", ...; 1 to 32 bytes
  Bytes nonce;          // at most 255 bytes
  Bytes evidence;       // in the backend's own form
};
Result<Bytes> encode_record(const AttestationRecord& record);
Result<AttestationRecord> read_attestation_record(BytesView value);

// RecordType::next_key: a camera that changes its key lets the old one name the new one.
struct NextKeyRecord {
  std::array<std::uint8_t, 32> certificate_sha256{};  // of the next signing certificate, DER
};
Bytes encode_record(const NextKeyRecord& record);
Result<NextKeyRecord> read_next_key_record(BytesView value);

inline constexpr std::size_t kMaxRecordSize = 64 * 1024;  // of one record that a caller adds
inline constexpr std::size_t kMaxWaitingRecords = 16;     // that a signer keeps for its next supplement

// Does the certificate promise supplements (crypto/extensions.h)? A malformed one does not.
bool announces_supplement(const crypto::Certificate& certificate);

// Is this unit one of our supplements? Decides by the UUID alone. Editors that sign anew take it away.
bool is_supplement_sei(codec::Codec codec, BytesView unit);

using codec::SideKind;
using codec::SideSample;

// A signature as it goes into the stream: what a time stamp authority is asked to stamp. That of the GOP's
// supplement, which names the supplement before: a stamp on it speaks about all that was signed until then.
// That of the GOP's own SEI, which speaks about this GOP alone, if there is no supplement.
struct GopSignature {
  std::uint32_t counter = 0;       // of the (partial) GOP
  std::optional<Timestamp> start;  // as signed
  BytesView signature;             // valid during the call
};

}  // namespace camvault::signed_video
