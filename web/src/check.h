// One clip under examination in the page's worker: as `camvault verify` does it, in steps short enough that
// the worker can listen in between. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "camvault/codec/clip.h"
#include "camvault/crypto/engine.h"
#include "camvault/report/subject.h"
#include "camvault/signed_video/clip_feed.h"
#include "camvault/signed_video/verifier.h"

namespace camvault::web {

class Check {
 public:
  // Pictures that are kept one by one for the timeline; behind them it shows groups.
  static constexpr std::size_t kMaxPictures = 4'000'000;

  // The source belongs to the caller and outlives the check.
  Check(std::string file_name, codec::ByteSource& file);

  // Before open(). PEM or DER; the texts of the command line's options.
  Status add_anchors(BytesView certificates);
  Status add_revocations(BytesView list_or_ocsp_response);
  Status set_signer(BytesView certificate);
  void set_serial(std::string serial) { options_.expected_serial = std::move(serial); }
  Status set_time(const std::string& iso8601);
  Status set_codec(const std::string& name);   // h264, h265, av1
  Status set_format(const std::string& name);  // units; needs a codec

  Status open();
  // Judges about `bytes` more of the clip. False at its end: the report is there.
  Result<bool> step(std::uint64_t bytes);
  // Where in the file it is.
  std::uint64_t position() const { return position_; }

  // After the last step: hashes about `bytes` more of the file. False at the end: the report has the hash.
  Result<bool> hash_step(std::uint64_t bytes);

  std::string json() const;
  std::string view() const;
  std::string html() const;
  // One entry a picture of the clip, in decoding order: presentation time in seconds (not a number where
  // there is none), and its UnitStatus.
  const std::vector<double>& picture_times() const { return times_; }
  const std::vector<std::uint8_t>& picture_statuses() const { return statuses_; }

 private:
  void look_at(std::span<const codec::Unit> units);
  Status finish(bool truncated);
  void mark_pictures();

  codec::ByteSource& file_;
  std::unique_ptr<crypto::Engine> engine_;
  signed_video::VerifyOptions options_;
  codec::ClipOptions clip_options_;
  std::unique_ptr<codec::UnitSource> units_;
  std::optional<signed_video::Verifier> verifier_;
  std::optional<signed_video::ClipFeed> feed_;  // of units_ to verifier_
  std::uint64_t position_ = 0;
  std::vector<double> times_;
  std::vector<std::uint8_t> statuses_;
  bool any_picture_ = false;
  report::Subject subject_;
  signed_video::Report report_;
  std::unique_ptr<crypto::Hasher> hasher_;
  std::uint64_t hashed_ = 0;
  Bytes piece_;
};

}  // namespace camvault::web
