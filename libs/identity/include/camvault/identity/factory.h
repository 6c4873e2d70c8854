// A factory: root CA, device CA below it, and an identity for each camera, once. The keys are elsewhere (a
// keystore): every operation gets the one it needs, so that cameras are provisioned while the root key is
// locked away.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "camvault/base/time.h"
#include "camvault/crypto/certificate.h"
#include "camvault/crypto/engine.h"
#include "camvault/crypto/key.h"
#include "camvault/identity/device.h"

namespace camvault::identity {

// File names in a factory's folder; docs/formats/factory.md describes them all.
inline constexpr std::string_view kRootCaFile = "root-ca.pem";
inline constexpr std::string_view kDeviceCaFile = "device-ca.pem";
inline constexpr std::string_view kIssueLogFile = "issued.jsonl";
inline constexpr std::string_view kRootListFile = "root-ca.crl.pem";
inline constexpr std::string_view kDeviceCaListFile = "device-ca.crl.pem";

struct FactorySettings {
  std::string organization;                 // O of all names; 1 to 64 bytes of UTF-8
  std::string country;                      // two letters, or empty
  std::string product = "Camvault camera";  // first part of each camera's CN; at most 32 bytes
  // RFC 4108: the kind of hardware module. The default is under the arc for documentation (RFC 5612).
  std::string module_type_oid = "1.3.6.1.4.1.32473.1";
  // How long media signing certificates are valid; none: without end, as the identity (IEEE 802.1AR 8.7).
  std::optional<std::chrono::days> media_signing_validity;
  // Media signing certificates promise a signed supplement with each signature (crypto/extensions.h): taking
  // it away is then found out. False for cameras whose firmware writes none.
  bool media_supplement = true;
};

enum class RevocationCause : std::uint8_t { key_compromise, superseded, cessation_of_operation };

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
  // Errc::not_found without a factory; Errc::malformed if its log was changed.
  static Result<Factory> open(const std::filesystem::path& folder, const Clock& clock,
                              const crypto::Engine& engine);
  ~Factory();
  Factory(Factory&&) noexcept;
  Factory& operator=(Factory&&) noexcept;

  const FactorySettings& settings() const;
  const crypto::Certificate& root() const;
  const crypto::Certificate& device_ca() const;

  // Certificates for one camera. Checks that the camera has the keys it asks for, that they are new, and that
  // the serial number was never used: Errc::invalid, Errc::denied, Errc::exists. Evidence that is not good,
  // or says that the key was imported, is Errc::invalid. A camera whose provisioning was cut off before any
  // certificate left can ask again with the same keys.
  Result<DeviceCertificates> provision(crypto::SigningKey& device_ca_key, const ProvisionRequest& request);

  // One more identity of a camera that has its first two certificates, for a key of another algorithm: `use`
  // is one of kFurtherIdentities. The same key asking again gets the same certificate; another one is
  // refused: Errc::exists. Errc::not_found, Errc::denied, Errc::invalid.
  Result<FurtherCertificate> add_identity(crypto::SigningKey& device_ca_key, const std::string& serial,
                                          std::string_view use, BytesView request);

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

  // Revokes all certificates of a camera, from now on (key compromise counts at any time), and publishes the
  // list.
  Result<crypto::RevocationList> revoke(crypto::SigningKey& device_ca_key, std::string_view serial,
                                        RevocationCause cause);
  // Signs a new list of all revoked cameras, valid for `validity`, into device-ca.crl.pem.
  Result<crypto::RevocationList> publish_device_ca_list(crypto::SigningKey& device_ca_key,
                                                        std::chrono::days validity);
  // The root's list, into root-ca.crl.pem; `revoke_device_ca` adds the device CA for good (its key was
  // stolen).
  Result<crypto::RevocationList> publish_root_list(crypto::SigningKey& root_key, std::chrono::days validity,
                                                   bool revoke_device_ca = false);

 private:
  struct State;
  explicit Factory(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace camvault::identity
