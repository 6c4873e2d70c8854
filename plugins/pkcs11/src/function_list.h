// The module's functions, as C_GetFunctionList gives them.
#pragma once

#include "cryptoki.h"

namespace camvault::pkcs11_module {

const CK_FUNCTION_LIST& function_list();

}  // namespace camvault::pkcs11_module
