#include "attest.h"

#include <algorithm>

#include "camvault/attestation/attester.h"
#include "camvault/crypto/key_encoding.h"
#include "camvault/keystore_se05x/tlv.h"

namespace camvault::keystore_se05x {

namespace {
// Elements without a certificate (some variants, all that were not provisioned) attest all the same.
std::vector<Bytes> certificates(Applet& applet) {
  const auto there = applet.exists(object::kAttestationCertificate);
  if (!there || !*there) return {};
  const auto size = applet.file_size(object::kAttestationCertificate);
  if (!size) return {};
  auto der = applet.read_file(object::kAttestationCertificate, *size);
  if (!der || der->empty()) return {};
  return {std::move(*der)};
}

Result<Bytes> attester_spki(Applet& applet) {
  CAM_TRY(const auto point, applet.ec_point(object::kAttestationKey, Curve::p256));
  return crypto::spki_of_point(crypto::KeyAlg::ec_p256, point);
}

struct Parts {
  Bytes fields;  // all before the signature, as they came
  Bytes signature;
};
Result<Parts> parts_of(const AttestedRead& read) {
  const auto last = read.applet_7 ? tag::kSignature : tag::k6;
  Parts out;
  TlvReader in(read.answer);
  while (!in.at_end()) {
    CAM_TRY(const auto field, in.next());
    if (field.tag == last) {
      out.signature = to_bytes(field.value);
      CAM_TRY_STATUS(in.finish());
      return out;
    }
    append(out.fields, field.raw);
  }
  return fail(Errc::malformed, "SE05x: an attested read without a signature");
}
}  // namespace

Result<Bytes> attest(Applet& applet, const crypto::Engine& engine, ObjectId id, BytesView nonce) {
  const auto sha256 = [&](BytesView bytes) { return engine.digest(crypto::HashAlg::sha256, bytes); };
  const auto asked = attestation::nonce_for(attestation::kSe05x, nonce, sha256);
  Freshness freshness;
  std::copy(asked.begin(), asked.end(), freshness.value.begin());
  CAM_TRY(const auto read, applet.attested_read(id, object::kAttestationKey, freshness));
  CAM_TRY(auto parts, parts_of(read));
  attestation::ModuleEvidence evidence;
  evidence.kind = attestation::kSe05x;
  evidence.generation = read.applet_7 ? 7 : 3;
  CAM_TRY(evidence.attester_spki, attester_spki(applet));
  evidence.chain = certificates(applet);
  evidence.statement = std::move(parts.fields);
  evidence.signature = std::move(parts.signature);
  evidence.context = read.command;
  return attestation::encode_module_evidence(evidence);
}

Result<Bytes> describe_attester(Applet& applet) {
  attestation::AttesterDescription out;
  out.kind = attestation::kSe05x;
  CAM_TRY(out.spki, attester_spki(applet));
  out.certificates = certificates(applet);
  out.simulator = applet.element().is_simulator();
  return attestation::encode_attester(out);
}

}  // namespace camvault::keystore_se05x
