// Signs H.264 and H.265 video by ONVIF Media Signing (specification 26.06), and AV1 in the form of Axis
// Signed Video, while it passes. One signer, one stream, one thread; signatures complete on other threads and
// never hold a picture up.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "camvault/base/time.h"
#include "camvault/codec/unit.h"
#include "camvault/crypto/engine.h"
#include "camvault/signed_video/supplement.h"

namespace camvault::signed_video {

struct VendorInfo {
  std::string firmware;
  std::string serial;
  std::string manufacturer;  // each at most 255 bytes
};

// How signatures are written. ONVIF has no form for AV1; Axis Signed Video has one for all three codecs.
enum class SignatureForm : std::uint8_t {
  usual,  // onvif for H.264 and H.265, axis for AV1
  onvif,
  axis,  // docs/formats/axis-signed-video.md; the chain travels in Axis' field for factory-provisioned keys
};

struct SignerOptions {
  codec::Codec codec = codec::Codec::h264;
  SignatureForm form = SignatureForm::usual;
  crypto::HashAlg hash = crypto::HashAlg::sha256;
  std::string chain_pem;  // signing certificate first, then intermediates; never the root
  VendorInfo vendor;
  bool low_bitrate = false;     // no hash lists: a GOP is valid or not as a whole
  bool certificate_sei = true;  // a certificate SEI at the start and on request
  // Chain and vendor information in every signed SEI, so that any piece of the video can be verified by
  // itself. Without it they stand in the certificate SEI alone (about 1.5 KB less a GOP).
  bool chain_in_every_sei = true;
  bool emulation_prevention = true;    // SEIs are hashed as they are written into the stream
  std::uint32_t signing_interval = 1;  // sign every n-th GOP; the others are covered through it
  // A longer GOP is signed in parts. 0: what ONVIF's reference verifier can take, 600 units with SHA-256, 400
  // with SHA-384, 300 with SHA-512.
  std::uint32_t max_partial_units = 0;
  Ticks max_partial_time = std::chrono::seconds(5);
  bool repeat_seis = false;  // every SEI twice, for lossy transport
  // For files, where no live picture is held up: waits for each signature instead of sending unsigned SEIs.
  bool wait_for_key = false;
  // A signed supplement before each signed SEI: parameter sets, other SEIs, sound, metadata, times and the
  // link forward (supplement.h). A second signature a GOP. ONVIF's form only. Cannot be switched off when the
  // signing certificate promises it.
  bool supplement = true;
  // Told of each signature that goes into the stream, on the signer's thread, inside add() or finish().
  std::function<void(const GopSignature&)> on_signature;
  // Counter of the first GOP. Random when not given, so that two recordings can be told apart.
  std::optional<std::uint32_t> first_counter;
};

class Signer {
 public:
  // SEIs whose signatures may wait at the same time, each with its supplement. A GOP that ends while so many
  // wait gets an unsigned SEI, which the next signed one covers.
  static constexpr std::size_t kMaxWaiting = 8;

  // `engine` must outlive the signer.
  static Result<Signer> create(const crypto::Engine& engine, std::shared_ptr<crypto::SigningKey> key,
                               SignerOptions options);
  ~Signer();
  Signer(Signer&&) noexcept;
  Signer& operator=(Signer&&) noexcept;

  // Hashes the units of one access unit (one picture, decoding order; AV1: one temporal unit) captured at
  // `time` and returns the SEI units that go before its first slice. The views live until the next call.
  // Times that run backwards are lifted to the last one. `presentation`: when the container will show the
  // picture, on a clock of its own whose zero means nothing. The supplement signs it; without it container
  // times are not covered.
  Result<std::span<const Bytes>> add(std::span<const BytesView> access_unit, Timestamp time,
                                     std::optional<Ticks> presentation = std::nullopt);

  // A parameter set or SEI that the container's header holds, before the first picture: the supplement signs
  // what the decoder has. Parameter sets in the stream are seen anyway, and replace it.
  void add_header_unit(BytesView unit);

  // A sample of a track beside the pictures, in the order of its track; about when its picture comes, before
  // finish(). `sample.track` is below 32 and means the same track always. Ignored without a supplement.
  Status add_side(const SideSample& sample);

  // Puts a record into the next supplement: RecordType::time_stamp, RecordType::attestation, or a number that
  // registry has for later. From any thread, at any time; Errc::limit when kMaxWaitingRecords wait already
  // (they go out when the next GOP is signed). Errc::usage without a supplement.
  Status add_record(RecordType type, Bytes value);

  // The stream ends: waits at most `patience` for signatures under way and returns the last SEIs, which go
  // behind the last picture. Nothing can be added afterwards.
  Result<std::span<const Bytes>> finish(std::chrono::milliseconds patience = std::chrono::seconds(10));

  // From a coming border of two GOPs on, another key signs: a certificate was renewed. Nothing waits for it.
  // Before that the old key names the new certificate in a supplement (RecordType::next_key), so that the
  // change is vouched for even if another authority issued it; an old key that does not answer any more is
  // waited for in vain for three signatures. Both certificates name the same device. Errc::usage for what
  // cannot follow the certificate that is there, Errc::unsupported in Axis' form, whose verifiers take a
  // change for another camera; Errc::exists while an earlier change is under way.
  Status change_key(std::shared_ptr<crypto::SigningKey> key, std::string chain_pem);

  // Writes the certificate SEI once more before the next picture (a client joined, an export begins).
  void request_certificate_sei();

  struct Counters {
    std::uint64_t units_hashed = 0;
    std::uint64_t seis_signed = 0;
    std::uint64_t seis_unsigned = 0;  // the key was too slow
    std::uint64_t signatures_failed =
        0;  // the key refused or was away: those GOPs are covered by the next signature
    std::uint64_t supplements = 0;
    std::uint64_t keys_changed = 0;
  };
  Counters counters() const;

 private:
  class Impl;
  explicit Signer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace camvault::signed_video
