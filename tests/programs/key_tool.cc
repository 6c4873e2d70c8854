// What the tests need beside the real programs: a key whose bytes are known is put into keystored, and a
// program that signs many times through the PKCS#11 module and then waits to be looked into.
//
//   key_tool import ROOT NAME TYPE FILE UID...    FILE: PKCS#8, DER; who may use it
//   key_tool sign MODULE NAME COUNT        prints "signed", ends when its standard input does
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "camvault/base/file.h"
#include "camvault/ipc/keystore_client.h"

namespace {
using namespace camvault;

int complain(const std::string& what) {
  std::fprintf(stderr, "key_tool: %s\n", what.c_str());
  return 1;
}

Status import_key(const std::string& root, const std::string& name, const std::string& type_name,
                  const std::string& file, std::vector<std::uint32_t> uids) {
  CAM_TRY(const auto type, keystore::key_type_from_string(type_name));
  CAM_TRY(const auto key_name, keystore::KeyName::parse(name));
  CAM_TRY(auto bytes, read_file(file, 64 * 1024));
  CAM_TRY(const auto store, ipc::connect_keystore(ipc::default_socket_path(root)));
  auto policy = keystore::default_policy(type, keystore::Purpose::tls);
  policy.uids = std::move(uids);
  CAM_TRY_STATUS(store->import_key(key_name, type, policy, Secret::absorb(std::move(bytes))));
  return ok();
}

// The first private key of that name; the mechanism follows from its type.
int sign_many(const char* path, const char* name, int count) {
  void* library = ::dlopen(path, RTLD_NOW);
  if (library == nullptr) return complain(::dlerror());
  CK_FUNCTION_LIST* p11 = nullptr;
  reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"))(&p11);
  CK_SESSION_HANDLE session = 0;
  if (p11->C_Initialize(nullptr) != CKR_OK ||
      p11->C_OpenSession(0, CKF_SERIAL_SESSION, nullptr, nullptr, &session) != CKR_OK)
    return complain("no session");
  CK_OBJECT_CLASS object_class = CKO_PRIVATE_KEY;
  CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &object_class, sizeof object_class},
                           {CKA_LABEL, const_cast<char*>(name), std::strlen(name)}};
  CK_OBJECT_HANDLE key = 0;
  CK_ULONG found = 0;
  if (p11->C_FindObjectsInit(session, wanted, 2) != CKR_OK ||
      p11->C_FindObjects(session, &key, 1, &found) != CKR_OK || found != 1)
    return complain("no such key");
  p11->C_FindObjectsFinal(session);
  CK_KEY_TYPE kind = 0;
  CK_ATTRIBUTE type{CKA_KEY_TYPE, &kind, sizeof kind};
  p11->C_GetAttributeValue(session, key, &type, 1);
  CK_MECHANISM mechanism{kind == CKK_RSA ? CKM_SHA256_RSA_PKCS : CKM_ECDSA_SHA256, nullptr, 0};
  for (int i = 0; i < count; ++i) {
    std::vector<unsigned char> signature(512);
    CK_ULONG size = signature.size();
    if (p11->C_SignInit(session, &mechanism, key) != CKR_OK ||
        p11->C_Sign(session, reinterpret_cast<unsigned char*>(&i), sizeof i, signature.data(), &size) !=
            CKR_OK)
      return complain("no signature");
  }
  std::puts("signed");
  std::fflush(stdout);
  char end = 0;
  return ::read(0, &end, 1) == 0 ? 0 : 1;
}
}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "import" && argc >= 6) {
    std::vector<std::uint32_t> uids;
    for (int i = 6; i < argc; ++i) uids.push_back(static_cast<std::uint32_t>(std::stoul(argv[i])));
    const auto done = import_key(argv[2], argv[3], argv[4], argv[5], std::move(uids));
    return done ? 0 : complain(done.error().what);
  }
  if (command == "sign" && argc == 5) return sign_many(argv[2], argv[3], std::stoi(argv[4]));
  return complain("usage: import ROOT NAME TYPE FILE UID... | sign MODULE NAME COUNT");
}
