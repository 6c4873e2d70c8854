// Brings a clip to a verifier: its units, the samples of the tracks beside them, and which tracks cannot be
// compared. One for everybody who verifies clips, so that all of them look at the same things.
#pragma once

#include <optional>
#include <span>

#include "camvault/codec/clip.h"
#include "camvault/signed_video/verifier.h"

namespace camvault::signed_video {

class ClipFeed {
 public:
  // `clip` was opened with ClipOptions::everything: without it a clip with its sound replaced would look as
  // if it had none. Both must outlive the feed. Confined to the verifier's thread.
  ClipFeed(codec::UnitSource& clip, Verifier& verifier);

  // Gives the verifier the next run of units, and what goes with them, and returns the units; they live until
  // the next call. Empty at the end. Errors are those of UnitSource::read(): what came before was given.
  Result<std::span<const codec::Unit>> next();

  // From the first picture to the end of the last one that came, by the container's times: the last picture
  // is shown as long as the one before it. Nothing where the container has no times.
  std::optional<Ticks> duration() const;

 private:
  void note_times(std::span<const codec::Unit> units);

  codec::UnitSource& clip_;
  Verifier& verifier_;
  std::optional<Timestamp> first_;
  std::optional<Timestamp> last_;
  std::optional<Timestamp> before_last_;
};

}  // namespace camvault::signed_video
