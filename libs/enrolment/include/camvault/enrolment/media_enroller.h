// The key that signs video gets its next certificate before the last one ends: a new key in the camera's
// keystore, a certificate from the owner's EST server, and the running camera takes over
// (key_source/media_key.h) without a gap.
#pragma once

#include "camvault/enrolment/enroller.h"

namespace camvault::enrolment {

struct MediaEnrolled {
  std::string key;      // that signs now, in the keystore
  std::string old_key;  // that somebody still signs with; empty: none
  crypto::Certificate certificate;
  bool is_new = false;
  std::string note;  // empty: nothing to say
};

// As Enroller; `settings.label` and key names are for the owner's identity, kMediaLabel is asked here.
class MediaEnroller {
 public:
  MediaEnroller(const tls::Environment& environment, std::shared_ptr<keystore::Keystore> keystore,
                EnrolSettings settings);

  // The certificate that is there, the factory's or a later one, if more than a third of its time is left;
  // else a new key and certificate. A key is taken away when it was followed by another and nobody signs with
  // it any more; the factory's key stays. Whatever moment the process stops at, one key is in use.
  // Errors as Enroller::enrol.
  Result<MediaEnrolled> enrol(bool force_new = false);

 private:
  std::filesystem::path state_file() const;
  std::filesystem::path current_file() const;
  Result<crypto::Certificate> current_certificate(const std::string& factory_chain) const;
  Status ensure_pending_key();
  Status request_new();
  Status tell_signers() const;
  Status retire_previous(std::string& note);

  Enroller owner_;
  LocalIdentity state_;
};

// The factory's key signs again: every later one is deleted, and what names it. For a camera that changes its
// owner; who signs with such a key at that moment cannot go on.
Status forget_media_keys(keystore::Keystore& keystore, const std::filesystem::path& folder);

}  // namespace camvault::enrolment
