// RFC 3161 time stamps: a third party says that something existed at a time, whatever the maker's clock said.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "camvault/crypto/certificate.h"
#include "camvault/crypto/hash.h"

namespace camvault::crypto {

inline constexpr std::size_t kMaxTimeStampToken = 64 * 1024;  // real ones have 1 to 8 kB

struct TimeStampCheck {
  BytesView token;  // TimeStampToken: a CMS ContentInfo, DER
  HashAlg hash = HashAlg::sha256;
  Digest imprint;              // of what should have been stamped
  std::optional<Bytes> nonce;  // that was sent, big endian; only who asked for the token knows it
  std::string policy;          // dotted; empty = any
  const std::vector<Certificate>* anchors = nullptr;  // of time stamp authorities
  const std::vector<RevocationList>* crls = nullptr;
  const std::vector<OcspResponse>* ocsp = nullptr;
};

enum class TimeStampVerdict : std::uint8_t {
  trusted,    // good, and the authority leads to an anchor
  untrusted,  // a good token for this imprint, of an authority that is not trusted for that time
  invalid,    // not of this imprint, nonce or policy; a bad signature; a certificate that may not stamp
  malformed,  // no token, or an algorithm or size that we do not take
};
std::string_view to_string(TimeStampVerdict verdict);

struct TimeStampResult {
  TimeStampVerdict verdict = TimeStampVerdict::malformed;
  std::string reason;  // one sentence for people
  // What the token says; filled when it could be read, to be believed only as far as the verdict goes.
  std::optional<Timestamp> time;
  std::optional<Ticks> accuracy;  // plus or minus; not given: the authority does not say
  std::string policy;             // dotted
  std::string serial;             // of the token, hex
  std::string authority;          // name in the signer's certificate
  std::string fingerprint;        // SHA-256 of the signer's certificate, hex
  bool revocation_checked = false;
};

}  // namespace camvault::crypto
