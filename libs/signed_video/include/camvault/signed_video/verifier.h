// Verifies ONVIF Media Signing (specification 26.06) in a stream of H.264 or H.265 units. Memory does not
// grow with the length of the video (but for the report: one small record a GOP). One verifier, one stream,
// one thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "camvault/codec/unit.h"
#include "camvault/crypto/engine.h"
#include "camvault/signed_video/report.h"

namespace camvault::signed_video {

struct VerifyOptions {
  std::vector<crypto::Certificate> anchors;  // empty: origin not known
  std::vector<crypto::RevocationList> crls;
  std::optional<crypto::Certificate>
      expected_signer;          // only this camera counts; its key also serves when the clip has none
  std::string expected_serial;  // only a camera with this serial number counts
  std::optional<Timestamp> at;  // judge certificates at this time, not at recording time
};

class Verifier {
 public:
  // `engine` must outlive the verifier.
  Verifier(codec::Codec codec, const crypto::Engine& engine, VerifyOptions options);
  ~Verifier();
  Verifier(Verifier&&) noexcept;
  Verifier& operator=(Verifier&&) noexcept;

  // Takes a run of units in decoding order and is done with their bytes when it returns.
  void add(std::span<const codec::Unit> units);

  // The stream ends here; `truncated` if it broke off inside a unit. Call once.
  Report finish(bool truncated = false);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace camvault::signed_video
