// libcamvault-pkcs11.so as a program has it: loaded, initialised, with a session; behind it a real keystored.
#pragma once

#include <dlfcn.h>
#include <gtest/gtest.h>

#include "cryptoki.h"
#include "test_daemon.h"

namespace camvault::pkcs11_module {

inline const CK_FUNCTION_LIST& load() {
  static const CK_FUNCTION_LIST* list = [] {
    void* library = ::dlopen(CAMVAULT_PKCS11_MODULE, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(::dlerror());
    CK_FUNCTION_LIST* out = nullptr;
    if (reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"))(&out) != CKR_OK)
      throw std::runtime_error("no functions");
    return out;
  }();
  return *list;
}

// A value with its type, for a template.
class Template {
 public:
  Template& add(CK_ATTRIBUTE_TYPE type, BytesView value) {
    values_.push_back({type, to_bytes(value)});
    return *this;
  }
  Template& add(CK_ATTRIBUTE_TYPE type, CK_ULONG value) {
    return add(type, BytesView(reinterpret_cast<const std::uint8_t*>(&value), sizeof value));
  }
  std::vector<CK_ATTRIBUTE> attributes() {
    std::vector<CK_ATTRIBUTE> out;
    for (auto& [type, value] : values_) out.push_back({type, value.data(), value.size()});
    return out;
  }

 private:
  std::vector<std::pair<CK_ATTRIBUTE_TYPE, Bytes>> values_;
};

inline std::vector<CK_OBJECT_HANDLE> find_all(const CK_FUNCTION_LIST& p11, CK_SESSION_HANDLE session,
                                              Template wanted) {
  auto attributes = wanted.attributes();
  std::vector<CK_OBJECT_HANDLE> found;
  if (p11.C_FindObjectsInit(session, attributes.data(), attributes.size()) != CKR_OK) return found;
  for (CK_OBJECT_HANDLE handle = 0;;) {
    CK_ULONG count = 0;
    if (p11.C_FindObjects(session, &handle, 1, &count) != CKR_OK || count == 0) break;
    found.push_back(handle);
  }
  p11.C_FindObjectsFinal(session);
  return found;
}

inline CK_OBJECT_HANDLE find_key(const CK_FUNCTION_LIST& p11, CK_SESSION_HANDLE session,
                                 const std::string& name, CK_OBJECT_CLASS object_class = CKO_PRIVATE_KEY) {
  const auto found =
      find_all(p11, session, Template().add(CKA_CLASS, object_class).add(CKA_LABEL, as_bytes(name)));
  return found.size() == 1 ? found.front() : CK_INVALID_HANDLE;
}

inline Bytes attribute(const CK_FUNCTION_LIST& p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                       CK_ATTRIBUTE_TYPE type) {
  CK_ATTRIBUTE asked{type, nullptr, 0};
  if (p11.C_GetAttributeValue(session, object, &asked, 1) != CKR_OK) return {};
  Bytes value(asked.ulValueLen);
  asked.pValue = value.data();
  if (p11.C_GetAttributeValue(session, object, &asked, 1) != CKR_OK) return {};
  return value;
}

// C_SignInit and C_Sign; the code that ended it is left in `rv`.
inline Bytes sign(const CK_FUNCTION_LIST& p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                  CK_MECHANISM mechanism, BytesView data, CK_RV& rv) {
  rv = p11.C_SignInit(session, &mechanism, key);
  if (rv != CKR_OK) return {};
  Bytes out(512);
  CK_ULONG size = out.size();
  rv = p11.C_Sign(session, const_cast<std::uint8_t*>(data.data()), data.size(), out.data(), &size);
  out.resize(rv == CKR_OK ? size : 0);
  return out;
}

class TokenTest : public keystored::KeystoredTest {
 protected:
  void SetUp() override {
    KeystoredTest::SetUp();
    ASSERT_EQ(::setenv("CAMVAULT_KEYSTORE_ROOT", daemon_.root().c_str(), 1), 0);
    ASSERT_EQ(p11_.C_Initialize(nullptr), CKR_OK);
    ASSERT_EQ(p11_.C_OpenSession(0, CKF_SERIAL_SESSION, nullptr, nullptr, &session_), CKR_OK);
  }
  void TearDown() override {
    EXPECT_EQ(p11_.C_Finalize(nullptr), CKR_OK);
    KeystoredTest::TearDown();
  }

  void make_key(const std::string& name, keystore::KeyType type,
                keystore::Purpose purpose = keystore::Purpose::tls) {
    ASSERT_TRUE(
        keystore_->generate(keystored::key_name(name), type, keystore::default_policy(type, purpose)));
  }
  CK_OBJECT_HANDLE key(const std::string& name, CK_OBJECT_CLASS object_class = CKO_PRIVATE_KEY) {
    return find_key(p11_, session_, name, object_class);
  }
  Bytes attribute_of(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
    return attribute(p11_, session_, object, type);
  }
  // Empty with the wrong code; the code is compared.
  Bytes sign_as(CK_OBJECT_HANDLE handle, CK_MECHANISM mechanism, BytesView data, CK_RV expected = CKR_OK) {
    CK_RV rv = CKR_OK;
    auto signature = sign(p11_, session_, handle, mechanism, data, rv);
    EXPECT_EQ(rv, expected);
    return signature;
  }

  const CK_FUNCTION_LIST& p11_ = load();
  CK_SESSION_HANDLE session_ = CK_INVALID_HANDLE;
};

}  // namespace camvault::pkcs11_module
