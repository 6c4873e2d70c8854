#include "tpm.h"

#include <tss2/tss2_sys.h>
#include <tss2/tss2_tcti_device.h>
#include <tss2/tss2_tcti_swtpm.h>

#include "templates.h"

namespace camvault::keystore_tpm2 {

using keystore::KeyType;

namespace {
constexpr UINT32 kPropertiesWanted = 64;
constexpr UINT32 kCurvesWanted = 32;
constexpr std::size_t kKeysLoaded = 2;  // with the primary: the three slots that every TPM has

// Four characters in a number, as a TPM says its maker (TPM 2.0 part 2, 6.13).
std::string text_of(UINT32 value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) {
    const auto c = static_cast<char>((value >> shift) & 0xffu);
    if (c > 0x20 && c < 0x7f) out += c;
  }
  return out;
}

UINT32 property_in(const TPMS_CAPABILITY_DATA& data, TPM2_PT wanted) {
  const auto& list = data.data.tpmProperties;
  for (UINT32 i = 0; i < std::min<UINT32>(list.count, TPM2_MAX_TPM_PROPERTIES); ++i) {
    if (list.tpmProperty[i].property == wanted) return list.tpmProperty[i].value;
  }
  return 0;
}
}  // namespace

Result<TctiName> parse_tcti(const std::string& text) {
  constexpr std::string_view kDevice = "device:";
  constexpr std::string_view kSwtpm = "swtpm:path=";
  TctiName out;
  if (text.starts_with(kDevice)) {
    out.path = text.substr(kDevice.size());
    out.configuration = out.path;
  } else if (text.starts_with(kSwtpm)) {
    out.kind = TctiName::Kind::swtpm;
    out.path = text.substr(kSwtpm.size());
    out.configuration = "path=" + out.path;
  }
  if (out.path.empty() || out.path.front() != '/' || out.path.find(',') != std::string::npos)
    return fail(Errc::usage, "tcti is device:/dev/NAME or swtpm:path=/SOCKET");
  if (out.kind == TctiName::Kind::swtpm && out.path.size() > 100)
    return fail(Errc::usage, "the path of a socket has at most 100 characters");
  return out;
}

Result<std::unique_ptr<Tpm>> Tpm::open(const TctiName& where) {
  std::unique_ptr<Tpm> tpm(new Tpm());
  CAM_TRY_STATUS(tpm->connect(where));
  CAM_TRY_STATUS(tpm->clear_leftovers());
  CAM_TRY_STATUS(tpm->make_primary());
  CAM_TRY_STATUS(tpm->learn(where));
  return tpm;
}

Tpm::~Tpm() {
  if (esys_ != nullptr) {
    if (!lost_) {
      for (const auto& key : loaded_) unload(key.session);
      if (storage_) static_cast<void>(Tss2_Sys_FlushContext(system_, storage_->handle()));
      flush(primary_);
    }
    Esys_Finalize(&esys_);
  }
  if (tcti_.empty()) return;
  auto* tcti = reinterpret_cast<TSS2_TCTI_CONTEXT_COMMON_V1*>(tcti_.data());  // its documented beginning
  tcti->finalize(reinterpret_cast<TSS2_TCTI_CONTEXT*>(tcti));
}

Status Tpm::connect(const TctiName& where) {
  const auto init = where.kind == TctiName::Kind::device ? Tss2_Tcti_Device_Init : Tss2_Tcti_Swtpm_Init;
  std::size_t size = 0;
  CAM_TRY_STATUS(check("TCTI", init(nullptr, &size, where.configuration.c_str())));
  Bytes memory(size);
  auto* tcti = reinterpret_cast<TSS2_TCTI_CONTEXT*>(memory.data());
  CAM_TRY_STATUS(check("TCTI", init(tcti, &size, where.configuration.c_str())));
  tcti_ = std::move(memory);  // its address stays
  CAM_TRY_STATUS(check("Esys_Initialize", Esys_Initialize(&esys_, tcti, nullptr)));
  const auto started = Esys_Startup(esys_, TPM2_SU_CLEAR);
  // TPM2_RC_INITIALIZE: the firmware did it.
  if (started != TSS2_RC_SUCCESS && started != TPM2_RC_INITIALIZE) return run("TPM2_Startup", started);
  return ok();
}

// A connection that ended without a word (a killed process) leaves its objects and sessions in a TPM that has
// no resource manager in front: they would fill it. Behind one nothing is listed, since each connection sees
// its own.
Status Tpm::clear_leftovers() {
  constexpr UINT32 kHandlesWanted = 64;
  CAM_TRY_STATUS(run("Esys_GetSysContext", Esys_GetSysContext(esys_, &system_)));
  for (const auto first : {TPM2_TRANSIENT_FIRST, TPM2_LOADED_SESSION_FIRST}) {
    CAM_TRY(const auto found, capability(TPM2_CAP_HANDLES, first, kHandlesWanted));
    const auto& list = found.data.handles;
    for (UINT32 i = 0; i < std::min<UINT32>(list.count, TPM2_MAX_CAP_HANDLES); ++i)
      CAM_TRY_STATUS(run("TPM2_FlushContext", Tss2_Sys_FlushContext(system_, list.handle[i])));
  }
  return ok();
}

Result<Tpm::Primary> Tpm::create_primary(ESYS_TR hierarchy, const TPM2B_PUBLIC& public_template) {
  const TPM2B_SENSITIVE_CREATE sensitive{};
  const TPM2B_DATA outside{};
  const TPML_PCR_SELECTION pcrs{};
  Primary out;
  TPM2B_PUBLIC* made = nullptr;
  TPM2B_CREATION_DATA* data = nullptr;
  TPM2B_DIGEST* hash = nullptr;
  TPMT_TK_CREATION* ticket = nullptr;
  const auto rc =
      Esys_CreatePrimary(esys_, hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
                         &public_template, &outside, &pcrs, &out.object, &made, &data, &hash, &ticket);
  const EsysPtr<void> free1(made);
  const EsysPtr<void> free2(data);
  const EsysPtr<void> free3(hash);
  const EsysPtr<void> free4(ticket);
  CAM_TRY_STATUS(run("TPM2_CreatePrimary", rc));
  out.public_area = *made;
  return out;
}

Status Tpm::make_primary() {
  CAM_TRY(const auto made, create_primary(ESYS_TR_RH_OWNER, storage_template()));
  primary_ = made.object;
  primary_public_ = made.public_area;
  TPM2B_NAME* name = nullptr;
  CAM_TRY_STATUS(run("Esys_TR_GetName", Esys_TR_GetName(esys_, primary_, &name)));
  const EsysPtr<TPM2B_NAME> free5(name);
  primary_entity_.name.assign(name->name, name->name + std::min<std::size_t>(name->size, sizeof name->name));
  CAM_TRY_STATUS(run("Esys_TR_GetTpmHandle", Esys_TR_GetTpmHandle(esys_, primary_, &primary_entity_.handle)));
  CAM_TRY(storage_, start_bound(primary_entity_, Secret()));
  return ok();
}

Result<KeySession> Tpm::start_bound(Entity to, const Secret& authorisation) {
  const auto& point = primary_public_.publicArea.unique.ecc;
  return KeySession::start(system_, primary_entity_.handle, point.x, point.y, std::move(to), authorisation);
}

Result<ESYS_TR> Tpm::start_session(TPM2_SE type, ESYS_TR bind, TPMA_SESSION attributes) {
  const TPMT_SYM_DEF symmetric{
      .algorithm = TPM2_ALG_AES, .keyBits = {.aes = 128}, .mode = {.aes = TPM2_ALG_CFB}};
  ESYS_TR session = ESYS_TR_NONE;
  CAM_TRY_STATUS(run("TPM2_StartAuthSession",
                     Esys_StartAuthSession(esys_, primary_, bind, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                           nullptr, type, &symmetric, TPM2_ALG_SHA256, &session)));
  if (auto set = set_attributes(session, attributes); !set) {
    flush(session);
    return tl::unexpected(set.error());
  }
  return session;
}

Status Tpm::set_attributes(ESYS_TR session, TPMA_SESSION attributes) {
  return run("session attributes", Esys_TRSess_SetAttributes(esys_, session, attributes, 0xff));
}

void Tpm::flush(ESYS_TR object) {
  if (object != ESYS_TR_NONE && !lost_)
    static_cast<void>(run("TPM2_FlushContext", Esys_FlushContext(esys_, object)));
}

void Tpm::unload(const KeySession& session) {
  for (const auto handle : {session.handle(), session.bound_to().handle}) {
    if (!lost_) static_cast<void>(run("TPM2_FlushContext", Tss2_Sys_FlushContext(system_, handle)));
  }
}

void Tpm::make_room() {
  for (; loaded_.size() > 1; loaded_.erase(loaded_.begin())) unload(loaded_.front().session);
}

void Tpm::make_all_room() {
  for (; !loaded_.empty(); loaded_.erase(loaded_.begin())) unload(loaded_.front().session);
}

Result<ESYS_TR> Tpm::load_once(const Blob& blob) {
  ESYS_TR object = ESYS_TR_NONE;
  // The primary has no password, and a blob protects itself.
  CAM_TRY_STATUS(run("TPM2_Load", Esys_Load(esys_, primary_, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                            &blob.private_area, &blob.public_area, &object)));
  const auto set = blob.authorisation.reveal([&](BytesView bytes) -> Status {
    // The TPM keeps a value without the zeros at its end before it computes an HMAC, so the proof is of that.
    while (!bytes.empty() && bytes.back() == 0) bytes = bytes.first(bytes.size() - 1);
    CAM_TRY(auto value, to_tpm2b<TPM2B_AUTH>(bytes));
    auto status = run("Esys_TR_SetAuth", Esys_TR_SetAuth(esys_, object, &value));
    wipe(&value, sizeof value);
    return status;
  });
  if (!set) {
    flush(object);
    return tl::unexpected(set.error());
  }
  return object;
}

Result<Entity> Tpm::load_under_primary(const Blob& blob) {
  CAM_TRY_STATUS(run("TPM2_Load", Tss2_Sys_Load_Prepare(system_, primary_entity_.handle, &blob.private_area,
                                                        &blob.public_area)));
  CAM_TRY_STATUS(run("TPM2_Load", storage_->run(system_, {.code = TPM2_CC_Load})));
  Entity out;
  TPM2B_NAME name{};
  CAM_TRY_STATUS(run("TPM2_Load", Tss2_Sys_Load_Complete(system_, &out.handle, &name)));
  out.name.assign(name.name, name.name + std::min<std::size_t>(name.size, sizeof name.name));
  return out;
}

Result<KeySession*> Tpm::load(std::uint64_t id, const Blob& blob) {
  const auto found =
      std::find_if(loaded_.begin(), loaded_.end(), [&](const Loaded& l) { return l.id == id; });
  if (found != loaded_.end()) {
    std::rotate(found, found + 1, loaded_.end());
    return &loaded_.back().session;
  }
  if (loaded_.size() >= kKeysLoaded) make_room();
  CAM_TRY(auto object, load_under_primary(blob));
  const auto handle = object.handle;
  auto session = start_bound(std::move(object), blob.authorisation);
  if (!session) {
    static_cast<void>(run("TPM2_FlushContext", Tss2_Sys_FlushContext(system_, handle)));
    return tl::unexpected(session.error());
  }
  loaded_.push_back({id, std::move(*session)});
  return &loaded_.back().session;
}

Result<Blob> Tpm::create(const TPM2B_PUBLIC& public_template, BytesView authorisation, BytesView data) {
  TPM2B_SENSITIVE_CREATE sensitive{};
  CAM_TRY(sensitive.sensitive.userAuth, to_tpm2b<TPM2B_AUTH>(authorisation));
  CAM_TRY(sensitive.sensitive.data, to_tpm2b<TPM2B_SENSITIVE_DATA>(data));
  make_room();  // a key that is being made needs a slot
  const TPM2B_DATA outside{};
  const TPML_PCR_SELECTION pcrs{};
  const auto prepared =
      run("TPM2_Create", Tss2_Sys_Create_Prepare(system_, primary_entity_.handle, &sensitive,
                                                 &public_template, &outside, &pcrs));
  wipe(&sensitive, sizeof sensitive);
  CAM_TRY_STATUS(prepared);
  CAM_TRY_STATUS(run("TPM2_Create", storage_->run(system_, {.code = TPM2_CC_Create})));
  Blob out;
  TPM2B_CREATION_DATA creation{};
  TPM2B_DIGEST hash{};
  TPMT_TK_CREATION ticket{};
  CAM_TRY_STATUS(run("TPM2_Create", Tss2_Sys_Create_Complete(system_, &out.private_area, &out.public_area,
                                                             &creation, &hash, &ticket)));
  out.authorisation = Secret(authorisation);
  return out;
}

Result<TPM2B_PRIVATE> Tpm::import(const TPM2B_PUBLIC& public_area, const TPM2B_DATA& encryption_key,
                                  const TPM2B_PRIVATE& duplicate) {
  make_room();
  const TPM2B_ENCRYPTED_SECRET no_seed{};
  TPMT_SYM_DEF_OBJECT inner{};
  inner.algorithm = TPM2_ALG_AES;
  inner.keyBits.aes = 128;
  inner.mode.aes = TPM2_ALG_CFB;
  CAM_TRY_STATUS(run("TPM2_Import", Tss2_Sys_Import_Prepare(system_, primary_entity_.handle, &encryption_key,
                                                            &public_area, &duplicate, &no_seed, &inner)));
  CAM_TRY_STATUS(run("TPM2_Import", storage_->run(system_, {.code = TPM2_CC_Import})));
  TPM2B_PRIVATE made{};
  CAM_TRY_STATUS(run("TPM2_Import", Tss2_Sys_Import_Complete(system_, &made)));
  return made;
}

Status Tpm::random(std::span<std::uint8_t> out) {
  constexpr std::size_t kAtOnce = 32;  // every TPM gives that many
  constexpr Protection kHidden{
      .code = TPM2_CC_GetRandom, .authorises = false, .hides_command = false, .hides_answer = true};
  while (!out.empty()) {
    const auto wanted = static_cast<UINT16>(std::min(out.size(), kAtOnce));
    CAM_TRY_STATUS(run("TPM2_GetRandom", Tss2_Sys_GetRandom_Prepare(system_, wanted)));
    CAM_TRY_STATUS(run("TPM2_GetRandom", storage_->run(system_, kHidden)));
    TPM2B_DIGEST made{};
    CAM_TRY_STATUS(run("TPM2_GetRandom", Tss2_Sys_GetRandom_Complete(system_, &made)));
    const auto got = view_of(made);
    if (got.empty() || got.size() > out.size())
      return fail(Errc::malformed, "the TPM gave no random numbers");
    std::copy(got.begin(), got.end(), out.begin());
    wipe(&made, sizeof made);
    out = out.subspan(got.size());
  }
  return ok();
}

Result<TPMS_CAPABILITY_DATA> Tpm::capability(TPM2_CAP wanted, UINT32 property, UINT32 count) {
  TPMI_YES_NO more = TPM2_NO;
  TPMS_CAPABILITY_DATA* data = nullptr;
  const auto rc = Esys_GetCapability(esys_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, wanted, property, count,
                                     &more, &data);
  const EsysPtr<TPMS_CAPABILITY_DATA> owner(data);
  CAM_TRY_STATUS(run("TPM2_GetCapability", rc));
  return *data;
}

Status Tpm::refresh_lockout() {
  CAM_TRY(const auto variable, capability(TPM2_CAP_TPM_PROPERTIES, TPM2_PT_PERMANENT, kPropertiesWanted));
  facts_.in_lockout = (property_in(variable, TPM2_PT_PERMANENT) & TPMA_PERMANENT_INLOCKOUT) != 0;
  facts_.lockout_seconds = property_in(variable, TPM2_PT_LOCKOUT_INTERVAL);
  return ok();
}

Status Tpm::learn(const TctiName& where) {
  CAM_TRY(const auto fixed, capability(TPM2_CAP_TPM_PROPERTIES, TPM2_PT_FIXED, kPropertiesWanted));
  const auto maker = text_of(property_in(fixed, TPM2_PT_MANUFACTURER));
  std::string vendor;
  for (const auto part :
       {TPM2_PT_VENDOR_STRING_1, TPM2_PT_VENDOR_STRING_2, TPM2_PT_VENDOR_STRING_3, TPM2_PT_VENDOR_STRING_4}) {
    vendor += text_of(property_in(fixed, part));
  }
  const auto firmware = property_in(fixed, TPM2_PT_FIRMWARE_VERSION_1);
  facts_.description = "TPM 2.0 of " + maker + ", " + vendor + ", firmware " +
                       std::to_string(firmware >> 16) + "." + std::to_string(firmware & 0xffffu);
  facts_.soft =
      where.kind == TctiName::Kind::swtpm || vendor.find("SW") != std::string::npos || maker == "MSFT";
  facts_.key_types = find_key_types();
  return refresh_lockout();
}

std::vector<KeyType> Tpm::find_key_types() {
  std::vector<KeyType> types;
  if (const auto curves = capability(TPM2_CAP_ECC_CURVES, 0, kCurvesWanted)) {
    const auto& list = curves->data.eccCurves;
    for (const auto type :
         {KeyType::ec_p256, KeyType::ec_p384, KeyType::ec_p521, KeyType::ecdh_p256, KeyType::ecdh_p384}) {
      const auto* end = list.eccCurves + std::min<UINT32>(list.count, TPM2_MAX_ECC_CURVES);
      if (std::find(list.eccCurves, end, curve_of(type)) != end) types.push_back(type);
    }
  }
  for (const auto type : {KeyType::rsa_2048, KeyType::rsa_3072, KeyType::rsa_4096}) {
    const auto parameters = test_parameters(type);
    if (Esys_TestParms(esys_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &parameters) == TSS2_RC_SUCCESS)
      types.push_back(type);
  }
  types.push_back(KeyType::hmac_sha256);  // every TPM 2.0 has it
  return types;
}

}  // namespace camvault::keystore_tpm2
