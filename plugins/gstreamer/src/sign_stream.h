// Signs the buffers of one video stream. No element here: this knows buffers, and what stands between them is
// told.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "camvault/crypto/engine.h"
#include "camvault/gst_support/handles.h"
#include "camvault/gst_support/video_format.h"
#include "camvault/key_source/signing_identity.h"
#include "camvault/signed_video/signer.h"
#include "cancellable_key.h"

namespace camvault::gst_elements {

struct SignSettings {
  key_source::KeySource key;
  signed_video::SignerOptions signer;
  bool replace = false;                       // take signatures out that are in the video already
  std::chrono::milliseconds patience{5'000};  // for the last signatures at the end
};

// One thread, but for cancel().
class SignStream {
 public:
  // Connects to the keystore: can take as long as that takes to answer.
  static Result<std::unique_ptr<SignStream>> open(SignSettings settings);

  // What comes next. Another codec ends the signed stream before it (finish()) and begins one.
  bool continues_with(const gst_support::VideoFormat& format) const;
  void set_format(const gst_support::VideoFormat& format);

  // A buffer with SEIs in front of its first slice; the same buffer when there are none. Its picture is
  // shared, not copied. `time`: when it was captured. `shown`: when it is shown, on the pipeline's clock.
  Result<gst_support::BufferPtr> add(gst_support::BufferPtr buffer, Timestamp time,
                                     std::optional<Ticks> shown);

  // The signed stream ends: the last SEIs, framed, to go behind the last picture; null when there are none.
  // Waits for at most the settings' patience. The next add() begins another stream.
  Result<gst_support::BufferPtr> finish();
  // The signed stream ends and nobody will see its end.
  void abandon();

  // finish() and waiting for the key return at once. Any thread.
  void cancel() { key_->cancel(); }
  void resume() { key_->resume(); }

  void request_certificate();
  signed_video::Signer::Counters counters() const;  // of all streams

 private:
  explicit SignStream(SignSettings settings) : settings_(std::move(settings)) {}
  Status begin();
  void add_header_units();
  Result<gst_support::BufferPtr> without_signatures(const gst_support::BufferPtr& buffer);
  void count();

  SignSettings settings_;
  std::unique_ptr<crypto::Engine> engine_;
  std::shared_ptr<CancellableKey> key_;
  std::optional<gst_support::VideoFormat> format_;
  std::optional<signed_video::Signer> signer_;
  signed_video::Signer::Counters before_;  // of streams that ended
  std::vector<gst_support::PlacedUnit> units_;
  std::vector<BytesView> views_;
};

}  // namespace camvault::gst_elements
