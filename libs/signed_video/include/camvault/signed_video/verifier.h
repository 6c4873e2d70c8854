// Verifies ONVIF Media Signing (specification 26.06) in a stream of H.264 or H.265 units. Memory does not
// grow with the length of the video (but for the report: one small record a GOP). One verifier, one stream,
// one thread; others help if VerifyOptions::jobs says so.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "camvault/codec/unit.h"
#include "camvault/crypto/engine.h"
#include "camvault/signed_video/report.h"

namespace camvault::signed_video {

// For those who watch while the video still comes. Called by the verifier's own thread inside its methods, in
// the order of the video.
struct PictureResult {
  std::uint32_t clip_picture = 0;  // as Verifier::pictures() counted when it came
  std::uint32_t picture = 0;       // with missing ones counted
  std::uint32_t gop = 0;
  UnitStatus status =
      UnitStatus::not_covered;  // missing: some of its slices are; those gone as a whole are not told
};
struct LiveOptions {
  std::function<void(const PictureResult&)> on_picture;  // what became of one, as soon as that is certain
  std::function<void(const GopReport&)> on_gop;          // nothing more will be said about this GOP
  // The report lists the last so many GOPs; 0: all. Counts cover all of them in any case.
  std::size_t keep_gops = 0;
};

inline constexpr unsigned kMaxJobs = 64;

struct VerifyOptions {
  std::vector<crypto::Certificate> anchors;  // who may say which camera it is; empty: origin not known
  // Who may stand behind certificates that a camera's user put into it; not given: `anchors`, too.
  std::optional<std::vector<crypto::Certificate>> owner_anchors;
  std::vector<crypto::Certificate> tsa_anchors;  // time stamp authorities whose word counts
  std::vector<crypto::RevocationList> crls;
  std::vector<crypto::OcspResponse> ocsp;
  std::optional<crypto::Certificate>
      expected_signer;          // only this camera counts; its key also serves when the clip has none
  std::string expected_serial;  // only a camera with this serial number counts
  std::optional<Timestamp> at;  // judge certificates at this time, not at recording time
  LiveOptions live;
  // Threads that hash and check signatures: the report is the same with any number, at most kMaxJobs. 0: as
  // many as the process has cores.
  unsigned jobs = 1;
  // The bytes of all units and samples stay where they are until finish() returns
  // (codec::ClipInfo::bytes_stay): add() then gives them to the threads and returns before they are judged.
  // Faster with several threads.
  bool bytes_stay = false;
};

class Verifier {
 public:
  // `engine` must outlive the verifier.
  Verifier(codec::Codec codec, const crypto::Engine& engine, VerifyOptions options);
  ~Verifier();
  Verifier(Verifier&&) noexcept;
  Verifier& operator=(Verifier&&) noexcept;

  // Takes a run of units in decoding order and is done with their bytes when it returns, but for
  // VerifyOptions::bytes_stay.
  void add(std::span<const codec::Unit> units);

  // The way the video came here lost something between the last unit and the next one (a network says so; a
  // file never does). What cannot be verified around this place is then missing or not covered, not tampered
  // with. Never makes anything authentic. Where a hash list is at hand it is not needed: that tells lost from
  // altered units by itself.
  void gap();

  std::uint32_t pictures() const;  // begun so far

  // Who signed what was verified so far, and whether that is trusted: `signer`, `chain`, `provenance`,
  // `provenance_reason`, `first_time`, `last_time` and `judged_at`; everything else is empty.
  Report origin() const;

  // A sample of a track beside the pictures, in the order of its track; about when its pictures come. Its
  // bytes are not needed afterwards.
  void add_side(const SideSample& sample);
  // There is another track whose samples cannot be given (codec::ClipInfo::not_comparable): the report says
  // so.
  void cannot_compare(std::string track);

  // The stream ends here; `truncated` if it broke off inside a unit. Call once.
  Report finish(bool truncated = false);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace camvault::signed_video
