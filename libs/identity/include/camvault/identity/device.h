// The camera's side of the factory: requests for certificates of keys that were made in its keystore, and
// what comes back.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "camvault/base/bytes.h"
#include "camvault/base/result.h"
#include "camvault/base/time.h"
#include "camvault/crypto/certificate.h"
#include "camvault/crypto/engine.h"
#include "camvault/crypto/key.h"

namespace camvault::identity {

// File names in a camera's identity folder. Certificates are public; the keys stay in the keystore.
inline constexpr std::string_view kIdentityChainFile = "idevid-chain.pem";
inline constexpr std::string_view kMediaSigningChainFile = "media-signing-chain.pem";
// What the camera's web server may tell everybody about it: JSON, see identity_card.
inline constexpr std::string_view kIdentityCardFile = "identity.json";
// Every other certificate: its use and "-chain.pem".
std::string chain_file(std::string_view use);

// A camera has an identity for each algorithm that a network may insist on (AX-2.1-2), all active: the first
// one, usually P-256, and these. The use names the key in the camera's keystore ("camera/" and the use), the
// file and the line in the factory's log.
struct FurtherIdentity {
  std::string_view use;
  crypto::KeyAlg alg;
};
inline constexpr FurtherIdentity kFurtherIdentities[] = {{"idevid-rsa-2048", crypto::KeyAlg::rsa_2048},
                                                         {"idevid-rsa-4096", crypto::KeyAlg::rsa_4096}};

inline constexpr std::size_t kMaxDeviceSerial = 64;
// 1 to 64 characters out of [A-Za-z0-9.:-], the first a letter or digit. Serves as file name and as a
// PrintableString.
bool is_device_serial(std::string_view text);

// All that leaves the camera: public keys with the proof that it has the private ones (PKCS#10, RFC 2986), in
// DER.
struct ProvisionRequest {
  std::string serial;
  Bytes identity_request;
  Bytes media_signing_request;
  // The keystore's evidence about the media signing key (camvault/attestation/check.h), made for
  // Factory::challenge; empty: none. The certificate then names the key that attested, so that whoever trusts
  // the factory can check later evidence.
  Bytes attestation;
  // Identities in other algorithms, for Factory::provision_group: use (kFurtherIdentities) and request.
  std::vector<std::pair<std::string, Bytes>> further = {};
  // The number that the evidence was made for where nobody could ask for one: see offline_challenge. Empty:
  // it was Factory::challenge.
  Bytes attestation_nonce = {};
};

// The number for evidence that goes into a request without a factory at hand: it speaks of the order and the
// camera, and a key is certified once.
Bytes offline_challenge(const crypto::Engine& engine, std::string_view order, std::string_view serial);

// One request, for one key. `use` stands in it as organizational unit: what the key is for, signed by it.
// Empty: whoever passes it on says so. Errc::usage for what is no serial number.
Result<Bytes> make_certificate_request_for(std::string_view serial, crypto::SigningKey& key,
                                           std::string_view use = {});

// Two different keys are required: one that proves which camera this is, one that signs its video.
Result<ProvisionRequest> make_provision_request(std::string_view serial, crypto::SigningKey& identity_key,
                                                crypto::SigningKey& media_signing_key);

struct DeviceCertificates {
  std::string serial;
  crypto::Certificate identity;       // IEEE 802.1AR IDevID
  crypto::Certificate media_signing;  // ONVIF Media Signing
  std::string identity_chain_pem;     // leaf, device CA
  std::string
      media_signing_chain_pem;  // leaf, device CA: what goes into the video, which never holds the root
};

// A certificate beside these two.
struct FurtherCertificate {
  std::string serial;
  std::string use;
  crypto::Certificate certificate;
  std::string chain_pem;  // leaf, then the CAs below the root
};

// What a camera must see before it takes certificates: they are for this serial number, of exactly its two
// keys (SubjectPublicKeyInfo), and lead to the root it was told. Errc::invalid says in a sentence what is
// wrong.
Status check_device_certificates(const crypto::Engine& engine, const DeviceCertificates& certificates,
                                 BytesView identity_spki, BytesView media_signing_spki,
                                 const crypto::Certificate& root, Timestamp at);

Status check_further_certificate(const crypto::Engine& engine, const FurtherCertificate& certificate,
                                 BytesView spki, const crypto::Certificate& root, Timestamp at);

// Out of what an authority sent (in any order, with the CAs between): the certificate for this key, with its
// chain. Nothing if none is for the key; Errc::invalid if it is for another serial number or does not lead to
// one of `anchors`.
Result<std::optional<FurtherCertificate>> pick_certificate(const crypto::Engine& engine,
                                                           const std::vector<crypto::Certificate>& given,
                                                           const std::vector<crypto::Certificate>& anchors,
                                                           std::string_view serial, std::string_view use,
                                                           BytesView spki, Timestamp at);

// {"serial": ..., "idevid_sha256": fingerprint of the identity, hex}: the same two as on the camera's label.
std::string identity_card(std::string_view serial, const crypto::Certificate& identity);

// Writes both chains and the card into `folder` (made if missing), each file atomically, readable by all.
Status install_device_certificates(const std::filesystem::path& folder,
                                   const DeviceCertificates& certificates);
Status install_further_certificate(const std::filesystem::path& folder,
                                   const FurtherCertificate& certificate);

}  // namespace camvault::identity
