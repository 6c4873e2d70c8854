#include "cryptoki.h"

namespace camvault::keystore_pkcs11 {

namespace {
struct Row {
  CK_RV rv;
  const char* name;
  Errc code;
};

// Those that a module answers with in practice; any other is its failure.
constexpr Row kRows[] = {
    {CKR_HOST_MEMORY, "CKR_HOST_MEMORY", Errc::unavailable},
    {CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR", Errc::unavailable},
    {CKR_FUNCTION_FAILED, "CKR_FUNCTION_FAILED", Errc::unavailable},
    {CKR_ATTRIBUTE_READ_ONLY, "CKR_ATTRIBUTE_READ_ONLY", Errc::unsupported},
    {CKR_ATTRIBUTE_TYPE_INVALID, "CKR_ATTRIBUTE_TYPE_INVALID", Errc::unsupported},
    {CKR_ATTRIBUTE_VALUE_INVALID, "CKR_ATTRIBUTE_VALUE_INVALID", Errc::unsupported},
    {CKR_TEMPLATE_INCOMPLETE, "CKR_TEMPLATE_INCOMPLETE", Errc::unsupported},
    {CKR_TEMPLATE_INCONSISTENT, "CKR_TEMPLATE_INCONSISTENT", Errc::unsupported},
    {CKR_DOMAIN_PARAMS_INVALID, "CKR_DOMAIN_PARAMS_INVALID", Errc::unsupported},
    {CKR_CURVE_NOT_SUPPORTED, "CKR_CURVE_NOT_SUPPORTED", Errc::unsupported},
    {CKR_MECHANISM_INVALID, "CKR_MECHANISM_INVALID", Errc::unsupported},
    {CKR_MECHANISM_PARAM_INVALID, "CKR_MECHANISM_PARAM_INVALID", Errc::unsupported},
    {CKR_KEY_SIZE_RANGE, "CKR_KEY_SIZE_RANGE", Errc::unsupported},
    {CKR_KEY_TYPE_INCONSISTENT, "CKR_KEY_TYPE_INCONSISTENT", Errc::unsupported},
    {CKR_KEY_FUNCTION_NOT_PERMITTED, "CKR_KEY_FUNCTION_NOT_PERMITTED", Errc::unsupported},
    {CKR_FUNCTION_NOT_SUPPORTED, "CKR_FUNCTION_NOT_SUPPORTED", Errc::unsupported},
    {CKR_DEVICE_MEMORY, "CKR_DEVICE_MEMORY", Errc::limit},
    {CKR_SESSION_COUNT, "CKR_SESSION_COUNT", Errc::unavailable},
    {CKR_DEVICE_ERROR, "CKR_DEVICE_ERROR", Errc::unavailable},
    {CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED", Errc::unavailable},
    {CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT", Errc::unavailable},
    {CKR_TOKEN_NOT_RECOGNIZED, "CKR_TOKEN_NOT_RECOGNIZED", Errc::unavailable},
    {CKR_TOKEN_WRITE_PROTECTED, "CKR_TOKEN_WRITE_PROTECTED", Errc::unsupported},
    {CKR_SLOT_ID_INVALID, "CKR_SLOT_ID_INVALID", Errc::unavailable},
    {CKR_SESSION_CLOSED, "CKR_SESSION_CLOSED", Errc::unavailable},
    {CKR_SESSION_HANDLE_INVALID, "CKR_SESSION_HANDLE_INVALID", Errc::unavailable},
    {CKR_USER_NOT_LOGGED_IN, "CKR_USER_NOT_LOGGED_IN", Errc::unavailable},
    {CKR_OBJECT_HANDLE_INVALID, "CKR_OBJECT_HANDLE_INVALID", Errc::unavailable},
    {CKR_KEY_HANDLE_INVALID, "CKR_KEY_HANDLE_INVALID", Errc::unavailable},
    {CKR_CRYPTOKI_NOT_INITIALIZED, "CKR_CRYPTOKI_NOT_INITIALIZED", Errc::unavailable},
    {CKR_PIN_INCORRECT, "CKR_PIN_INCORRECT", Errc::unavailable},
    {CKR_PIN_EXPIRED, "CKR_PIN_EXPIRED", Errc::unavailable},
    {CKR_PIN_LOCKED, "CKR_PIN_LOCKED", Errc::unavailable},
    {CKR_USER_PIN_NOT_INITIALIZED, "CKR_USER_PIN_NOT_INITIALIZED", Errc::unavailable},
    {CKR_ENCRYPTED_DATA_INVALID, "CKR_ENCRYPTED_DATA_INVALID", Errc::invalid},
    {CKR_ENCRYPTED_DATA_LEN_RANGE, "CKR_ENCRYPTED_DATA_LEN_RANGE", Errc::invalid},
    {CKR_DATA_LEN_RANGE, "CKR_DATA_LEN_RANGE", Errc::unsupported},
};
}  // namespace

std::string name_of(CK_RV rv) {
  for (const auto& row : kRows) {
    if (row.rv == rv) return row.name;
  }
  char number[32];
  std::snprintf(number, sizeof number, "error 0x%lx", rv);
  return number;
}

bool means_gone(CK_RV rv) {
  switch (rv) {
    case CKR_GENERAL_ERROR:
    case CKR_FUNCTION_FAILED:
    case CKR_DEVICE_ERROR:
    case CKR_DEVICE_REMOVED:
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_TOKEN_NOT_RECOGNIZED:
    case CKR_SLOT_ID_INVALID:
    case CKR_SESSION_CLOSED:
    case CKR_SESSION_HANDLE_INVALID:
    case CKR_USER_NOT_LOGGED_IN:
    case CKR_OBJECT_HANDLE_INVALID:
    case CKR_KEY_HANDLE_INVALID:
    case CKR_CRYPTOKI_NOT_INITIALIZED:
      return true;
    default:
      return false;
  }
}

tl::unexpected<Error> fail_with(const char* function, CK_RV rv) {
  auto code = Errc::unavailable;
  for (const auto& row : kRows) {
    if (row.rv == rv) code = row.code;
  }
  return fail(code, std::string("the token's ") + function + " says " + name_of(rv));
}

std::string text_of(const unsigned char* field, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size && field[i] != 0; ++i) {
    text += field[i] >= 0x20 && field[i] < 0x7f ? static_cast<char>(field[i]) : '?';
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

}  // namespace camvault::keystore_pkcs11
