// The secrets of TLS handshakes, inside the keystore (NC-3.1-1, NC-3.4-1). A program and its TLS library have
// handles in their place, each as long as its secret, and carry them from one step of the key schedule to the
// next without looking inside. docs/tls-secrets.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "camvault/crypto/key.h"
#include "camvault/keystore/keystore.h"

namespace camvault::keystore {

enum class TlsGroup : std::uint8_t { x25519, secp256r1 };
std::size_t point_size(TlsGroup group);  // bytes of a public value: 32; 65 (04 || X || Y)

enum class TlsStep : std::uint8_t {
  prf_1_2,      // RFC 5246 5
  extract_1_3,  // RFC 8446 7.1: a stage of the key schedule
  expand_1_3,   // RFC 8446 7.1: HKDF-Expand-Label
  mac_1_3,      // RFC 8446 4.4.4: HMAC of Finished and of binders
};

inline constexpr std::size_t kTlsHandle = 16;        // bytes of the shortest handle
inline constexpr std::size_t kMinTlsPsk = 16;        // bytes of a PSK: no shorter than its handle,
inline constexpr std::size_t kMaxTlsPsk = 64;        // and no longer than this
inline constexpr std::size_t kMaxTlsLabel = 249;     // RFC 8446 7.1, without "tls13 "
inline constexpr std::size_t kMaxTlsContext = 4096;  // seed, context or message
inline constexpr std::size_t kMaxTlsOutput = 512;

// What the fields mean depends on the step; others are empty.
struct TlsDerivation {
  TlsStep step = TlsStep::prf_1_2;
  crypto::HashAlg hash = crypto::HashAlg::sha256;
  // A handle. prf_1_2: also what a TLS library makes of a PSK's and another secret's handle (RFC 4279 2).
  // extract_1_3: the input of the stage; empty: zeros.
  BytesView secret = {};
  BytesView before = {};   // extract_1_3: the secret of the stage before; empty: there is none
  BytesView label = {};    // expand_1_3, without "tls13 "
  BytesView data = {};     // seed with the label in front (prf_1_2), context, or message
  std::uint32_t size = 0;  // bytes wanted; 0 for extract_1_3 and mac_1_3
};

// Errc::usage if the fields do not fit together.
Status check_tls_derivation(const TlsDerivation& derivation);

struct TlsShare {
  Bytes handle;  // kTlsHandle bytes
  Bytes point;   // for the peer
};

// One program's place for such secrets. Handles are of this object only: they die with it, with the
// connection behind it, and the oldest when there are too many. Thread-safe. Errors: denied, limit, usage,
// unavailable; invalid for a handle that is none, or not for this step, and for a point that is not on the
// curve.
class TlsSecrets {
 public:
  virtual ~TlsSecrets() = default;
  virtual Result<Bytes> random(std::size_t count) = 0;  // 1 to kMaxRandom bytes
  virtual Result<TlsShare> new_share(TlsGroup group) = 0;
  // The ECDHE result. A share is used once.
  virtual Result<Bytes> agree(BytesView share, BytesView peer_point) = 0;
  // A KeyType::secret of kMinTlsPsk to kMaxTlsPsk bytes. Errc::unsupported if it is in a module that gives
  // nothing away.
  virtual Result<Bytes> psk(const KeyUse& use) = 0;
  // A handle, or, where the protocol needs them outside, the bytes: record keys and IVs, Finished, binders,
  // exporters. The keystore decides which, from step and label.
  virtual Result<Bytes> derive(const TlsDerivation& derivation) = 0;
};

}  // namespace camvault::keystore
