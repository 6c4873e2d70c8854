// The one symbol of libcamvault-pkcs11.so.
#include "function_list.h"

extern "C" __attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list) {
  return camvault::pkcs11_module::function_list().C_GetFunctionList(list);
}
