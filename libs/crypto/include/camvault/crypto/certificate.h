// X.509 certificates as values, and the question "does this chain lead to an anchor I trust at that time?".
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "camvault/base/bytes.h"
#include "camvault/base/result.h"
#include "camvault/base/time.h"
#include "camvault/crypto/key.h"

namespace camvault::crypto {

struct Certificate {
  Bytes der;
  std::string subject;  // RFC 4514 style, printable, for people
  std::string issuer;
  std::string common_name;  // of the subject; empty if none
  std::string
      device_serial;   // the subject's serialNumber attribute (2.5.4.5, IEEE 802.1AR 8.6); empty if none
  std::string serial;  // the certificate's own number, hex
  Timestamp not_before;
  Timestamp not_after;  // 99991231235959Z means no end (IEEE 802.1AR 8.7)
  bool is_ca = false;
  std::shared_ptr<const PublicKey> key;
  std::string sha256;  // fingerprint of `der`, hex
  Bytes attester;  // SHA-256 of the attestation key that its issuer knows this device by (extensions.h), or
                   // empty
};

struct RevocationList {
  Bytes der;
  std::string issuer;
  Timestamp this_update;
  std::optional<Timestamp> next_update;
};

// A responder's signed statement about the state of certificates (RFC 6960 4.2.1, a BasicOCSPResponse within
// its OCSPResponse). Read, not yet believed: validate_path checks who signed it.
struct OcspResponse {
  Bytes der;
  Timestamp produced_at;
  std::size_t certificates = 0;  // it speaks about
};

struct PathRequest {
  const Certificate* leaf = nullptr;
  const std::vector<Certificate>* intermediates = nullptr;  // untrusted, as the stream or peer sent them
  const std::vector<Certificate>* anchors = nullptr;        // trusted; need not be self-signed
  const std::vector<RevocationList>* crls = nullptr;  // may be null, both: revocation is then not checked
  const std::vector<OcspResponse>* ocsp = nullptr;
  Timestamp at;  // validity is judged at this time
  // Somebody trusted (a time stamp authority) says that what the leaf signed existed at `at`. Then a
  // compromise of its key counts from its date on, too: a thief cannot write into the past of others.
  bool at_is_proven = false;
  // False for leaves that sign nothing, as endorsement keys: their key usage then need not allow signatures.
  bool leaf_signs = true;
  // Extended key usage the leaf must have, as dotted OID; empty = any.
  std::string required_eku;
};

enum class PathVerdict : std::uint8_t {
  trusted,
  no_anchor,  // the chain does not end at one of the anchors
  expired,    // some certificate was past its end at that time
  not_yet_valid,
  revoked,
  bad_signature,
  not_permitted,  // key usage, basic constraints, path length, name constraints
  malformed,
};
std::string_view to_string(PathVerdict verdict);

struct PathResult {
  PathVerdict verdict = PathVerdict::malformed;
  std::string reason;               // one sentence for people, with the certificate concerned
  std::vector<Certificate> path;    // leaf first, anchor last; filled when trusted
  bool revocation_checked = false;  // a CRL of the leaf's issuer, or an OCSP answer about the leaf, was there
};

}  // namespace camvault::crypto
