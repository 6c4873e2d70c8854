// What a client sends: one hello, then requests. One closed structure per operation;
// docs/formats/keystore-ipc.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "camvault/base/bytes.h"
#include "camvault/keystore/keystore.h"
#include "camvault/keystore/operation.h"
#include "camvault/keystore/tls_secrets.h"

namespace camvault::ipc {

inline constexpr std::string_view kProtocol = "camvault-keystore";
inline constexpr std::uint32_t kProtocolVersion = 1;  // the only one so far

// Tags of the CBOR maps of messages. A tag, once used, keeps its meaning for ever.
namespace hello_tag {
inline constexpr std::int64_t kProtocol = 0;    // text
inline constexpr std::int64_t kMinVersion = 1;  // from the client
inline constexpr std::int64_t kMaxVersion = 2;
inline constexpr std::int64_t kError = 3;    // from the service: 0 or a ServiceError
inline constexpr std::int64_t kVersion = 4;  // from the service: the chosen one, 0 with an error
}  // namespace hello_tag

namespace request_tag {
inline constexpr std::int64_t kId = 0;  // 0 to 2^32-1, chosen by the client, repeated in the answer
inline constexpr std::int64_t kOperation = 1;
inline constexpr std::int64_t kKey = 2;  // "application/name"
inline constexpr std::int64_t kPurpose = 3;
inline constexpr std::int64_t kType = 4;
inline constexpr std::int64_t kPolicy = 5;
inline constexpr std::int64_t kScheme = 6;
inline constexpr std::int64_t kHash = 7;
inline constexpr std::int64_t kData = 8;  // key, digest, message, plaintext or sealed bytes
inline constexpr std::int64_t kAdditional = 9;
inline constexpr std::int64_t kCount = 10;
inline constexpr std::int64_t kAfter = 11;     // empty, or the last name of the page before
inline constexpr std::int64_t kAttester = 12;  // the name of an attestation key
inline constexpr std::int64_t kBackend = 13;   // name of a backend; absent: the application's rule decides
inline constexpr std::int64_t kNewKey = 14;    // boolean: bind the name to a new key
inline constexpr std::int64_t kKdf = 15;       // number
inline constexpr std::int64_t kRounds = 16;    // number
inline constexpr std::int64_t kTlsGroup = 17;  // number
inline constexpr std::int64_t kTlsStep = 18;   // number
inline constexpr std::int64_t kLabel = 19;     // bytes
inline constexpr std::int64_t kContext = 20;   // bytes: seed, context or message
}  // namespace request_tag

struct Hello {
  std::uint32_t min = kProtocolVersion;
  std::uint32_t max = kProtocolVersion;
};

using keystore::KeyName;
using keystore::KeyUse;

namespace request {
struct Status {};
struct List {
  std::string after;
};
struct Info {
  KeyName key;
};
struct Generate {
  KeyName key;
  keystore::KeyType type;
  keystore::KeyPolicy policy;
  std::string backend = {};
};
struct Import {
  KeyName key;
  keystore::KeyType type;
  keystore::KeyPolicy policy;
  BytesView data;
};
struct Remove {
  KeyName key;
};
struct PublicKey {
  KeyName key;
};
struct SignDigest {
  KeyUse use;
  crypto::SignatureScheme scheme;
  crypto::HashAlg hash;
  crypto::Digest digest;
};
struct SignMessage {
  KeyUse use;
  crypto::SignatureScheme scheme;
  crypto::HashAlg hash;
  BytesView message;
};
struct Random {
  std::uint32_t count;
};
struct Encrypt {
  KeyUse use;
  BytesView plaintext;
  BytesView additional;
};
struct Decrypt {
  KeyUse use;
  BytesView sealed;
  BytesView additional;
};
struct Mac {
  KeyUse use;
  BytesView message;
};
struct Attest {
  KeyName key;
  KeyName attester;
  BytesView nonce;
};
struct Move {
  KeyName key;
  std::string backend;
  keystore::MoveMode mode = keystore::MoveMode::same_key;
};
struct Certify {
  KeyName key;
  BytesView nonce;
};
struct Attester {
  KeyName key;
};
struct Activate {
  KeyName key;
  BytesView credential;
};
struct Agree {
  KeyUse use;
  BytesView peer;
};
struct Compare {
  KeyUse use;
  BytesView candidate;
};
struct Derive {
  KeyUse use;
  keystore::Derivation derivation;
};
struct ReadCounter {
  KeyName key;
};
struct IncrementCounter {
  KeyName key;
};
struct Seal {
  KeyName key;  // the label
  BytesView plain;
  std::string backend = {};
};
struct Unseal {
  KeyName key;
  BytesView sealed;
};
struct Backup {
  KeyName key;
};
struct Restore {
  KeyName key;
  keystore::KeyType type;
  keystore::KeyPolicy policy;
  BytesView data;
};
struct TlsShare {
  keystore::TlsGroup group;
};
struct TlsAgree {
  BytesView share;
  BytesView peer;
};
struct TlsPsk {
  KeyUse use;
};
struct TlsDerive {
  keystore::TlsDerivation derivation;
};
}  // namespace request

// In the order of Operation's numbers.
using RequestBody =
    std::variant<request::Status, request::List, request::Info, request::Generate, request::Import,
                 request::Remove, request::PublicKey, request::SignDigest, request::SignMessage,
                 request::Random, request::Encrypt, request::Decrypt, request::Mac, request::Attest,
                 request::Move, request::Certify, request::Attester, request::Activate, request::Agree,
                 request::Compare, request::Derive, request::ReadCounter, request::IncrementCounter,
                 request::Seal, request::Unseal, request::Backup, request::Restore, request::TlsShare,
                 request::TlsAgree, request::TlsPsk, request::TlsDerive>;

struct Request {
  std::uint32_t id = 0;
  RequestBody body;  // views point into the frame

  keystore::Operation operation() const;
  const KeyName* key() const;        // null if the operation names none
  const KeyName* used_key() const;   // whose private half has the work: key(), or the attester
  std::string_view backend() const;  // that the request names; empty if none
};

Result<Bytes> encode_hello(const Hello& hello);
Result<Hello> decode_hello(BytesView frame);

Result<Bytes> encode_request(const Request& request);
// Errc::malformed for everything that encode_request does not write: other fields, orders, numbers, sizes.
Result<Request> decode_request(BytesView frame);

}  // namespace camvault::ipc
