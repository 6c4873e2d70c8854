// A camera gets its identity in its owner's network, and a new one before that ends: keys made in its
// keystore, certificates from an EST server.
#pragma once

#include "camvault/enrolment/local_identity.h"
#include "camvault/http/message.h"
#include "camvault/keystore/keystore.h"
#include "camvault/tls/context.h"

namespace camvault::enrolment {

struct EnrolSettings {
  http::Url server;
  std::vector<std::string> addresses;      // where it is; none: where its name leads
  std::string label;                       // RFC 7030 3.2.2; empty: none
  std::filesystem::path folder;            // the camera's identity folder, with idevid-chain.pem
  std::vector<crypto::Certificate> trust;  // of the server, beside what an earlier enrolment brought
  std::vector<crypto::RevocationList> crls;
  std::string key_type = "ec-p256";
  std::chrono::milliseconds timeout{10'000};  // of each connection and exchange
};

struct Enrolled {
  LocalIdentity identity;
  crypto::Certificate certificate;
  bool is_new = false;
  std::string note;  // e.g. that the old key waits for the new one to work; empty: nothing to say
};

// Thread-confined; all that is referred to must outlive it. Whatever moment the process or the machine stops
// at, the next call goes on: an unanswered request is made again with the same key, and the server answers it
// with the same certificate.
class Enroller {
 public:
  Enroller(const tls::Environment& environment, std::shared_ptr<keystore::Keystore> keystore,
           EnrolSettings settings);

  // The identity that is there, if it is valid for more than a third of its time; otherwise a new one, by the
  // factory's identity (simpleenroll) or the one that is about to end (simplereenroll), with a new key.
  // Errors: unavailable (server or keystore: try again), denied, invalid (server or answer is not believed),
  // not_found (no factory identity).
  Result<Enrolled> enrol(bool force_new = false);

 private:
  friend class MediaEnroller;
  struct Answer {
    std::vector<crypto::Certificate> certificates;  // of the key that was asked for first
    std::vector<crypto::Certificate> authorities;
  };
  struct Asker {
    std::shared_ptr<const tls::Credential> credential;
    bool again = false;  // it is the owner's identity
  };
  Status load();
  Result<Asker> asker() const;
  Result<Answer> ask(const Asker& asker, const std::string& label, crypto::SigningKey& key,
                     const std::string& common_name, bool again) const;
  Result<std::shared_ptr<const tls::Credential>> credential_of(const std::string& key,
                                                               const std::string& chain_pem) const;
  Result<tls::Context> context_with(std::shared_ptr<const tls::Credential> credential) const;
  Status ensure_pending_key();
  Status request_new();
  Status confirm_new(std::string& note);
  bool is_due(const crypto::Certificate& certificate) const;
  Timestamp time_floor() const;

  tls::Environment environment_;
  std::shared_ptr<keystore::Keystore> keystore_;
  EnrolSettings settings_;
  LocalIdentity state_;
  std::shared_ptr<const tls::Credential> factory_;
};

}  // namespace camvault::enrolment
