// The owner's CAs: the present one, those before it, and the certificates that join them.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "camvault/keystore/keystore.h"
#include "camvault/tls/context.h"

namespace camvault::fleetd {

inline constexpr std::string_view kCaFile = "ca.pem";                    // the present CA's, for people
inline constexpr std::string_view kAuthoritiesFile = "authorities.pem";  // all of them, present one first
inline constexpr std::size_t kMaxAuthorities = 4;  // the present one and three before it

struct OwnerCa {
  crypto::Certificate certificate;
  std::shared_ptr<crypto::SigningKey> key;
  std::size_t generation = 1;
};

// A CA gets a new key as RFC 4210 4.4 has it (RFC 7030 4.1.3): the same name, a certificate of its own, one
// of the new key by the old one, so that whoever trusts the old CA believes the new one, and one of the old
// key by the new one. Keys are fleet/ca, fleet/ca-2, ... in keystored. Thread-confined until it is shared as
// const.
class OwnerCas {
 public:
  // Makes the first one if there is none.
  static Result<OwnerCas> open(const std::filesystem::path& folder, const tls::Environment& environment,
                               keystore::Keystore& keystore, const std::string& organization);
  // A new key from now on. In one step on the disk: killed at any moment, it is done or not. Errc::usage if
  // `organization` is not the CA's, Errc::limit when four of them are still valid.
  static Status renew(const std::filesystem::path& folder, const tls::Environment& environment,
                      keystore::Keystore& keystore, const std::string& organization);

  const OwnerCa& present() const { return all_.front(); }
  const std::vector<OwnerCa>& all() const { return all_; }  // present one first
  bool is_one(const crypto::Certificate& certificate) const;
  // What cacerts says: the present CA, those before it, and what joins them.
  std::vector<crypto::Certificate> published() const;
  // What a server of the present CA shows above its own certificate, for those who trust an earlier one.
  const std::vector<crypto::Certificate>& towards_earlier() const { return new_with_old_; }

 private:
  std::vector<OwnerCa> all_;
  std::vector<crypto::Certificate> new_with_old_;  // newest first
  std::vector<crypto::Certificate> old_with_new_;
};

}  // namespace camvault::fleetd
