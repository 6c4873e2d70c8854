// The functions of PKCS#11 2.40, as a table: arguments are looked at here, everything else is Module's.
#include <algorithm>
#include <new>
#include <string_view>

#include "function_list.h"
#include "process.h"

namespace camvault::pkcs11_module {

namespace {
template <std::size_t N>
void fill(unsigned char (&field)[N], std::string_view text) {
  std::fill(std::begin(field), std::end(field), static_cast<unsigned char>(' '));
  std::copy_n(text.begin(), std::min(N, text.size()), std::begin(field));
}

// No exception leaves the library.
template <class Work>
CK_RV guarded(Work&& work) noexcept {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return CKR_HOST_MEMORY;
  } catch (...) {
    return CKR_GENERAL_ERROR;
  }
}

template <class Work>
CK_RV with_module(Work&& work) noexcept {
  return guarded([&]() -> CK_RV {
    const auto module = current();
    return module == nullptr ? CKR_CRYPTOKI_NOT_INITIALIZED : work(*module);
  });
}

template <class Work>
CK_RV with_slot(CK_SLOT_ID slot, Work&& work) noexcept {
  return with_module(
      [&](Module& module) -> CK_RV { return slot == kSlot ? work(module) : CKR_SLOT_ID_INVALID; });
}

// What the token does not do.
template <class... Arguments>
CK_RV unsupported(Arguments... /*arguments*/) noexcept {
  return CKR_FUNCTION_NOT_SUPPORTED;
}
// What would change the token.
template <class... Arguments>
CK_RV write_protected(CK_SESSION_HANDLE session, Arguments... /*arguments*/) noexcept {
  return with_module([&](Module& module) -> CK_RV {
    const auto rv = module.has_session(session);
    return rv == CKR_OK ? CKR_TOKEN_WRITE_PROTECTED : rv;
  });
}

CK_RV initialize_module(CK_VOID_PTR arguments) noexcept {
  return guarded([&]() -> CK_RV {
    if (const auto* given = static_cast<const CK_C_INITIALIZE_ARGS*>(arguments)) {
      if (given->pReserved != nullptr) return CKR_ARGUMENTS_BAD;
      const int functions = (given->CreateMutex != nullptr ? 1 : 0) +
                            (given->DestroyMutex != nullptr ? 1 : 0) + (given->LockMutex != nullptr ? 1 : 0) +
                            (given->UnlockMutex != nullptr ? 1 : 0);
      if (functions != 0 && functions != 4) return CKR_ARGUMENTS_BAD;
      // 2.40, 5.4: only the application's own mutexes may be used. Ours are the system's.
      if (functions == 4 && (given->flags & CKF_OS_LOCKING_OK) == 0) return CKR_CANT_LOCK;
    }
    return initialize();
  });
}

CK_RV finalize_module(CK_VOID_PTR reserved) noexcept {
  return guarded([&]() -> CK_RV { return reserved != nullptr ? CKR_ARGUMENTS_BAD : finalize(); });
}

CK_RV get_info(CK_INFO_PTR info) noexcept {
  return with_module([&](Module&) -> CK_RV {
    if (info == nullptr) return CKR_ARGUMENTS_BAD;
    *info = {};
    info->cryptokiVersion = {2, 40};
    fill(info->manufacturerID, "Camvault");
    fill(info->libraryDescription, "keystored client");
    info->libraryVersion = {CAMVAULT_VERSION_MAJOR, CAMVAULT_VERSION_MINOR};
    return CKR_OK;
  });
}

CK_RV get_slot_list(CK_BBOOL with_token, CK_SLOT_ID_PTR list, CK_ULONG_PTR count) noexcept {
  return with_module([&](Module& module) -> CK_RV {
    if (count == nullptr) return CKR_ARGUMENTS_BAD;
    const CK_ULONG there = with_token == CK_FALSE || module.is_token_there() ? 1 : 0;
    const auto room = *count;
    *count = there;
    if (list == nullptr) return CKR_OK;
    if (room < there) return CKR_BUFFER_TOO_SMALL;
    if (there == 1) *list = kSlot;
    return CKR_OK;
  });
}

CK_RV get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO_PTR info) noexcept {
  return with_slot(slot, [&](Module& module) -> CK_RV {
    if (info == nullptr) return CKR_ARGUMENTS_BAD;
    *info = {};
    fill(info->slotDescription, "keystored");
    fill(info->manufacturerID, "Camvault");
    info->flags = CKF_REMOVABLE_DEVICE | (module.is_token_there() ? CKF_TOKEN_PRESENT : 0);
    return CKR_OK;
  });
}

CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info) noexcept {
  return with_slot(slot, [&](Module& module) -> CK_RV {
    if (info == nullptr) return CKR_ARGUMENTS_BAD;
    if (!module.is_token_there()) return CKR_TOKEN_NOT_PRESENT;
    *info = {};
    fill(info->label, "Camvault");
    fill(info->manufacturerID, "Camvault");
    fill(info->model, "keystored");
    fill(info->serialNumber, "1");
    // No PIN and no login: who calls is the kernel's word. Keys are made by `camvault keystore generate`.
    info->flags = CKF_RNG | CKF_WRITE_PROTECTED | CKF_TOKEN_INITIALIZED;
    info->ulMaxSessionCount = kMaxSessions;
    info->ulSessionCount = CK_UNAVAILABLE_INFORMATION;
    info->ulMaxRwSessionCount = CK_EFFECTIVELY_INFINITE;
    info->ulRwSessionCount = CK_UNAVAILABLE_INFORMATION;
    info->ulTotalPublicMemory = info->ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION;
    info->ulTotalPrivateMemory = info->ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION;
    fill(info->utcTime, "");
    return CKR_OK;
  });
}

CK_RV get_mechanism_list(CK_SLOT_ID slot, CK_MECHANISM_TYPE_PTR list, CK_ULONG_PTR count) noexcept {
  return with_slot(slot, [&](Module&) -> CK_RV {
    if (count == nullptr) return CKR_ARGUMENTS_BAD;
    const auto offered = offered_mechanisms();
    const auto room = *count;
    *count = offered.size();
    if (list == nullptr) return CKR_OK;
    if (room < offered.size()) return CKR_BUFFER_TOO_SMALL;
    std::transform(offered.begin(), offered.end(), list, [](const Offered& o) { return o.type; });
    return CKR_OK;
  });
}

CK_RV get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO_PTR info) noexcept {
  return with_slot(slot, [&](Module&) -> CK_RV {
    if (info == nullptr) return CKR_ARGUMENTS_BAD;
    const auto offered = offered_mechanisms();
    const auto found =
        std::find_if(offered.begin(), offered.end(), [&](const Offered& o) { return o.type == type; });
    if (found == offered.end()) return CKR_MECHANISM_INVALID;
    *info = found->info;
    return CKR_OK;
  });
}

CK_RV wait_for_slot_event(CK_FLAGS flags, CK_SLOT_ID_PTR /*slot*/, CK_VOID_PTR /*reserved*/) noexcept {
  return with_module([&](Module&) -> CK_RV {
    return (flags & CKF_DONT_BLOCK) != 0 ? CKR_NO_EVENT : CKR_FUNCTION_NOT_SUPPORTED;
  });
}

CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR /*application*/, CK_NOTIFY /*notify*/,
                   CK_SESSION_HANDLE_PTR session) noexcept {
  return with_slot(slot, [&](Module& module) -> CK_RV {
    if (session == nullptr) return CKR_ARGUMENTS_BAD;
    if ((flags & CKF_SERIAL_SESSION) == 0) return CKR_SESSION_PARALLEL_NOT_SUPPORTED;
    // Programs ask for read/write sessions out of habit; a write is refused when it comes.
    return module.open_session(flags & (CKF_SERIAL_SESSION | CKF_RW_SESSION), session);
  });
}

CK_RV close_session(CK_SESSION_HANDLE session) noexcept {
  return with_module([&](Module& module) { return module.close_session(session); });
}

CK_RV close_all_sessions(CK_SLOT_ID slot) noexcept {
  return with_slot(slot, [&](Module& module) -> CK_RV {
    module.close_all_sessions();
    return CKR_OK;
  });
}

CK_RV get_session_info(CK_SESSION_HANDLE session, CK_SESSION_INFO_PTR info) noexcept {
  return with_module([&](Module& module) -> CK_RV {
    return info == nullptr ? CKR_ARGUMENTS_BAD : module.session_info(session, *info);
  });
}

CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE /*user*/, CK_UTF8CHAR_PTR /*pin*/,
            CK_ULONG /*size*/) noexcept {
  return with_module([&](Module& module) -> CK_RV {
    const auto rv = module.has_session(session);
    return rv == CKR_OK ? CKR_USER_PIN_NOT_INITIALIZED : rv;  // there is none to give
  });
}

CK_RV logout(CK_SESSION_HANDLE session) noexcept {
  return with_module([&](Module& module) -> CK_RV {
    const auto rv = module.has_session(session);
    return rv == CKR_OK ? CKR_USER_NOT_LOGGED_IN : rv;
  });
}

CK_RV get_object_size(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle, CK_ULONG_PTR size) noexcept {
  return with_module([&](Module& module) -> CK_RV {
    if (size == nullptr) return CKR_ARGUMENTS_BAD;
    std::shared_ptr<const Object> object;
    if (const auto rv = module.object(session, handle, object); rv != CKR_OK) return rv;
    *size = CK_UNAVAILABLE_INFORMATION;
    return CKR_OK;
  });
}

CK_RV get_attribute(const Object& object, CK_ATTRIBUTE& attribute) {
  const auto found = object.attributes.find(attribute.type);
  if (found == object.attributes.end()) {
    attribute.ulValueLen = CK_UNAVAILABLE_INFORMATION;
    return is_sensitive(object, attribute.type) ? CKR_ATTRIBUTE_SENSITIVE : CKR_ATTRIBUTE_TYPE_INVALID;
  }
  const auto& value = found->second;
  const auto room = attribute.ulValueLen;
  attribute.ulValueLen = value.size();
  if (attribute.pValue == nullptr) return CKR_OK;
  if (room < value.size()) {
    attribute.ulValueLen = CK_UNAVAILABLE_INFORMATION;
    return CKR_BUFFER_TOO_SMALL;
  }
  std::copy(value.begin(), value.end(), static_cast<std::uint8_t*>(attribute.pValue));
  return CKR_OK;
}

CK_RV get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_PTR attributes,
                          CK_ULONG count) noexcept {
  return with_module([&](Module& module) -> CK_RV {
    if (attributes == nullptr || count == 0 || count > kMaxTemplate) return CKR_ARGUMENTS_BAD;
    std::shared_ptr<const Object> object;
    if (const auto rv = module.object(session, handle, object); rv != CKR_OK) return rv;
    CK_RV result = CKR_OK;  // 2.40, 5.7: every attribute is answered, one of the errors is returned
    for (CK_ULONG i = 0; i < count; ++i) {
      if (const auto rv = get_attribute(*object, attributes[i]); rv != CKR_OK) result = rv;
    }
    return result;
  });
}

CK_RV find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR attributes, CK_ULONG count) noexcept {
  return with_module([&](Module& module) -> CK_RV {
    if (count > kMaxTemplate || (attributes == nullptr && count != 0)) return CKR_ARGUMENTS_BAD;
    std::vector<Asked> wanted;
    for (CK_ULONG i = 0; i < count; ++i) {
      const auto value = view_of(attributes[i].pValue, attributes[i].ulValueLen, kMaxAttribute);
      if (!value) return CKR_ATTRIBUTE_VALUE_INVALID;
      wanted.push_back({attributes[i].type, to_bytes(*value)});
    }
    return module.start_search(session, wanted);
  });
}

CK_RV find_objects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE_PTR handles, CK_ULONG room,
                   CK_ULONG_PTR count) noexcept {
  return with_module([&](Module& module) -> CK_RV {
    if (count == nullptr || (handles == nullptr && room != 0)) return CKR_ARGUMENTS_BAD;
    std::vector<CK_OBJECT_HANDLE> found;
    if (const auto rv = module.search(session, room, found); rv != CKR_OK) return rv;
    std::copy(found.begin(), found.end(), handles);
    *count = found.size();
    return CKR_OK;
  });
}

CK_RV find_objects_final(CK_SESSION_HANDLE session) noexcept {
  return with_module([&](Module& module) { return module.end_search(session); });
}

CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key) noexcept {
  return with_module([&](Module& module) -> CK_RV {
    if (mechanism == nullptr || (mechanism->pParameter == nullptr && mechanism->ulParameterLen != 0))
      return CKR_ARGUMENTS_BAD;
    return module.start_signature(session, *mechanism, key);
  });
}

CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG size, CK_BYTE_PTR signature,
           CK_ULONG_PTR signature_size) noexcept {
  return with_module([&](Module& module) -> CK_RV {
    const auto view = view_of(data, size, keystore::kMaxMessage);
    if (signature_size == nullptr || (data == nullptr && size != 0)) return CKR_ARGUMENTS_BAD;
    // A longer one is an error of the operation, which ends it: told by the module.
    static constexpr std::uint8_t kTooLong[keystore::kMaxMessage + 1] = {};
    const BytesView given = view ? *view : BytesView(kTooLong);
    return module.finish_signature(session, &given, signature, *signature_size);
  });
}

CK_RV sign_update(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG size) noexcept {
  return with_module([&](Module& module) -> CK_RV {
    if (part == nullptr && size != 0) return CKR_ARGUMENTS_BAD;
    return module.add_to_message(session, BytesView(part, size));
  });
}

CK_RV sign_final(CK_SESSION_HANDLE session, CK_BYTE_PTR signature, CK_ULONG_PTR signature_size) noexcept {
  return with_module([&](Module& module) -> CK_RV {
    if (signature_size == nullptr) return CKR_ARGUMENTS_BAD;
    return module.finish_signature(session, nullptr, signature, *signature_size);
  });
}

CK_RV seed_random(CK_SESSION_HANDLE session, CK_BYTE_PTR /*seed*/, CK_ULONG /*size*/) noexcept {
  return with_module([&](Module& module) -> CK_RV {
    const auto rv = module.has_session(session);
    return rv == CKR_OK ? CKR_RANDOM_SEED_NOT_SUPPORTED : rv;
  });
}

CK_RV generate_random(CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG size) noexcept {
  return with_module([&](Module& module) -> CK_RV {
    if (out == nullptr || size > kMaxRandomBytes) return CKR_ARGUMENTS_BAD;
    return module.random(session, out, size);
  });
}

// 2.40, 5.16: these two answer so, always.
CK_RV not_parallel(CK_SESSION_HANDLE /*session*/) noexcept {
  return CKR_FUNCTION_NOT_PARALLEL;
}

CK_RV get_function_list(CK_FUNCTION_LIST_PTR_PTR list) noexcept {
  if (list == nullptr) return CKR_ARGUMENTS_BAD;
  *list = const_cast<CK_FUNCTION_LIST*>(&function_list());
  return CKR_OK;
}
}  // namespace

const CK_FUNCTION_LIST& function_list() {
  static const CK_FUNCTION_LIST list = [] {
    CK_FUNCTION_LIST l{};
    l.version = {2, 40};
    l.C_Initialize = initialize_module;
    l.C_Finalize = finalize_module;
    l.C_GetInfo = get_info;
    l.C_GetFunctionList = get_function_list;
    l.C_GetSlotList = get_slot_list;
    l.C_GetSlotInfo = get_slot_info;
    l.C_GetTokenInfo = get_token_info;
    l.C_GetMechanismList = get_mechanism_list;
    l.C_GetMechanismInfo = get_mechanism_info;
    l.C_InitToken = unsupported;
    l.C_InitPIN = write_protected;
    l.C_SetPIN = write_protected;
    l.C_OpenSession = open_session;
    l.C_CloseSession = close_session;
    l.C_CloseAllSessions = close_all_sessions;
    l.C_GetSessionInfo = get_session_info;
    l.C_GetOperationState = unsupported;
    l.C_SetOperationState = unsupported;
    l.C_Login = login;
    l.C_Logout = logout;
    l.C_CreateObject = write_protected;
    l.C_CopyObject = write_protected;
    l.C_DestroyObject = write_protected;
    l.C_GetObjectSize = get_object_size;
    l.C_GetAttributeValue = get_attribute_value;
    l.C_SetAttributeValue = write_protected;
    l.C_FindObjectsInit = find_objects_init;
    l.C_FindObjects = find_objects;
    l.C_FindObjectsFinal = find_objects_final;
    l.C_EncryptInit = unsupported;
    l.C_Encrypt = unsupported;
    l.C_EncryptUpdate = unsupported;
    l.C_EncryptFinal = unsupported;
    l.C_DecryptInit = unsupported;
    l.C_Decrypt = unsupported;
    l.C_DecryptUpdate = unsupported;
    l.C_DecryptFinal = unsupported;
    l.C_DigestInit = unsupported;
    l.C_Digest = unsupported;
    l.C_DigestUpdate = unsupported;
    l.C_DigestKey = unsupported;
    l.C_DigestFinal = unsupported;
    l.C_SignInit = sign_init;
    l.C_Sign = sign;
    l.C_SignUpdate = sign_update;
    l.C_SignFinal = sign_final;
    l.C_SignRecoverInit = unsupported;
    l.C_SignRecover = unsupported;
    l.C_VerifyInit = unsupported;
    l.C_Verify = unsupported;
    l.C_VerifyUpdate = unsupported;
    l.C_VerifyFinal = unsupported;
    l.C_VerifyRecoverInit = unsupported;
    l.C_VerifyRecover = unsupported;
    l.C_DigestEncryptUpdate = unsupported;
    l.C_DecryptDigestUpdate = unsupported;
    l.C_SignEncryptUpdate = unsupported;
    l.C_DecryptVerifyUpdate = unsupported;
    l.C_GenerateKey = write_protected;
    l.C_GenerateKeyPair = write_protected;
    l.C_WrapKey = unsupported;
    l.C_UnwrapKey = unsupported;
    l.C_DeriveKey = unsupported;
    l.C_SeedRandom = seed_random;
    l.C_GenerateRandom = generate_random;
    l.C_GetFunctionStatus = not_parallel;
    l.C_CancelFunction = not_parallel;
    l.C_WaitForSlotEvent = wait_for_slot_event;
    return l;
  }();
  return list;
}

}  // namespace camvault::pkcs11_module
