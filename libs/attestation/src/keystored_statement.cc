#include "camvault/attestation/keystored_statement.h"

#include <algorithm>

#include "camvault/codec/cbor.h"

namespace camvault::attestation {

using codec::CborReader;
using codec::CborWriter;

namespace {
constexpr std::string_view kName = "camvault keystored attestation";
constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kMaxBackend = 32;
constexpr std::uint64_t kMaxPurpose = 255;
constexpr std::size_t kMaxSignature = 1024;
constexpr std::size_t kMaxSpki = 2048;

namespace statement_tag {
constexpr std::int64_t kName = 0;
constexpr std::int64_t kVersion = 1;
constexpr std::int64_t kSpki = 2;
constexpr std::int64_t kOrigin = 3;
constexpr std::int64_t kPurpose = 4;
constexpr std::int64_t kBackend = 5;
constexpr std::int64_t kSimulator = 6;
constexpr std::int64_t kCreated = 7;
constexpr std::int64_t kNonce = 8;
constexpr std::int64_t kStated = 9;
}  // namespace statement_tag

namespace evidence_tag {
constexpr std::int64_t kStatement = 0;
constexpr std::int64_t kScheme = 1;
constexpr std::int64_t kHash = 2;
constexpr std::int64_t kSignature = 3;
constexpr std::int64_t kAttester = 4;
}  // namespace evidence_tag

tl::unexpected<Error> malformed(const char* what) {
  return fail(Errc::malformed, std::string("attestation: ") + what);
}

bool is_backend(std::string_view text) {
  return !text.empty() && text.size() <= kMaxBackend && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

Status check_fields(const KeystoredStatement& s) {
  if (s.spki_sha256.size != crypto::digest_size(crypto::HashAlg::sha256))
    return malformed("the key's fingerprint");
  if (!is_backend(s.backend)) return malformed("the backend's name");
  if (s.nonce.size() < kMinNonce || s.nonce.size() > kMaxNonce) return malformed("a nonce has 8 to 64 bytes");
  if (s.purpose == 0 || s.purpose > kMaxPurpose) return malformed("the purpose");
  if (to_unix_seconds(s.created) < 0 || to_unix_seconds(s.stated) < 0) return malformed("a time before 1970");
  return ok();
}

void write_seconds(CborWriter& out, Timestamp time) {
  out.unsigned_integer(static_cast<std::uint64_t>(to_unix_seconds(time)));
}
Result<Timestamp> read_seconds(CborReader& in) {
  constexpr std::uint64_t kLast = 253'402'300'799;  // year 9999
  CAM_TRY(const auto seconds, in.unsigned_integer());
  if (seconds > kLast) return malformed("a time after the year 9999");
  return from_unix_seconds(static_cast<std::int64_t>(seconds));
}

// Numbers of keystored's registry.
constexpr std::pair<std::uint64_t, crypto::SignatureScheme> kSchemes[] = {
    {1, crypto::SignatureScheme::ecdsa},
    {2, crypto::SignatureScheme::rsa_pss},
    {4, crypto::SignatureScheme::ed25519}};
constexpr std::pair<std::uint64_t, crypto::HashAlg> kHashes[] = {
    {1, crypto::HashAlg::sha256}, {2, crypto::HashAlg::sha384}, {3, crypto::HashAlg::sha512}};

template <class E, std::size_t N>
std::uint64_t number_of(const std::pair<std::uint64_t, E> (&rows)[N], E value) {
  for (const auto& row : rows) {
    if (row.second == value) return row.first;
  }
  return 0;
}
template <class E, std::size_t N>
Result<E> value_of(const std::pair<std::uint64_t, E> (&rows)[N], std::uint64_t number) {
  for (const auto& row : rows) {
    if (row.first == number) return row.second;
  }
  return malformed("an unknown algorithm");
}
}  // namespace

std::string_view to_string(KeyOrigin origin) {
  switch (origin) {
    case KeyOrigin::generated_inside:
      return "generated inside";
    case KeyOrigin::trust_provisioned:
      return "trust-provisioned";
    case KeyOrigin::imported:
      return "imported";
  }
  return "?";
}

Result<Bytes> encode_statement(const KeystoredStatement& s) {
  CAM_TRY_STATUS(check_fields(s));
  CborWriter out;
  out.begin_map();
  out.text(statement_tag::kName, kName);
  out.unsigned_integer(statement_tag::kVersion, kVersion);
  out.bytes(statement_tag::kSpki, s.spki_sha256.view());
  out.unsigned_integer(statement_tag::kOrigin, static_cast<std::uint64_t>(s.origin));
  out.unsigned_integer(statement_tag::kPurpose, s.purpose);
  out.text(statement_tag::kBackend, s.backend);
  out.boolean(statement_tag::kSimulator, s.simulator);
  out.key(statement_tag::kCreated);
  write_seconds(out, s.created);
  out.bytes(statement_tag::kNonce, s.nonce);
  out.key(statement_tag::kStated);
  write_seconds(out, s.stated);
  out.end();
  return out.take();
}

Result<KeystoredStatement> decode_statement(BytesView bytes) {
  CAM_TRY(auto in, CborReader::open(bytes));
  CAM_TRY(auto map, in.map());
  CAM_TRY(const auto name, map.text(statement_tag::kName));
  if (name != kName) return malformed("not keystored's statement");
  CAM_TRY(const auto version, map.unsigned_integer(statement_tag::kVersion));
  if (version != kVersion) return fail(Errc::unsupported, "attestation: a statement of another version");
  KeystoredStatement s;
  CAM_TRY(const auto spki, map.bytes(statement_tag::kSpki));
  if (spki.size() != crypto::digest_size(crypto::HashAlg::sha256)) return malformed("the key's fingerprint");
  std::copy(spki.begin(), spki.end(), s.spki_sha256.bytes.begin());
  s.spki_sha256.size = static_cast<std::uint8_t>(spki.size());
  CAM_TRY(const auto origin, map.unsigned_integer(statement_tag::kOrigin));
  if (origin < 1 || origin > 3) return malformed("an unknown origin");
  s.origin = static_cast<KeyOrigin>(origin);
  CAM_TRY(s.purpose, map.unsigned_integer(statement_tag::kPurpose));
  CAM_TRY(s.backend, map.text(statement_tag::kBackend));
  CAM_TRY(s.simulator, map.boolean(statement_tag::kSimulator));
  CAM_TRY_STATUS(map.key(statement_tag::kCreated));
  CAM_TRY(s.created, read_seconds(map));
  CAM_TRY(const auto nonce, map.bytes(statement_tag::kNonce));
  s.nonce = to_bytes(nonce);
  CAM_TRY_STATUS(map.key(statement_tag::kStated));
  CAM_TRY(s.stated, read_seconds(map));
  CAM_TRY_STATUS(map.finish());
  CAM_TRY_STATUS(check_fields(s));
  return s;
}

Result<Bytes> encode_evidence(const KeystoredEvidence& e) {
  CborWriter out;
  out.begin_map();
  out.bytes(evidence_tag::kStatement, e.statement);
  out.unsigned_integer(evidence_tag::kScheme, number_of(kSchemes, e.scheme));
  out.unsigned_integer(evidence_tag::kHash, number_of(kHashes, e.hash));
  out.bytes(evidence_tag::kSignature, e.signature);
  out.bytes(evidence_tag::kAttester, e.attester_spki);
  out.end();
  CAM_TRY(auto bytes, out.take());
  CAM_TRY_STATUS(decode_evidence(bytes));  // what our own reader refuses must not leave
  return bytes;
}

Result<KeystoredEvidence> decode_evidence(BytesView bytes) {
  if (bytes.size() > kMaxEvidence) return fail(Errc::limit, "attestation: longer than 8 KiB");
  CAM_TRY(auto in, CborReader::open(bytes));
  CAM_TRY(auto map, in.map());
  KeystoredEvidence e;
  CAM_TRY(const auto statement, map.bytes(evidence_tag::kStatement));
  CAM_TRY(const auto scheme, map.unsigned_integer(evidence_tag::kScheme));
  CAM_TRY(e.scheme, value_of(kSchemes, scheme));
  CAM_TRY(const auto hash, map.unsigned_integer(evidence_tag::kHash));
  CAM_TRY(e.hash, value_of(kHashes, hash));
  CAM_TRY(const auto signature, map.bytes(evidence_tag::kSignature));
  CAM_TRY(const auto attester, map.bytes(evidence_tag::kAttester));
  CAM_TRY_STATUS(map.finish());
  if (signature.size() > kMaxSignature || attester.size() > kMaxSpki)
    return fail(Errc::limit, "attestation: signature or key too long");
  e.statement = to_bytes(statement);
  e.signature = to_bytes(signature);
  e.attester_spki = to_bytes(attester);
  return e;
}

}  // namespace camvault::attestation
