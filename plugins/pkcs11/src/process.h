// The module's life in a process: C_Initialize to C_Finalize, and fork() between them.
#pragma once

#include <functional>
#include <memory>

#include "module.h"

namespace camvault::pkcs11_module {

// CKR_CRYPTOKI_ALREADY_INITIALIZED if it is. `CAMVAULT_KEYSTORE_ROOT` names another root than "/". Where it
// is not set, what it said before stays (nginx empties the environment of its workers); programs that have
// more rights than their caller do not read it (secure_getenv).
CK_RV initialize();
CK_RV finalize();

// Null before initialize(), after finalize(), and in the child of a fork until it calls initialize() itself
// (PKCS#11 2.40, 5.4: C_Initialize). Calls that are at work keep theirs.
std::shared_ptr<Module> current();

// For tests and fuzzing: whom initialize() connects to instead of keystored.
void connect_with(Module::Connect connect);

}  // namespace camvault::pkcs11_module
