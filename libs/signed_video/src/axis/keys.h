// Whose Axis Signed Video is it? The key stands bare in the stream and vouches for nothing; an attestation
// can vouch for the key, and only a root that the caller trusts for the attestation.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "axis/attestation.h"
#include "camvault/signed_video/report.h"
#include "camvault/signed_video/verifier.h"

namespace camvault::signed_video::axis {

// ECDSA, or RSA with PKCS#1 v1.5 padding.
bool verifies(const crypto::PublicKey& key, const crypto::Digest& digest, crypto::HashAlg hash,
              BytesView signature);

class Keys {
 public:
  Keys(const crypto::Engine& engine, const VerifyOptions& options) : engine_(engine), options_(options) {}

  enum class Change { none, first, unvouched, unreadable };
  // Takes the key and the attestation of a message; its signature must be checked afterwards.
  Change take(const SeiMessage& message);

  // The key that signs now; null while none is known.
  const crypto::PublicKey* key() const { return shared_key().get(); }
  std::shared_ptr<const crypto::PublicKey> shared_key() const;
  bool any() const { return !all_.empty(); }

  bool verifies(const crypto::Digest& digest, crypto::HashAlg hash, BytesView signature) const;

  // Not the camera that the caller named.
  bool is_another_signer() const;
  // Where does everything come from that was signed between `first` and `last`?
  void judge(std::optional<Timestamp> first, std::optional<Timestamp> last, Report& report) const;

 private:
  struct Origin {
    std::shared_ptr<const crypto::PublicKey> key;
    std::optional<Attestation> attestation;
  };

  std::string pin_mismatch(const Origin& origin) const;
  std::string serial_mismatch(const Origin& origin) const;
  bool is_pinned(const Origin& origin) const;
  bool judge_origin(const Origin& origin, Timestamp first, Timestamp last, Report& report) const;

  const crypto::Engine& engine_;
  const VerifyOptions& options_;
  std::string last_key_;          // PEM as it stood in the last message that had one
  std::string last_attestation_;  // likewise, with its certificates
  std::vector<Origin> all_;       // every key that was in use
  std::size_t current_ = 0;       // of all_
};

}  // namespace camvault::signed_video::axis
