// Who signed: chains from the stream, the keys that verify its SEIs, and whether the origin can be trusted.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "axis/keys.h"
#include "camvault/crypto/engine.h"
#include "camvault/signed_video/report.h"
#include "camvault/signed_video/verifier.h"
#include "evidence.h"
#include "sei_message.h"

namespace camvault::signed_video {

inline constexpr std::size_t kMaxChain = 8;  // certificates in one chain of a stream

// Whether a key made a signature: nothing but a function of the other values.
struct SignatureCheck {
  std::shared_ptr<const crypto::PublicKey> key;
  crypto::Digest digest;
  crypto::HashAlg hash = crypto::HashAlg::sha256;
  bool good = false;
};
SignatureCheck check_signature(std::shared_ptr<const crypto::PublicKey> key, const SeiMessage& message,
                               const crypto::Digest& digest, crypto::HashAlg hash);

// The signature's own, the video's, or what the stream has.
crypto::HashAlg signature_hash_of(const SeiMessage& message, crypto::HashAlg of_stream);

class Trust {
 public:
  Trust(const crypto::Engine& engine, const VerifyOptions& options)
      : engine_(engine), options_(options), axis_(engine, options) {}

  enum class Change {
    none,
    first,       // the first usable chain
    rotated,     // another certificate for the same device, by the same issuer or named by the former key
    unvouched,   // another signer, and nothing in the clip or the anchors says that it is the same device
    unreadable,  // a chain that cannot be parsed
  };
  // The signer names the certificate whose key signs after its own. Its signature over that must be good.
  void announce(const NextKeyRecord& next);
  // A good signature of the signer speaks about this time.
  void signed_at(std::optional<Timestamp> start, std::optional<Timestamp> end);

  // Takes the chains of an SEI. Its signature must be checked afterwards: with the new keys.
  Change take_chains(const SeiMessage& message);
  // The signature of a certificate SEI is good: the camera vouches for the owner's certificate that it names.
  void certified(const SeiMessage& certificate_sei);

  // `done`, if given, was made from this message's signature; it counts if key, digest and hash are the same.
  SignatureStatus check(const SeiMessage& message, const crypto::Digest& digest, crypto::HashAlg hash,
                        const SignatureCheck* done = nullptr) const;
  std::shared_ptr<const crypto::PublicKey> signing_key(bool certificate_sei) const;
  bool has_key() const { return axis_.key() != nullptr || signing_key(false) != nullptr; }
  // Axis Signed Video keeps its keys in another way.
  const axis::Keys& axis_keys() const { return axis_; }

  // Whose key signs the SEIs that come now; null when it is not known.
  const crypto::Certificate* signer() const;
  // All that signed, each once, in the order of the clip.
  std::vector<crypto::Certificate> signers() const;
  // Its certificate and the one before it, for people; "" unless it was changed.
  std::string describe_change() const;

  // The question "where does it come from", for everything that was signed between `first` and `last`.
  // `proven` beats the times that the camera signed.
  void judge(std::optional<Timestamp> first, std::optional<Timestamp> last, const ProvenTime& proven,
             Report& report) const;

  // Not the camera that the caller named.
  bool is_another_signer() const;

 private:
  struct Origin {
    std::vector<crypto::Certificate> chain;  // leaf first
    bool user_provisioned = false;
    bool by_camera = false;  // user-provisioned, and the camera's own key vouches for it
    SignerPeriod::Vouched vouched = SignerPeriod::Vouched::first;
    bool has_signed = false;
    std::optional<Timestamp> first;  // that it signed
    std::optional<Timestamp> last;
  };

  std::string mismatch_of(const Origin& origin) const;
  bool is_unvouched_owner(const Origin& origin) const;
  SignerPeriod::Vouched vouched(const std::vector<crypto::Certificate>& now,
                                const std::vector<crypto::Certificate>& next) const;
  bool same_issuer(const std::vector<crypto::Certificate>& now,
                   const std::vector<crypto::Certificate>& next) const;
  crypto::PathResult validate(const Origin& origin, Timestamp at, bool proven) const;
  std::vector<crypto::Certificate> anchors(bool user_provisioned) const;
  void list_signers(const std::vector<Origin>& origins, Report& report) const;
  void judge_chain(const Origin& origin, Timestamp first, Timestamp last, const ProvenTime& proven,
                   Report& report) const;

  const crypto::Engine& engine_;
  const VerifyOptions& options_;
  axis::Keys axis_;
  bool axis_seen_ = false;
  std::string last_manufacturer_pem_;
  std::string last_user_pem_;
  std::vector<crypto::Certificate> manufacturer_;
  std::vector<crypto::Certificate> user_;
  std::vector<Origin> all_;             // every chain that was in use,
  bool more_chains_ = false;            // and there were too many to keep
  std::vector<std::string> announced_;  // fingerprints that the signer named
};

}  // namespace camvault::signed_video
