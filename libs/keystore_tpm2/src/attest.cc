#include "attest.h"

#include <optional>

#include "blob.h"
#include "camvault/attestation/attester.h"
#include "templates.h"

namespace camvault::keystore_tpm2 {

using keystore::KeyType;

namespace {
constexpr TPMA_SESSION kOneUse = TPMA_SESSION_CONTINUESESSION | TPMA_SESSION_DECRYPT;
constexpr std::size_t kMaxCertificate = 4096;
constexpr std::size_t kNvPiece = 512;  // every TPM reads that much at once

// Where a maker puts the certificates of its EKs (EK Credential Profile, 2.2.1.4).
struct EndorsementSlot {
  KeyType type;
  TPM2_HANDLE certificate;
};
constexpr EndorsementSlot kSlots[] = {{KeyType::rsa_2048, 0x01c00002}, {KeyType::ec_p256, 0x01c0000a}};

// An object of the TPM for the time of a block.
class Transient {
 public:
  Transient(Tpm& tpm, ESYS_TR object) : tpm_(tpm), object_(object) {}
  ~Transient() { tpm_.flush(object_); }
  Transient(const Transient&) = delete;
  Transient& operator=(const Transient&) = delete;
  ESYS_TR get() const { return object_; }

 private:
  Tpm& tpm_;
  ESYS_TR object_;
};

Result<Tpm::Primary> attester(Tpm& tpm) {
  return tpm.create_primary(ESYS_TR_RH_OWNER, attester_template());
}

Result<Bytes> read_nv(Tpm& tpm, ESYS_TR index) {
  TPM2B_NV_PUBLIC* described = nullptr;
  TPM2B_NAME* name = nullptr;
  const auto rc =
      Esys_NV_ReadPublic(tpm.esys(), index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &described, &name);
  const EsysPtr<TPM2B_NV_PUBLIC> area(described);
  const EsysPtr<TPM2B_NAME> name_owner(name);
  CAM_TRY_STATUS(tpm.run("TPM2_NV_ReadPublic", rc));
  const std::size_t size = area->nvPublic.dataSize;
  if (size > kMaxCertificate) return fail(Errc::limit, "a certificate of the TPM that is too long");
  // Makers allow reading by the index itself, by the owner, or both.
  const auto by = (area->nvPublic.attributes & TPMA_NV_AUTHREAD) != 0 ? index : ESYS_TR{ESYS_TR_RH_OWNER};
  Bytes out;
  while (out.size() < size) {
    TPM2B_MAX_NV_BUFFER* made = nullptr;
    const auto wanted = static_cast<UINT16>(std::min(kNvPiece, size - out.size()));
    const auto read = Esys_NV_Read(tpm.esys(), by, index, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                   wanted, static_cast<UINT16>(out.size()), &made);
    const EsysPtr<TPM2B_MAX_NV_BUFFER> piece(made);
    CAM_TRY_STATUS(tpm.run("TPM2_NV_Read", read));
    if (view_of(*piece).size() != wanted) return fail(Errc::malformed, "the TPM gave another piece");
    append(out, view_of(*piece));
  }
  return out;
}

// The certificate without what fills up its place: its outermost length says where it ends.
Bytes without_padding(Bytes der) {
  if (der.size() < 4 || der[0] != 0x30 || der[1] != 0x82) return {};
  const std::size_t size = 4u + (std::size_t{der[2]} << 8 | der[3]);
  if (size > der.size()) return {};
  der.resize(size);
  return der;
}

std::optional<Bytes> endorsement_certificate(Tpm& tpm, TPM2_HANDLE handle) {
  ESYS_TR index = ESYS_TR_NONE;
  if (Esys_TR_FromTPMPublic(tpm.esys(), handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &index) !=
      TSS2_RC_SUCCESS) {
    return {};
  }
  auto bytes = read_nv(tpm, index);
  Esys_TR_Close(tpm.esys(), &index);
  if (!bytes) return {};
  auto der = without_padding(std::move(*bytes));
  if (der.empty()) return {};
  return der;
}

struct Endorsement {
  KeyType type = KeyType::ec_p256;  // of a TPM without any certificate
  std::optional<Bytes> certificate;
};
Endorsement find_endorsement(Tpm& tpm) {
  for (const auto& slot : kSlots) {
    if (auto certificate = endorsement_certificate(tpm, slot.certificate))
      return {.type = slot.type, .certificate = std::move(certificate)};
  }
  return {};
}

Result<Bytes> quote(Tpm& tpm, ESYS_TR key, ESYS_TR key_session, const Tpm::Primary& by,
                    const TPM2B_PUBLIC& key_area, BytesView nonce) {
  CAM_TRY(const auto qualifying, to_tpm2b<TPM2B_DATA>(nonce));
  const TPMT_SIG_SCHEME of_the_key{.scheme = TPM2_ALG_NULL, .details = {}};
  TPM2B_ATTEST* made = nullptr;
  TPMT_SIGNATURE* signed_by = nullptr;
  const auto rc = Esys_Certify(tpm.esys(), key, by.object, key_session, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                               &qualifying, &of_the_key, &made, &signed_by);
  const EsysPtr<TPM2B_ATTEST> attest(made);
  const EsysPtr<TPMT_SIGNATURE> signature(signed_by);
  CAM_TRY_STATUS(tpm.run("TPM2_Certify", rc));
  attestation::ModuleEvidence evidence;
  evidence.kind = attestation::kTpm2;
  evidence.generation = 2;
  evidence.statement = Bytes(attest->attestationData, attest->attestationData + attest->size);
  CAM_TRY(evidence.signature, signature_of(KeyType::ec_p256, crypto::SignatureScheme::ecdsa, *signature));
  CAM_TRY(evidence.attester_spki, spki_of(KeyType::ec_p256, by.public_area));
  CAM_TRY(evidence.context, area_of(key_area));
  return attestation::encode_module_evidence(evidence);
}
}  // namespace

Result<Bytes> certify(Tpm& tpm, const Blob& key, BytesView nonce) {
  tpm.make_all_room();  // storage primary, key and attestation key are the three that fit
  CAM_TRY(const auto object, tpm.load_once(key));
  const Transient loaded(tpm, object);
  CAM_TRY(const auto session, tpm.start_session(TPM2_SE_HMAC, object, kOneUse));
  const Transient session_owner(tpm, session);
  CAM_TRY(const auto by, attester(tpm));
  const Transient by_owner(tpm, by.object);
  return quote(tpm, object, session, by, key.public_area, nonce);
}

Result<Bytes> describe_attester(Tpm& tpm, bool simulator) {
  tpm.make_all_room();
  attestation::AttesterDescription out;
  out.kind = attestation::kTpm2;
  out.simulator = simulator;
  {
    CAM_TRY(const auto by, attester(tpm));
    const Transient owner(tpm, by.object);
    CAM_TRY(out.spki, spki_of(KeyType::ec_p256, by.public_area));
    CAM_TRY(out.area, area_of(by.public_area));
  }
  auto endorsement = find_endorsement(tpm);
  if (endorsement.certificate) out.certificates.push_back(std::move(*endorsement.certificate));
  CAM_TRY(const auto key, tpm.create_primary(ESYS_TR_RH_ENDORSEMENT, endorsement_template(endorsement.type)));
  const Transient owner(tpm, key.object);
  CAM_TRY(out.endorsement_spki, spki_of(endorsement.type, key.public_area));
  return attestation::encode_attester(out);
}

Result<Secret> activate(Tpm& tpm, BytesView encoded) {
  CAM_TRY(const auto credential, attestation::decode_credential(encoded));
  TPM2B_ID_OBJECT blob{};
  if (credential.blob.size() > sizeof blob.credential) return fail(Errc::limit, "longer than the TPM takes");
  blob.size = static_cast<UINT16>(credential.blob.size());
  std::copy(credential.blob.begin(), credential.blob.end(), blob.credential);
  TPM2B_ENCRYPTED_SECRET secret{};
  if (credential.secret.size() > sizeof secret.secret) return fail(Errc::limit, "longer than the TPM takes");
  secret.size = static_cast<UINT16>(credential.secret.size());
  std::copy(credential.secret.begin(), credential.secret.end(), secret.secret);

  tpm.make_all_room();
  const auto type = find_endorsement(tpm).type;
  CAM_TRY(const auto by, attester(tpm));
  const Transient by_owner(tpm, by.object);
  CAM_TRY(const auto key, tpm.create_primary(ESYS_TR_RH_ENDORSEMENT, endorsement_template(type)));
  const Transient key_owner(tpm, key.object);
  CAM_TRY(const auto session, tpm.start_session(TPM2_SE_POLICY, ESYS_TR_NONE, TPMA_SESSION_CONTINUESESSION));
  const Transient session_owner(tpm, session);
  const auto policy =
      Esys_PolicySecret(tpm.esys(), ESYS_TR_RH_ENDORSEMENT, session, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                        ESYS_TR_NONE, nullptr, nullptr, nullptr, 0, nullptr, nullptr);
  CAM_TRY_STATUS(tpm.run("TPM2_PolicySecret", policy));
  TPM2B_DIGEST* made = nullptr;
  const auto rc = Esys_ActivateCredential(tpm.esys(), by.object, key.object, ESYS_TR_PASSWORD, session,
                                          ESYS_TR_NONE, &blob, &secret, &made);
  const EsysPtr<TPM2B_DIGEST> opened(made);
  CAM_TRY_STATUS(tpm.run("TPM2_ActivateCredential", rc));
  Secret out(view_of(*opened));
  wipe(opened.get(), sizeof *opened);
  return out;
}

}  // namespace camvault::keystore_tpm2
