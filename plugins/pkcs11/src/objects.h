// What the token shows: for each key that signs a public and a private object, and the certificates that
// belong to it. An object is its attributes, made once; nothing in them is secret.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "camvault/keystore/keystore.h"
#include "certificates.h"
#include "cryptoki.h"

namespace camvault::pkcs11_module {

struct Object {
  CK_OBJECT_CLASS object_class = CKO_DATA;
  std::optional<keystore::KeyInfo> key;  // of key objects
  std::map<CK_ATTRIBUTE_TYPE, Bytes> attributes;
};

struct Asked {
  CK_ATTRIBUTE_TYPE type;
  Bytes value;
};

// True if a search for these attributes finds the object. Ed25519 keys are found by those who ask for them:
// by label, id or key type. Searches for "all keys" do not meet them, because libp11 0.4.12, through which
// most programs come here, gives up the whole token at the first key of a kind that it does not know.
bool matches(const Object& object, const std::vector<Asked>& wanted);
// A private key's numbers: there, but never shown.
bool is_sensitive(const Object& object, CK_ATTRIBUTE_TYPE attribute);

// The objects and their handles, which stay as long as the object. For one thread at a time.
class ObjectTable {
 public:
  explicit ObjectTable(std::filesystem::path root) : root_(std::move(root)) {}

  // As it is in keystored now. Public halves are asked for once.
  Status refresh(keystore::Keystore& keystore);

  using Handles = std::map<CK_OBJECT_HANDLE, std::shared_ptr<const Object>>;
  const Handles& all() const { return objects_; }
  std::shared_ptr<const Object> find(CK_OBJECT_HANDLE handle) const;

 private:
  void keep_or_add(Handles& into, std::shared_ptr<const Object> object);
  void add_certificates(Handles& into, const std::string& key_name, const std::filesystem::path& file);

  const std::filesystem::path root_;
  Handles objects_;
  CK_OBJECT_HANDLE next_ = 1;
};

}  // namespace camvault::pkcs11_module
