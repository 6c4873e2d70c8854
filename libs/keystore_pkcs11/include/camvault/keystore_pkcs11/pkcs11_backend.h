// Keys in a PKCS#11 token (version 2.40): a smart card, an HSM, OP-TEE's PKCS#11 application, SoftHSM2 in
// tests.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "camvault/keystore_engine/backend.h"

namespace camvault::keystore_pkcs11 {

struct Pkcs11Options {
  std::string name = "pkcs11";
  std::filesystem::path module;  // the shared library; loaded once, and stays loaded
  std::string uri = "pkcs11:";  // which token: RFC 7512; empty attributes match any, the first token is taken
  std::filesystem::path
      pin_file;  // one line; belongs to this process's user or root, readable by nobody else
  // Set before the library is loaded, "NAME=value": where some modules are told their configuration. No
  // secrets.
  std::vector<std::string> environment = {};
  std::vector<std::filesystem::path> reads = {};   // files and folders that the library reads and
  std::vector<std::filesystem::path> writes = {};  // writes: the sandbox leaves these open
  bool unix_sockets = false;                       // the library talks to a daemon of its own
};

// Errc::usage for options that make no sense. Loads nothing.
Status check_options(const Pkcs11Options& options);

// Loads the library (Errc::unavailable if it cannot be) and waits for no token. A token that vanishes, or
// whose library or daemon was started anew, is opened again at the next call: one call in the middle may fail
// with Errc::unavailable only if it cannot be repeated safely. A PIN that the token refused is not tried
// again until the file changes, so that nothing here locks a token.
Result<std::shared_ptr<keystore_engine::Backend>> make_pkcs11_backend(const Pkcs11Options& options);

}  // namespace camvault::keystore_pkcs11
