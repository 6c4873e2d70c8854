// Verifies the buffers of one video stream and, if asked to, keeps back what is not authentic. No element
// here.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "camvault/crypto/engine.h"
#include "camvault/gst_support/handles.h"
#include "camvault/gst_support/video_format.h"
#include "camvault/signed_video/verifier.h"

namespace camvault::gst_elements {

struct VerifySettings {
  std::filesystem::path trust;  // PEM or DER; empty: origin not known
  std::filesystem::path crl;
  std::filesystem::path signer;
  std::string expected_serial;
  std::string at;  // ISO 8601
  bool drop_unauthentic = false;
  Ticks max_delay = std::chrono::seconds(5);  // of a picture whose signature is waited for
};

struct VerifyCounters {
  std::uint64_t pictures = 0;  // by what became of them
  std::uint64_t authentic = 0;
  std::uint64_t altered = 0;
  std::uint64_t incomplete = 0;  // some slices were lost
  std::uint64_t extra = 0;
  std::uint64_t out_of_place = 0;
  std::uint64_t not_covered = 0;
  std::uint64_t gaps = 0;     // that the transport told of
  std::uint64_t damaged = 0;  // buffers marked as corrupted, not looked at
  std::uint64_t dropped = 0;  // buffers kept back
};

// One thread.
class VerifyStream {
 public:
  // Reads the certificates.
  static Result<std::unique_ptr<VerifyStream>> open(VerifySettings settings);

  bool continues_with(const gst_support::VideoFormat& format) const;
  void set_format(const gst_support::VideoFormat& format);

  // Takes a buffer, or something that must stay in order with the buffers. `lost_before`: the transport lost
  // something in front of it. `time`: on the pipeline's clock. What may go on is given to `push` in order,
  // now or later.
  Status add(gst_support::BufferPtr buffer, bool lost_before, std::optional<Ticks> time);
  void add_event(gst_support::EventPtr event);
  void gap();

  // The video ends here: everything that waits is decided. Nothing when there was no video.
  std::optional<signed_video::Report> finish();
  // The same, but what waits is thrown away.
  std::optional<signed_video::Report> flush();

  std::function<void(gst_support::BufferPtr)> push_buffer;
  std::function<void(gst_support::EventPtr)> push_event;
  std::function<void(const signed_video::GopReport&)> on_gop;

  const VerifyCounters& counters() const { return counters_; }
  std::uint64_t bytes() const { return bytes_; }
  // Of what came so far: empty before the first valid signature.
  std::optional<signed_video::Report> origin() const;
  bool is_from_trusted_source() const;

  static constexpr std::size_t kMaxHeldBytes = 256 << 20;
  static constexpr std::size_t kKeptGops = 10'000;

 private:
  struct Held {
    gst_support::BufferPtr buffer;
    gst_support::EventPtr event;      // instead of a buffer
    std::uint32_t first_picture = 0;  // [first, end) begin in it
    std::uint32_t end_picture = 0;
    bool has_slices = false;
    std::optional<Ticks> time;
  };

  explicit VerifyStream(VerifySettings settings) : settings_(std::move(settings)) {}
  Status read_options();
  void begin();
  Status look_at(GstBuffer& buffer, bool& has_slices);
  void note_result(const signed_video::PictureResult& result);
  void release(bool all);
  bool is_settled(const Held& held) const;
  bool may_pass(const Held& held) const;
  void decide(Held held);

  VerifySettings settings_;
  std::unique_ptr<crypto::Engine> engine_;
  signed_video::VerifyOptions options_;
  std::optional<gst_support::VideoFormat> format_;
  bool header_waits_ = false;  // format_'s header units go in front of the next buffer
  std::unique_ptr<signed_video::Verifier> verifier_;
  std::vector<gst_support::PlacedUnit> units_;
  std::vector<codec::Unit> views_;
  std::uint64_t bytes_ = 0;
  VerifyCounters counters_;

  // Keeping back. Statuses of pictures from first_kept_ on; not there yet: not settled.
  std::deque<Held> held_;
  std::size_t held_bytes_ = 0;
  std::deque<std::optional<signed_video::UnitStatus>> statuses_;
  std::uint32_t first_kept_ = 0;
  bool dropping_ = false;                // until the next keyframe
  bool discontinuous_ = false;           // the next buffer follows a dropped one
  mutable std::optional<bool> trusted_;  // looked up once a settled GOP
};

}  // namespace camvault::gst_elements
