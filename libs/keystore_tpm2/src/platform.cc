#include "platform.h"

#include "blob.h"
#include "camvault/base/byte_reader.h"
#include "camvault/keystore_engine/backend.h"
#include "templates.h"

namespace camvault::keystore_tpm2 {

namespace {
constexpr TPM2_HANDLE kFirstCounter = 0x0180ca00;  // in the range that the owner hands out (part 2, 13.2)

TPML_PCR_SELECTION boot_pcrs() {
  TPML_PCR_SELECTION out{};
  out.count = 1;
  out.pcrSelections[0].hash = TPM2_ALG_SHA256;
  out.pcrSelections[0].sizeofSelect = 3;
  out.pcrSelections[0].pcrSelect[0] = 0xff;  // 0 to 7
  return out;
}

// A session whose policy is that of the PCRs now.
Result<ESYS_TR> policy_session(Tpm& tpm, TPM2_SE type) {
  const TPMA_SESSION attributes =
      TPMA_SESSION_CONTINUESESSION | (type == TPM2_SE_POLICY ? TPMA_SESSION_ENCRYPT : TPMA_SESSION{0});
  CAM_TRY(const auto session, tpm.start_session(type, ESYS_TR_NONE, attributes));
  const auto pcrs = boot_pcrs();
  const TPM2B_DIGEST as_they_are{};
  const auto rc =
      Esys_PolicyPCR(tpm.esys(), session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &as_they_are, &pcrs);
  if (const auto done = tpm.run("TPM2_PolicyPCR", rc); !done) {
    tpm.flush(session);
    return tl::unexpected(done.error());
  }
  return session;
}

Result<TPM2B_DIGEST> policy_now(Tpm& tpm) {
  CAM_TRY(const auto session, policy_session(tpm, TPM2_SE_TRIAL));
  TPM2B_DIGEST* digest = nullptr;
  const auto rc =
      Esys_PolicyGetDigest(tpm.esys(), session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &digest);
  const EsysPtr<TPM2B_DIGEST> owner(digest);
  tpm.flush(session);
  CAM_TRY_STATUS(tpm.run("TPM2_PolicyGetDigest", rc));
  return *digest;
}

Status increment_object(Tpm& tpm, ESYS_TR object) {
  return tpm.run("TPM2_NV_Increment", Esys_NV_Increment(tpm.esys(), ESYS_TR_RH_OWNER, object,
                                                        ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE));
}

// The counter's object in ESYS; made if the TPM does not have it.
Result<ESYS_TR> counter_object(Tpm& tpm, std::uint32_t number) {
  ESYS_TR object = ESYS_TR_NONE;
  if (Esys_TR_FromTPMPublic(tpm.esys(), kFirstCounter + number, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                            &object) == TSS2_RC_SUCCESS) {
    return object;
  }
  const TPM2B_AUTH no_password{};
  TPM2B_NV_PUBLIC counter{};
  counter.nvPublic.nvIndex = kFirstCounter + number;
  counter.nvPublic.nameAlg = TPM2_ALG_SHA256;
  counter.nvPublic.attributes = TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD | TPMA_NV_NO_DA |
                                (UINT32{TPM2_NT_COUNTER} << TPMA_NV_TPM2_NT_SHIFT);
  counter.nvPublic.dataSize = 8;
  CAM_TRY_STATUS(tpm.run("TPM2_NV_DefineSpace",
                         Esys_NV_DefineSpace(tpm.esys(), ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                             ESYS_TR_NONE, &no_password, &counter, &object)));
  // Without a first increment it has no value that could be read.
  CAM_TRY_STATUS(increment_object(tpm, object));
  return object;
}

Result<std::uint64_t> read_object(Tpm& tpm, ESYS_TR object) {
  TPM2B_MAX_NV_BUFFER* made = nullptr;
  const auto rc = Esys_NV_Read(tpm.esys(), ESYS_TR_RH_OWNER, object, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                               ESYS_TR_NONE, 8, 0, &made);
  const EsysPtr<TPM2B_MAX_NV_BUFFER> value(made);
  CAM_TRY_STATUS(tpm.run("TPM2_NV_Read", rc));
  ByteReader in(view_of(*value));
  CAM_TRY(const auto number, in.u64());
  CAM_TRY_STATUS(in.finish());
  return number;
}

// Esys_TR_Close frees ESYS' own record; the counter stays in the TPM.
template <class Use>
Result<std::uint64_t> with_counter(Tpm& tpm, std::uint32_t number, Use&& use) {
  if (number >= keystore_engine::Backend::kCounters) return fail(Errc::usage, "counters are 0 to 15");
  CAM_TRY(auto object, counter_object(tpm, number));
  auto result = use(object);
  Esys_TR_Close(tpm.esys(), &object);
  return result;
}
}  // namespace

Result<Bytes> seal(Tpm& tpm, const Secret& plain) {
  tpm.make_room();
  CAM_TRY(const auto policy, policy_now(tpm));
  CAM_TRY(const auto blob,
          plain.reveal([&](BytesView data) { return tpm.create(sealed_template(policy), {}, data); }));
  CAM_TRY(const auto written, write_blob(blob));
  return written.reveal([](BytesView bytes) { return to_bytes(bytes); });  // only this TPM opens it
}

Result<Secret> unseal(Tpm& tpm, const Blob& blob) {
  tpm.make_room();
  CAM_TRY(const auto object, tpm.load_once(blob));
  auto unsealed = [&]() -> Result<Secret> {
    CAM_TRY(const auto session, policy_session(tpm, TPM2_SE_POLICY));
    TPM2B_SENSITIVE_DATA* made = nullptr;
    const auto rc = Esys_Unseal(tpm.esys(), object, session, ESYS_TR_NONE, ESYS_TR_NONE, &made);
    const EsysPtr<TPM2B_SENSITIVE_DATA> data(made);
    tpm.flush(session);
    CAM_TRY_STATUS(tpm.run("TPM2_Unseal", rc));
    Secret plain(view_of(*data));
    wipe(data.get(), sizeof *data);
    return plain;
  }();
  tpm.flush(object);
  return unsealed;
}

Result<std::uint64_t> read_nv_counter(Tpm& tpm, std::uint32_t number) {
  return with_counter(tpm, number, [&](ESYS_TR object) { return read_object(tpm, object); });
}

Result<std::uint64_t> increment_nv_counter(Tpm& tpm, std::uint32_t number) {
  return with_counter(tpm, number, [&](ESYS_TR object) -> Result<std::uint64_t> {
    CAM_TRY_STATUS(increment_object(tpm, object));
    return read_object(tpm, object);
  });
}

}  // namespace camvault::keystore_tpm2
