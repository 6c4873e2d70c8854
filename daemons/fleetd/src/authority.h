// The owner's CA: its certificate, its key in keystored, what it issues, and fleetd's own TLS identity.
#pragma once

#include <atomic>
#include <filesystem>

#include "camvault/enrolment/est_server.h"
#include "camvault/keystore/keystore.h"
#include "camvault/tls/context.h"
#include "owner_ca.h"
#include "store.h"

namespace camvault::fleetd {

struct AuthoritySettings {
  std::string organization = "Camera owner";
  std::vector<std::string> names;  // DNS names and IP addresses of this server
  std::chrono::hours certificate_validity{90 * 24};
  std::chrono::hours media_validity{397 * 24};
  std::chrono::hours list_validity{7 * 24};
  bool require_binding = false;                     // of requests to their connection, in TLS 1.3, too
  std::vector<crypto::Certificate> device_anchors;  // makers whose devices may enrol, if they are on the list
  std::vector<crypto::RevocationList> device_lists;
  std::vector<crypto::Certificate> operator_anchors;  // who may use the API
  std::vector<crypto::RevocationList> operator_lists;
};

inline constexpr std::string_view kListFile = "ca.crl.pem";

// Who a judged peer is: by the anchor that its path ends at.
enum class PeerKind : std::uint8_t { none, device, member, operator_ };

class Authority final : public enrolment::Registrar {
 public:
  // Makes the CA and the server's certificate in `folder` with keys fleet/ca and fleet/tls if they are not
  // there.
  static Result<std::unique_ptr<Authority>> open(const std::filesystem::path& folder,
                                                 const tls::Environment& environment,
                                                 std::shared_ptr<keystore::Keystore> keystore, Store& store,
                                                 AuthoritySettings settings);

  std::vector<crypto::Certificate> ca_certificates() override { return cas_.published(); }
  enrolment::CsrAttributes csr_attributes() override;
  Result<std::vector<crypto::Certificate>> enrol(const crypto_openssl::CertificateRequest& request,
                                                 const enrolment::EstPeer& peer, bool again) override;
  Result<std::vector<crypto::Certificate>> enrol_media(const crypto_openssl::CertificateRequest& request,
                                                       const enrolment::EstPeer& peer) override;

  PeerKind kind_of(const std::vector<crypto::Certificate>& path) const;
  const crypto::Certificate& ca() const { return cas_.present().certificate; }
  // Everything of the device, from now on, at this server at once and for others with the next list.
  Result<std::uint64_t> revoke(const std::string& serial, crypto_openssl::RevocationReason reason);
  Result<crypto::RevocationList> list();  // the present CA's
  // Serves with the newest list; made anew when something was revoked or certificates come to their end.
  Result<std::shared_ptr<const tls::Context>> context();
  // What the present context shows, and signs as a registrar.
  std::shared_ptr<const tls::Credential> credential();
  std::uint64_t enrolments() const { return enrolments_; }
  std::uint64_t refusals() const { return refusals_; }

 private:
  Authority(const tls::Environment& environment, Store& store, AuthoritySettings settings, OwnerCas cas)
      : environment_(environment), store_(store), settings_(std::move(settings)), cas_(std::move(cas)) {}
  // Both with mutex_ held from what they read to what they keep: of two that make a list at the same time,
  // the one that read first could come last, and bring back what was revoked in between.
  Result<std::vector<crypto::RevocationList>> lists();
  Result<std::shared_ptr<const tls::Context>> present_context();
  Result<std::shared_ptr<const tls::Credential>> server_credential();
  enum class Use : std::uint8_t { identity, media_signing };
  Result<std::vector<crypto::Certificate>> decide(const crypto_openssl::CertificateRequest& request,
                                                  const enrolment::EstPeer& peer, Use use);
  Result<std::vector<crypto::Certificate>> issue(const std::string& serial,
                                                 const crypto_openssl::CertificateRequest& request,
                                                 const std::string& common_name, const std::string& key_hash,
                                                 Use use);
  crypto_openssl::CertificateProfile profile_of(Use use) const;
  bool is_for_media(const crypto::Certificate& certificate) const;
  Timestamp now() const { return environment_.clock->now(); }

  tls::Environment environment_;
  Store& store_;
  AuthoritySettings settings_;
  std::filesystem::path folder_;
  const OwnerCas cas_;
  std::shared_ptr<crypto::SigningKey> tls_key_;
  std::atomic<std::uint64_t> enrolments_ = 0;
  std::atomic<std::uint64_t> refusals_ = 0;

  std::mutex mutex_;  // guards what follows
  std::shared_ptr<const tls::Context> context_;
  std::shared_ptr<const tls::Credential> credential_;
  std::vector<crypto::RevocationList> lists_;  // of all CAs, the present one's first
  Timestamp context_until_{};
};

}  // namespace camvault::fleetd
