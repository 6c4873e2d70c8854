// What the next supplement says: sections of GOPs and tracks, and records, until their signature is in the
// stream.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "camvault/crypto/engine.h"
#include "camvault/signed_video/supplement.h"
#include "signature_slot.h"
#include "supplement_message.h"

namespace camvault::signed_video {

// A supplement goes into the stream together with the SEI of its last GOP, in front of it: whoever finds a
// signed SEI without one knows that it was taken away.
struct WaitingSupplement {
  Supplement content;
  Bytes body;
  crypto::Digest digest;  // that is signed
  std::shared_ptr<SignatureSlot> slot;
  std::optional<Result<Bytes>> signature;
};

// One thread, but for add_record().
class SupplementMaker {
 public:
  SupplementMaker(const crypto::Engine& engine, crypto::HashAlg hash);

  void add_gop(GopSection section);
  // From any thread. Errc::usage, Errc::limit.
  Status add_record(RecordType type, Bytes value);

  // Each supplement from now on names the next signing certificate, so that the word is there wherever a clip
  // begins or a supplement is lost; is_announced() when the first of them is in the stream.
  void announce(const NextKeyRecord& next);
  bool is_announced() const { return announced_; }
  // The next key signs now.
  void key_changed() { next_.reset(); }

  // Everything since the last one, and `tracks`; the caller has it signed.
  Result<WaitingSupplement> make(std::vector<TrackSection> tracks);
  // Its signature, or that of its SEI, failed: the next one says it again.
  void take_back(Supplement content);
  // Both signatures are good: it is in the stream now.
  void is_in_stream(const Supplement& content);

 private:
  const crypto::Engine& engine_;
  crypto::HashAlg hash_;
  crypto::Digest previous_;  // that the last one signs
  std::array<std::uint8_t, 16> session_{};
  std::uint32_t number_ = 0;
  std::vector<GopSection> gops_;
  std::vector<TrackSection> tracks_;
  std::optional<NextKeyRecord> next_;
  bool announced_ = false;
  std::mutex records_mutex_;
  std::vector<CarriedRecord> records_;
};

}  // namespace camvault::signed_video
