// The inside of Factory, shared by the files that implement it.
#pragma once

#include <span>

#include "camvault/crypto_openssl/issue.h"
#include "camvault/identity/factory.h"
#include "factory_folder.h"
#include "issue_log.h"

namespace camvault::identity {

using crypto_openssl::CertificateRequest;

// Who signs: a device CA, the last of which issues, or an authority for something else.
struct Authority {
  std::string profile;
  std::string stem;  // of its files; its key in the keystore is called the same
  crypto::Certificate certificate;
};

// A camera's requests as they were read: signed by the keys that they are for.
struct ReadRequests {
  std::string serial;
  CertificateRequest identity;
  CertificateRequest media_signing;
  struct Further {
    std::string use;
    CertificateRequest request;
  };
  std::vector<Further> further;
  Bytes evidence;  // about the media signing key, and the number that it was made for
  Bytes nonce;
};

// A camera on its way from its requests to its certificates.
struct Issue {
  std::string serial;
  Bytes identity_key;
  Bytes media_signing_key;
  Bytes attester;
  DeviceEntry entry;
  crypto::Certificate identity;
  crypto::Certificate media_signing;
  struct Further {
    Bytes key;
    FurtherEntry entry;
    crypto::Certificate certificate;
  };
  std::vector<Further> further;
  bool was_written = false;  // by a process that stopped before it told the log
};

struct Factory::State {
  std::filesystem::path folder;
  UniqueFd lock;
  FactorySettings settings;
  crypto::Certificate root;
  std::vector<Authority> authorities;  // [0] is the first device CA
  std::map<std::string, CertificateRules, std::less<>> profiles;
  IssueLog log;
  const Clock* clock;
  const crypto::Engine* engine;
  Bytes open_challenge = {};  // for the next evidence
  crypto::SigningKey* log_key = nullptr;
  std::optional<std::unordered_map<std::string, std::uint32_t>> order_of_serial =
      {};                               // read when first needed
  std::vector<Order> order_heads = {};  // without their serial numbers; by index of the log's orders

  Timestamp now() const { return clock->now(); }
  Sha256 hash_of(BytesView bytes) const;
  ProfileValues values(std::string_view serial = {}, std::string_view name = {}) const;
  Result<const CertificateRules*> rules(std::string_view profile) const;

  // The authority that issues by a profile, and whether that may go on.
  std::uint16_t issuing(std::string_view authority_profile) const;
  const crypto::Certificate& device_ca() const { return authorities[issuing("device-ca")].certificate; }
  Result<std::uint16_t> usable_issuer(const crypto::SigningKey& key,
                                      std::string_view authority_profile) const;

  bool is_revoked(const DeviceEntry& entry) const;
  Result<CertificateNumber> new_number() const;
  Result<CertificateEntry> check_key(const std::string& serial, const CertificateRequest& request) const;
  Result<Bytes> attester_of(const ReadRequests& requests) const;
  Result<crypto::Certificate> sign(crypto::SigningKey& ca_key, std::uint16_t ca,
                                   const crypto_openssl::SubjectName& name, BytesView spki,
                                   const crypto_openssl::CertificateProfile& profile,
                                   const CertificateNumber& number) const;
  Result<crypto_openssl::CertificateProfile> media_signing_profile(Timestamp now, BytesView attester) const;

  // The steps of issuing. begin() reserves; sign_all(), write() and stage_issued() follow, for a whole group
  // each.
  Status check_order(const std::string& serial, const std::string& order);
  Result<Issue> begin(const ReadRequests& requests, std::uint16_t ca, const BatchMark& mark);
  Status begin_further(const ReadRequests& requests, Issue& issue, std::uint16_t ca);
  Status sign_all(crypto::SigningKey& ca_key, Issue& issue) const;
  Status write(const std::vector<Issue*>& issues) const;
  void stage_issued(Issue& issue);

  Result<DeviceCertificates> read_issued(const std::string& serial, const DeviceEntry& entry) const;
  Result<FurtherCertificate> read_further(const std::string& serial, const FurtherEntry& entry) const;
  Status check_known(const std::string& serial) const;
  DeviceCertificates bundle(const std::string& serial, std::uint16_t ca, crypto::Certificate identity,
                            crypto::Certificate media_signing) const;
  Result<crypto::RevocationList> publish(crypto::SigningKey& key, const crypto::Certificate& issuer,
                                         const std::filesystem::path& file, std::chrono::days validity,
                                         std::vector<crypto_openssl::RevokedCertificate> revoked);
  Result<FurtherCertificate> certify_as(crypto::SigningKey& ca_key, const std::string& serial,
                                        std::string_view use, const CertificateRules& rules,
                                        BytesView request);
};

Result<ReadRequests> read_requests(const ProvisionRequest& request);
Status check_is_key_of(const crypto::SigningKey& key, const crypto::Certificate& certificate,
                       std::string_view what);

// Refusals have names, so that programs and people tell them apart: "unlisted-serial: ...".
inline tl::unexpected<Error> refuse(Errc code, std::string_view name, std::string_view what) {
  return fail(code, std::string(name) + ": " + std::string(what));
}

}  // namespace camvault::identity
