#include "camvault/attestation/attester.h"

#include "camvault/codec/cbor.h"
#include "tpm_structures.h"

namespace camvault::attestation {

using codec::CborReader;
using codec::CborWriter;

namespace {
namespace attester_tag {
constexpr std::int64_t kKind = 0;
constexpr std::int64_t kSpki = 1;
constexpr std::int64_t kArea = 2;
constexpr std::int64_t kEndorsement = 3;
constexpr std::int64_t kCertificates = 4;
constexpr std::int64_t kSimulator = 5;
}  // namespace attester_tag

namespace credential_tag {
constexpr std::int64_t kBlob = 0;
constexpr std::int64_t kSecret = 1;
}  // namespace credential_tag

constexpr std::size_t kMaxPart = 4096;

Result<Bytes> read_part(CborReader& in, std::int64_t tag) {
  CAM_TRY(const auto bytes, in.bytes(tag));
  if (bytes.size() > kMaxPart) return fail(Errc::limit, "attester: a part that is too long");
  return to_bytes(bytes);
}
}  // namespace

Result<Bytes> encode_attester(const AttesterDescription& d) {
  CborWriter out;
  out.begin_map();
  out.text(attester_tag::kKind, d.kind);
  out.bytes(attester_tag::kSpki, d.spki);
  out.bytes(attester_tag::kArea, d.area);
  out.bytes(attester_tag::kEndorsement, d.endorsement_spki);
  out.key(attester_tag::kCertificates);
  out.begin_array();
  for (const auto& certificate : d.certificates) out.bytes(certificate);
  out.end();
  out.boolean(attester_tag::kSimulator, d.simulator);
  out.end();
  CAM_TRY(auto bytes, out.take());
  CAM_TRY_STATUS(decode_attester(bytes));
  return bytes;
}

Result<AttesterDescription> decode_attester(BytesView bytes) {
  CAM_TRY(auto in, CborReader::open(bytes));
  CAM_TRY(auto map, in.map());
  AttesterDescription d;
  CAM_TRY(const auto kind, map.text(attester_tag::kKind));
  if (kind != kTpm2 && kind != kSe05x) return fail(Errc::unsupported, "attester: a kind that is not known");
  d.kind = std::string(kind);
  CAM_TRY(d.spki, read_part(map, attester_tag::kSpki));
  CAM_TRY(d.area, read_part(map, attester_tag::kArea));
  CAM_TRY(d.endorsement_spki, read_part(map, attester_tag::kEndorsement));
  CAM_TRY_STATUS(map.key(attester_tag::kCertificates));
  CAM_TRY(auto certificates, map.array());
  while (!certificates.at_end()) {
    CAM_TRY(const auto certificate, certificates.bytes());
    if (d.certificates.size() == kMaxChain || certificate.size() > kMaxPart)
      return fail(Errc::limit, "attester: too many certificates, or one that is too long");
    d.certificates.push_back(to_bytes(certificate));
  }
  CAM_TRY(d.simulator, map.boolean(attester_tag::kSimulator));
  CAM_TRY_STATUS(map.finish());
  return d;
}

Result<Bytes> check_attester_area(const AttesterDescription& d,
                                  const std::function<crypto::Digest(BytesView)>& sha256) {
  constexpr auto kMust =
      tpm::kFixedTpm | tpm::kFixedParent | tpm::kSensitiveDataOrigin | tpm::kRestricted | tpm::kSign;
  CAM_TRY(const auto key, read_tpm_public(d.area));
  if ((key.attributes & kMust) != kMust || (key.attributes & tpm::kDecrypt) != 0)
    return fail(Errc::invalid, "the key would sign what others give it: it is no attestation key");
  if (key.spki != d.spki) return fail(Errc::invalid, "the attestation key's two descriptions differ");
  Bytes name = {0x00, 0x0b};  // SHA-256
  append(name, sha256(d.area).view());
  return name;
}

Result<Bytes> encode_credential(const Credential& credential) {
  CborWriter out;
  out.begin_map();
  out.bytes(credential_tag::kBlob, credential.blob);
  out.bytes(credential_tag::kSecret, credential.secret);
  out.end();
  return out.take();
}

Result<Credential> decode_credential(BytesView bytes) {
  CAM_TRY(auto in, CborReader::open(bytes));
  CAM_TRY(auto map, in.map());
  Credential credential;
  CAM_TRY(credential.blob, read_part(map, credential_tag::kBlob));
  CAM_TRY(credential.secret, read_part(map, credential_tag::kSecret));
  CAM_TRY_STATUS(map.finish());
  return credential;
}

}  // namespace camvault::attestation
