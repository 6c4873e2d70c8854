// A factory: root CA, device CA below it, and identities for each camera, once. The keys are elsewhere (a
// keystore): every operation gets the one it needs, so that cameras are provisioned while the root key is
// locked away.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "camvault/base/time.h"
#include "camvault/crypto/certificate.h"
#include "camvault/crypto/engine.h"
#include "camvault/crypto/key.h"
#include "camvault/identity/device.h"
#include "camvault/identity/order.h"
#include "camvault/identity/profile.h"

namespace camvault::identity {

// File names in a factory's folder; docs/formats/factory.md describes them all.
inline constexpr std::string_view kRootCaFile = "root-ca.pem";
inline constexpr std::string_view kDeviceCaFile = "device-ca.pem";
inline constexpr std::string_view kIssueLogFile = "issued.jsonl";
inline constexpr std::string_view kRootListFile = "root-ca.crl.pem";
inline constexpr std::string_view kDeviceCaListFile = "device-ca.crl.pem";
inline constexpr std::string_view kLogSignerFile = "issue-log.pem";
inline constexpr std::string_view kOrderSignersFile = "order-signers.pem";

struct FactorySettings {
  std::string organization;                 // O of all names; 1 to 64 bytes of UTF-8
  std::string country;                      // two letters, or empty
  std::string product = "Camvault camera";  // first part of each camera's CN; at most 32 bytes
  // RFC 4108: the kind of hardware module. The default is under the arc for documentation (RFC 5612).
  std::string module_type_oid = "1.3.6.1.4.1.32473.1";
  // How long media signing certificates are valid; none: as the profile says, which is usually without end,
  // as the identity (IEEE 802.1AR 8.7).
  std::optional<std::chrono::days> media_signing_validity;
  // Media signing certificates promise a signed supplement with each signature (crypto/extensions.h): taking
  // it away is then found out. False for cameras whose firmware writes none.
  bool media_supplement = true;
  // Nothing is issued for a serial number that no order lists. Also so once there is an order.
  bool orders_required = false;
};

enum class RevocationCause : std::uint8_t { key_compromise, superseded, cessation_of_operation };

// Which order, and which run of a line, an identity is issued by.
struct BatchMark {
  std::string order;         // empty: any that lists the serial number
  std::uint32_t number = 0;  // 0: none
};

struct OrderState {
  std::string id;
  std::uint64_t count = 0;
  std::uint64_t issued = 0;
  std::optional<Timestamp> not_after;
};

struct DeliveryList {
  std::string text;  // docs/formats/factory.md; delivery.h reads it
  Bytes signature;   // detached CMS, DER, with the log signer's certificate
};

// An answer of the OCSP responder, made beforehand.
struct MadeAnswer {
  std::string number;  // of the certificate, hex
  Bytes response;      // DER
};

// Thread-confined. One process at a time works on a folder: an object holds its lock (Errc::unavailable if
// another does for more than three seconds). `clock` and `engine` must outlive it. Whatever moment the
// process or the machine stops at: no serial number is issued twice, no certificate leaves that the log does
// not know.
class Factory {
 public:
  // Makes the CA certificates in `folder` (created if missing) with the two different keys. Errc::exists if a
  // factory is there. Stopped half way, it can be called again.
  static Result<Factory> init(const std::filesystem::path& folder, const FactorySettings& settings,
                              crypto::SigningKey& root_key, crypto::SigningKey& device_ca_key,
                              const Clock& clock, const crypto::Engine& engine);
  // Errc::not_found without a factory; Errc::malformed if its log was changed; Errc::invalid for profiles
  // that break their rules.
  static Result<Factory> open(const std::filesystem::path& folder, const Clock& clock,
                              const crypto::Engine& engine);
  ~Factory();
  Factory(Factory&&) noexcept;
  Factory& operator=(Factory&&) noexcept;

  const std::filesystem::path& folder() const;
  const FactorySettings& settings() const;
  const crypto::Certificate& root() const;
  const crypto::Certificate& device_ca() const;  // the one that issues now
  // Of its files, and what its key is called: "device-ca", after a rollover "device-ca-2".
  const std::string& device_ca_name() const;
  // The names of all authorities that ever were, in order.
  std::vector<std::string> authorities() const;
  // "device-ca", "matter-pai" ... -> who issues by profiles that name it. Errc::not_found.
  Result<std::string> authority_for(std::string_view profile) const;

  // Certificates for one camera. Checks that the camera has the keys it asks for, that they are new, and that
  // the serial number was never used and is ordered: Errc::invalid, Errc::denied, Errc::exists; the reason
  // begins with the refusal's name and ": ". Evidence that is not good, or says that the key was imported, is
  // Errc::invalid. A camera whose provisioning was cut off before any certificate left can ask again with the
  // same keys.
  Result<DeviceCertificates> provision(crypto::SigningKey& device_ca_key, const ProvisionRequest& request);
  // Many cameras at a time, each judged for itself; the disk is waited for twice, not twice for each.
  std::vector<Result<DeviceCertificates>> provision_group(crypto::SigningKey& device_ca_key,
                                                          const std::vector<ProvisionRequest>& requests,
                                                          const BatchMark& mark = {});
  // Was this camera, with these keys, issued in that batch? Then the line has done it before it stopped.
  bool was_issued_in(const ProvisionRequest& request, std::uint32_t batch) const;

  // One more identity of a camera that has its first two certificates, for a key of another algorithm: `use`
  // is one of kFurtherIdentities. The same key asking again gets the same certificate; another one is
  // refused: Errc::exists. Errc::not_found, Errc::denied, Errc::invalid.
  Result<FurtherCertificate> add_identity(crypto::SigningKey& device_ca_key, const std::string& serial,
                                          std::string_view use, BytesView request);
  // The same for a certificate by any other profile for cameras: "c2pa", "matter-dac", ...
  Result<FurtherCertificate> certify(crypto::SigningKey& ca_key, const std::string& serial,
                                     std::string_view profile, BytesView request);

  // A certificate for the attestation key of a camera's module, and those above it: leaf first. The camera
  // has its other certificates. Only for who passed check_attester_answer. Errc::not_found, Errc::denied.
  Result<std::vector<crypto::Certificate>> certify_attester(crypto::SigningKey& device_ca_key,
                                                            const std::string& serial, BytesView spki,
                                                            bool simulator);

  // A number for the evidence in the next request, and for no other.
  Bytes challenge();

  // What was issued for a serial number, to deliver it again. Errc::not_found if nothing was, Errc::denied
  // if it was revoked.
  Result<DeviceCertificates> issued(std::string_view serial) const;
  std::vector<std::string> serials() const;  // of all cameras issued, in order

  // Orders (order.h). An order names no serial number that another one names: Errc::exists. With
  // order-signers.pem in the folder a signature by one of them is needed: Errc::denied.
  Result<std::string> take_order(std::string_view text, BytesView signature);
  Result<std::vector<OrderState>> orders();
  Result<std::vector<std::string>> serials_of_order(std::string_view id);
  // A run of the line for an order: the unfinished one if there is one, or a new one.
  Result<std::uint32_t> begin_batch(const std::string& order);
  Status end_batch(const std::string& order);

  // Revokes all certificates of a camera, from now on (key compromise counts at any time), and publishes the
  // list of the device CA.
  Result<crypto::RevocationList> revoke(crypto::SigningKey& device_ca_key, std::string_view serial,
                                        RevocationCause cause);
  // Signs a new list of all revoked cameras, valid for `validity`, into device-ca.crl.pem. Any authority's
  // key: its own list, NAME.crl.pem.
  Result<crypto::RevocationList> publish_device_ca_list(crypto::SigningKey& ca_key,
                                                        std::chrono::days validity);
  // The root's list, into root-ca.crl.pem; `revoke_device_ca` adds the device CA for good (its key was
  // stolen).
  Result<crypto::RevocationList> publish_root_list(crypto::SigningKey& root_key, std::chrono::days validity,
                                                   bool revoke_device_ca = false);
  // Any authority, by name. key_compromise: whatever it signed is worthless, at any time; the other causes
  // count from now on. publish_root_list tells the world.
  Status revoke_authority(std::string_view name, RevocationCause cause);

  // One more authority below the root: a device CA that takes the place of the last one, or another by its
  // profile ("matter-pai"). Its name.
  Result<std::string> add_authority(crypto::SigningKey& root_key, crypto::SigningKey& ca_key,
                                    std::string_view profile);
  // The name that add_authority would give.
  std::string next_authority_name(std::string_view profile) const;
  // After a rollover: new certificates by the new device CA for keys that a camera proved to have before.
  // Errc::exists if it has them.
  Result<DeviceCertificates> reissue(crypto::SigningKey& device_ca_key, const std::string& serial);

  // OCSP (RFC 6960). A responder's certificate by an authority (its key says which), for some weeks; the
  // answers of the responder are about that authority's certificates.
  Result<crypto::Certificate> certify_responder(crypto::SigningKey& ca_key, BytesView responder_spki);
  // Never fails for what somebody asks: the answer is then that there is none. `authority`: a name.
  Bytes answer_ocsp(crypto::SigningKey& responder_key, std::string_view authority, BytesView query,
                    std::chrono::seconds validity) const;
  // One answer for each certificate of a camera by that authority.
  Result<std::vector<MadeAnswer>> make_ocsp_answers(crypto::SigningKey& responder_key,
                                                    std::string_view authority, std::string_view serial,
                                                    std::chrono::seconds validity) const;

  // A list of issued cameras that go to somebody, signed with the log's key. Each camera is delivered once:
  // Errc::exists. Errc::not_found for one that was never issued, Errc::denied for a revoked one.
  Result<DeliveryList> deliver(crypto::SigningKey& log_key, const std::string& to,
                               const std::vector<std::string>& serials);

  // The key that signs the log's checkpoints, with a certificate by the root, into issue-log.pem.
  Result<crypto::Certificate> certify_log_signer(crypto::SigningKey& root_key, BytesView log_key_spki);
  // From now on a checkpoint is written after every 1000 lines and by checkpoint(). Must outlive this object.
  // Errc::not_found if there is no certificate, Errc::usage if it is of another key.
  Status use_log_key(crypto::SigningKey& key);
  Status checkpoint();  // nothing without a key, or without lines since the last one

 private:
  struct State;
  explicit Factory(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace camvault::identity
