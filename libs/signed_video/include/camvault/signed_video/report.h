// What the verifier has to say about a clip: one verdict, where the video comes from (apart from it), GOPs,
// and a list of everything that is not as it was signed. Pictures are counted from 0 in decoding order, GOPs
// from 0 by IDR; a missing picture has the index it would have had.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "camvault/attestation/check.h"
#include "camvault/base/time.h"
#include "camvault/codec/unit.h"
#include "camvault/crypto/certificate.h"
#include "camvault/crypto/time_stamp.h"
#include "camvault/signed_video/supplement.h"

namespace camvault::signed_video {

enum class Verdict : std::uint8_t { authentic, authentic_with_missing_frames, not_authentic, not_signed };
std::string_view to_string(Verdict verdict);  // as in the JSON report

// What is known about one unit, picture or GOP.
enum class UnitStatus : std::uint8_t {
  authentic,
  altered,       // stands where a signed unit stood, with other content
  missing,       // was signed, is not there
  extra,         // is there, was never signed at this place
  out_of_place,  // was signed, but stands elsewhere in the order
  not_covered,   // no valid signature speaks about it
};
std::string_view to_string(UnitStatus status);

enum class SignatureStatus : std::uint8_t {
  valid,
  invalid,  // does not verify with the signer's key
  none,     // no signed SEI covers this GOP
  no_key,   // signed, but the signer's certificate is not in the clip
};
std::string_view to_string(SignatureStatus status);

// What else a signature speaks about. A link proves the first picture of the GOP before alone, since it is
// that picture's hash; the supplements name whole GOPs, and each the supplement before it.
struct GopBinding {
  std::uint64_t first_sei = 0;  // numbers in the clip of the SEIs about the GOP, or its parts
  std::uint64_t last_sei = 0;
  std::uint32_t parts = 0;
  bool named = false;   // by its supplements, or hashed by the GOP behind it
  bool within = true;   // each part names the one before
  bool before = false;  // it names the GOP before
};

struct GopReport {
  std::uint32_t index = 0;  // of the GOP in the clip, by IDR; a missing one has the index it would have had
  UnitStatus verdict = UnitStatus::not_covered;
  SignatureStatus signature = SignatureStatus::none;
  bool linked = false;  // its signed link to the previous (partial) GOP fits
  std::uint32_t first_picture = 0;
  std::uint32_t pictures = 0;      // as found in the clip
  std::optional<Timestamp> start;  // as signed
  std::optional<Timestamp> end;    // as signed: first picture of the next GOP, exclusive
  // Of Report::time_stamps: the first trusted one that speaks about this GOP, through others or directly.
  std::optional<std::uint32_t> time_stamp;
  GopBinding binding = {};
};

// A run of units that share a status other than authentic.
struct Finding {
  UnitStatus status = UnitStatus::not_covered;
  std::uint32_t first_picture = 0;
  std::uint32_t last_picture = 0;  // inclusive
  std::uint32_t clip_picture = 0;  // index of the first picture among those that are in the clip
  std::uint32_t gop = 0;           // of the first picture
  std::uint32_t units = 0;         // how many units the run has (a picture can have many slices)
  std::optional<Timestamp>
      time;  // of the first picture: container time if there is one, else the GOP's signed time
  bool container_time = false;  // `time` is since the beginning of the clip
  std::uint64_t offset = 0;     // first byte in the file; 0 for missing units
  std::string what;             // one sentence: "picture content altered", "3 pictures removed", ...
};

// Things about the clip as a whole that a reader must know.
enum class NoteKind : std::uint8_t {
  beginning_missing,        // the first SEI speaks about video before the clip begins
  unsigned_tail,            // pictures after the last signature: normal for a cut or running recording
  unsigned_head,            // pictures before the first GOP that any signature covers
  gops_missing,             // a gap in the GOP counter: a run of GOPs was removed
  out_of_order,             // GOPs stand in another order than they were recorded in
  joined,                   // two recordings were put together here
  sei_removed,              // pictures stand there whose signature was taken away
  sei_repeated,             // the same SEI more than once: allowed
  sei_invalid,              // an SEI whose signature does not verify
  sei_malformed,            // an SEI with our UUID that breaks the format
  key_changed,              // the signer's certificate changed, vouched for by its issuer or its former key
  signer_changed,           // the signer changed and nothing vouches for that
  no_certificate,           // signed, but the signer's certificate is not in the clip
  types_not_hashed,         // the signer left some picture types out: those pictures are not covered
  last_gop_not_verifiable,  // stale end-of-stream SEI of ONVIF's reference signer in low-bitrate mode
  not_covered_by_format,  // parameter sets, other SEIs, audio, times: what nothing speaks about, with counts
  times_implausible,      // before the year 2000
  clip_truncated,         // the file ends inside a unit
  lost_on_the_way,        // a network lost units here (Verifier::gap)
  // What our signed supplement finds (supplement.h)
  supplement_removed,  // the camera writes one with each signature; here some or all were taken away
  supplement_invalid,  // its signature does not verify, or it breaks the format
  parameter_sets_altered,
  parameter_sets_missing,
  units_altered,  // other SEIs and units of reserved types
  units_missing,
  units_extra,
  times_altered,  // container times do not follow the signed ones
  audio_altered,
  audio_missing,  // samples, or the whole track: then it says nothing against the rest
  audio_extra,
  audio_moved,        // samples in another order, or the track moved against the pictures
  audio_not_checked,  // the container's sound cannot be compared here
  metadata_altered,
  metadata_missing,
  metadata_extra,
  metadata_moved,
  next_picture_differs,  // behind the last signature: not the picture that followed in the recording
  pictures_behind_end,   // behind the place where the camera says that its recording ended
  ending_missing,        // the recording went on behind the end of the clip
  complete_to_the_end,   // the camera signed that its recording ends where the clip does
  clock_jump,            // the camera's clock was set, or its pictures stood still
  gop_number_repeated,   // the signer used a GOP number twice; the chain of links is whole
  restarted,             // the same camera began a new recording
  // What others say (docs/time-and-origin.md)
  time_stamp_invalid,      // a time stamp that is none: not of these signatures, or badly signed
  time_stamp_contradicts,  // the camera signed a later time than a trusted authority says
  time_stamp_late,         // stamped long after the time that the camera signed
  attestation_invalid,     // evidence about the signing key that is of another key, or badly signed
};
std::string_view to_string(NoteKind kind);

struct Note {
  NoteKind kind;
  std::uint32_t gop = 0;
  std::uint64_t count = 0;
  std::string text;  // one sentence for people
};

enum class Provenance : std::uint8_t { trusted, untrusted, unknown };
std::string_view to_string(Provenance provenance);

struct SignerInfo {
  std::string subject;
  std::string issuer;
  std::string serial;               // the device's serial number, from the certificate's subject
  std::string fingerprint;          // SHA-256 of the certificate, hex
  std::string vendor_manufacturer;  // as the vendor information in the stream says; signed with the video
  std::string vendor_firmware;
  std::string vendor_serial;
  std::string key;  // "ec-p256", ...
  bool user_provisioned = false;
};

// A certificate, and what of the clip it signed.
struct SignerPeriod {
  std::string subject;
  std::string issuer;
  std::string number;            // of the certificate, hex
  std::string fingerprint;       // SHA-256 of the certificate, hex
  std::optional<Timestamp> end;  // of the certificate; none: no end
  enum class Vouched : std::uint8_t {
    first,        // nothing stands before it in the clip
    same_issuer,  // the authority that issued the certificate before
    former_key,   // the key before, in a supplement
    nobody,
  } vouched = Vouched::first;
  std::optional<Timestamp> first_time;  // as signed; none: no good signature
  std::optional<Timestamp> last_time;
  std::optional<std::uint32_t> first_gop;  // index in the clip
};
std::string_view to_string(SignerPeriod::Vouched vouched);

struct GopSignatureInfo {
  std::uint32_t counter = 0;
  std::uint64_t sei = 0;  // GopBinding
  bool of_supplement = false;
  std::optional<Timestamp> start;  // as signed
  std::optional<Timestamp> end;
};

// A record out of a supplement whose signature is good: for others to judge (supplement.h has their forms).
struct ReportedRecord {
  std::uint16_t type = 0;  // RecordType, or a number of a later version
  Bytes value;
  std::uint32_t gop = 0;  // in which it stands
  std::string signer;     // fingerprint of the certificate whose key signed it
  // Of a time stamp: the GOP whose signature it stamps, if that signature is in the clip and good.
  std::optional<GopSignatureInfo> stamped;
};

struct SideReport {
  SideKind kind = SideKind::audio;
  std::uint32_t track = 0;  // of the clip
  std::uint64_t samples = 0;
  std::uint64_t authentic = 0;
  std::uint64_t altered = 0;
  std::uint64_t missing = 0;
  std::uint64_t extra = 0;
  std::uint64_t out_of_place = 0;
  std::uint64_t retimed = 0;
  std::uint64_t not_covered = 0;
};

// What our supplement covers, in figures.
struct SupplementReport {
  bool promised = false;             // by the signing certificate
  std::uint32_t supplements = 0;     // with a good signature
  std::uint64_t gops = 0;            // (parts of) GOPs that were compared
  std::uint64_t parameter_sets = 0;  // in the stream and in the container's header
  std::uint64_t parameter_sets_covered = 0;
  std::uint64_t other_units = 0;  // SEIs of others, units of reserved types
  std::uint64_t other_units_covered = 0;
  std::uint64_t times = 0;           // pictures that the container gives a time
  std::uint64_t times_compared = 0;  // of these, compared with the signed one
  std::vector<SideReport> tracks;
  std::vector<std::string> not_comparable;  // tracks of which nothing can be compared (PCM)
};

// A time stamp in the clip (RFC 3161), judged.
struct TimeStampReport {
  crypto::TimeStampVerdict verdict = crypto::TimeStampVerdict::malformed;
  std::string reason;
  std::optional<Timestamp> time;  // what the authority says
  std::optional<Ticks> accuracy;
  std::string authority;
  std::string fingerprint;  // SHA-256 of its certificate, hex
  std::string policy;
  std::string serial;
  bool revocation_checked = false;
  std::optional<Timestamp>
      signed_time;  // of the GOP that was stamped, as the camera says; none: not in the clip
  // GOPs that were recorded before `time`, by index; none unless trusted.
  std::optional<std::uint32_t> first_gop;
  std::optional<std::uint32_t> last_gop;
};

// Evidence of where the signing key lives, judged (camvault/attestation/check.h).
struct AttestationReport {
  attestation::Standing standing = attestation::Standing::invalid;
  std::string reason;
  std::string kind;     // "keystored", ...
  std::string origin;   // "generated inside", ...; empty if it could not be read
  std::string backend;  // "software", ...
  bool simulator = false;
  std::optional<Timestamp> stated;
  std::uint32_t gop = 0;  // in which it stands
};

struct Report {
  Verdict verdict = Verdict::not_signed;
  std::string verdict_reason;  // one sentence in plain language
  Provenance provenance = Provenance::unknown;
  std::string provenance_reason;
  bool revoked = false;                // untrusted because a certificate of the chain was revoked
  std::optional<Timestamp> judged_at;  // the time certificates were judged at
  bool judged_at_given = false;        // by --at, not the recording time
  bool judged_at_stamped = false;      // a trusted time stamp's time, which is better than the camera's

  codec::Codec codec = codec::Codec::h264;
  std::string format = "ONVIF Media Signing";
  std::string hash;  // "SHA-256"; empty when not signed
  std::optional<SignerInfo> signer;
  std::vector<crypto::Certificate> chain;  // as found in the stream, leaf first; the last one, if it changed
  std::vector<SignerPeriod> signers;       // in the order of the clip; more than one: the key was changed

  std::optional<Timestamp> first_time;  // of the signed part
  std::optional<Timestamp> last_time;

  std::uint64_t units = 0;     // all units read
  std::uint64_t bytes = 0;     // of these units
  std::uint32_t pictures = 0;  // in the clip (missing ones not counted)
  std::uint32_t pictures_authentic = 0;
  std::uint32_t pictures_altered = 0;
  std::uint32_t pictures_missing = 0;  // that the hash lists prove; whole missing GOPs count in gops_missing
  std::uint32_t pictures_extra = 0;
  std::uint32_t pictures_out_of_place = 0;
  std::uint32_t pictures_not_covered = 0;
  std::uint32_t gops_missing = 0;  // by the counter
  std::uint32_t seis_signed = 0;
  std::uint32_t seis_unsigned = 0;

  SupplementReport supplement;
  std::vector<ReportedRecord> records;  // at most kMaxRecords
  bool records_truncated = false;

  std::vector<TimeStampReport> time_stamps;  // in the order of the clip
  std::vector<AttestationReport> attestations;

  std::vector<GopReport> gops;      // at most kMaxGops; the last one then stands for all behind it
  std::vector<Finding> findings;    // at most kMaxFindings, in order of the clip
  bool findings_truncated = false;  // or the GOPs
  std::vector<Note> notes;

  static constexpr std::size_t kMaxGops = 250'000;  // some three days
  static constexpr std::size_t kMaxFindings = 10'000;
  static constexpr std::size_t kMaxRecords = 10'000;
  static constexpr std::size_t kMaxRecordBytes = 8 * 1024 * 1024;  // of all records together
};

}  // namespace camvault::signed_video
