#include "objects.h"

#include <algorithm>

#include "camvault/crypto/der_values.h"

namespace camvault::pkcs11_module {

using keystore::KeyInfo;
using keystore::KeyType;

namespace {
constexpr CK_ATTRIBUTE_TYPE kPublicKeyInfo = 0x129;  // CKA_PUBLIC_KEY_INFO of 2.40

Bytes number(CK_ULONG value) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
  return Bytes(bytes, bytes + sizeof value);
}
Bytes flag(bool value) {
  return {static_cast<std::uint8_t>(value ? CK_TRUE : CK_FALSE)};
}

// The point as OCTET STRING, DER: it has at most 133 bytes.
Bytes octet_string(BytesView content) {
  Bytes out = {0x04};
  if (content.size() >= 0x80) out.push_back(0x81);
  out.push_back(static_cast<std::uint8_t>(content.size()));
  append(out, content);
  return out;
}

CK_KEY_TYPE key_kind(KeyType type) {
  if (type == KeyType::ed25519) return CKK_EC_EDWARDS;
  return crypto::is_rsa(*keystore::key_alg_of(type)) ? CKK_RSA : CKK_EC;
}

std::map<CK_ATTRIBUTE_TYPE, Bytes> storage(CK_OBJECT_CLASS object_class, const std::string& label,
                                           const std::string& id) {
  return {{CKA_CLASS, number(object_class)}, {CKA_TOKEN, flag(true)},
          {CKA_PRIVATE, flag(false)},  // there is no login that would show more
          {CKA_MODIFIABLE, flag(false)},     {CKA_LABEL, to_bytes(as_bytes(label))},
          {CKA_ID, to_bytes(as_bytes(id))}};
}

Object key_object(CK_OBJECT_CLASS object_class, const KeyInfo& info, BytesView spki,
                  const crypto::PublicNumbers& numbers) {
  const bool is_private = object_class == CKO_PRIVATE_KEY;
  Object out{object_class, info, storage(object_class, info.name.text(), info.name.text())};
  auto& a = out.attributes;
  a[CKA_KEY_TYPE] = number(key_kind(info.type));
  a[CKA_DERIVE] = flag(false);
  a[CKA_LOCAL] = flag(info.origin == keystore::Origin::generated_inside);
  a[CKA_START_DATE] = a[CKA_END_DATE] = Bytes{};
  a[kPublicKeyInfo] = to_bytes(spki);
  if (is_private) {
    a[CKA_SENSITIVE] = a[CKA_ALWAYS_SENSITIVE] = a[CKA_NEVER_EXTRACTABLE] = flag(true);
    if (info.origin != keystore::Origin::generated_inside)
      a[CKA_ALWAYS_SENSITIVE] = a[CKA_NEVER_EXTRACTABLE] = flag(false);
    a[CKA_EXTRACTABLE] = a[CKA_DECRYPT] = a[CKA_UNWRAP] = a[CKA_SIGN_RECOVER] = a[CKA_ALWAYS_AUTHENTICATE] =
        flag(false);
    a[CKA_SIGN] = flag(keystore::serves_programs(info.policy.purpose));
    a[CKA_SUBJECT] = Bytes{};
  } else {
    a[CKA_ENCRYPT] = a[CKA_WRAP] = a[CKA_VERIFY] = a[CKA_VERIFY_RECOVER] =
        flag(false);  // programs do that themselves
    a[CKA_TRUSTED] = flag(false);
  }
  if (numbers.modulus.empty()) {
    a[CKA_EC_PARAMS] = numbers.curve;
    a[CKA_EC_POINT] = octet_string(numbers.point);
  } else {
    a[CKA_MODULUS] = numbers.modulus;
    a[CKA_PUBLIC_EXPONENT] = numbers.exponent;
    if (!is_private) a[CKA_MODULUS_BITS] = number(numbers.modulus.size() * 8);
  }
  return out;
}

bool same_key(const KeyInfo& a, const KeyInfo& b) {
  return a.name == b.name && a.type == b.type && a.policy == b.policy && a.created == b.created &&
         a.backend == b.backend;
}

bool names_a_key(const Asked& asked) {
  return asked.type == CKA_LABEL || asked.type == CKA_ID || asked.type == CKA_KEY_TYPE;
}

bool same(const Object& a, const Object& b) {
  return a.object_class == b.object_class && a.attributes == b.attributes;
}
}  // namespace

bool matches(const Object& object, const std::vector<Asked>& wanted) {
  if (object.key && object.key->type == KeyType::ed25519 &&
      std::none_of(wanted.begin(), wanted.end(), names_a_key))
    return false;
  return std::all_of(wanted.begin(), wanted.end(), [&](const Asked& asked) {
    const auto found = object.attributes.find(asked.type);
    return found != object.attributes.end() && found->second == asked.value;
  });
}

bool is_sensitive(const Object& object, CK_ATTRIBUTE_TYPE attribute) {
  if (object.object_class != CKO_PRIVATE_KEY) return false;
  switch (attribute) {
    case CKA_VALUE:
    case CKA_PRIVATE_EXPONENT:
    case CKA_PRIME_1:
    case CKA_PRIME_2:
    case CKA_EXPONENT_1:
    case CKA_EXPONENT_2:
    case CKA_COEFFICIENT:
      return true;
    default:
      return false;
  }
}

std::shared_ptr<const Object> ObjectTable::find(CK_OBJECT_HANDLE handle) const {
  const auto found = objects_.find(handle);
  return found == objects_.end() ? nullptr : found->second;
}

void ObjectTable::keep_or_add(Handles& into, std::shared_ptr<const Object> object) {
  const auto before = std::find_if(objects_.begin(), objects_.end(),
                                   [&](const auto& old) { return same(*old.second, *object); });
  if (before != objects_.end()) {
    into.insert(*before);
  } else {
    into.emplace(next_++, std::move(object));
  }
}

void ObjectTable::add_certificates(Handles& into, const std::string& key_name,
                                   const std::filesystem::path& file) {
  std::size_t position = 0;
  for (const auto& der : read_chain(file)) {
    const auto fields = crypto::read_certificate(der);
    if (!fields) return;
    // The leaf carries the key's id, which is how programs find it; the others only stand beside it.
    const bool leaf = position == 0;
    const auto label = leaf ? key_name : key_name + "#" + std::to_string(position);
    Object out{CKO_CERTIFICATE, std::nullopt, storage(CKO_CERTIFICATE, label, label)};
    auto& a = out.attributes;
    a[CKA_CERTIFICATE_TYPE] = number(CKC_X_509);
    a[CKA_CERTIFICATE_CATEGORY] = number(leaf ? 3 : 2);  // 2.40, 4.6.2: other entity, authority
    a[CKA_TRUSTED] = flag(false);                        // nobody is trusted because he is here
    a[CKA_SUBJECT] = to_bytes(fields->subject);
    a[CKA_ISSUER] = to_bytes(fields->issuer);
    a[CKA_SERIAL_NUMBER] = to_bytes(fields->serial);
    a[CKA_VALUE] = der;
    a[kPublicKeyInfo] = to_bytes(fields->spki);
    a[CKA_START_DATE] = a[CKA_END_DATE] = Bytes{};
    keep_or_add(into, std::make_shared<const Object>(std::move(out)));
    ++position;
  }
}

Status ObjectTable::refresh(keystore::Keystore& keystore) {
  const auto keys = keystore.list();
  if (!keys) {
    if (keys.error().code == Errc::denied) objects_.clear();
    return tl::unexpected(keys.error());
  }
  const auto files = certificate_files(root_);
  Handles fresh;
  for (const auto& info : *keys) {
    if (!keystore::is_signing(info.type)) continue;
    const auto known = std::count_if(objects_.begin(), objects_.end(), [&](const auto& old) {
      if (!old.second->key || !same_key(*old.second->key, info)) return false;
      fresh.insert(old);
      return true;
    });
    if (known == 0) {
      const auto spki = keystore.public_key(info.name);
      const auto numbers = spki ? crypto::read_public_key(*keystore::key_alg_of(info.type), *spki)
                                : tl::unexpected(spki.error());
      if (!numbers) continue;  // its module is away, or somebody has just deleted it: the others stay usable
      keep_or_add(fresh, std::make_shared<const Object>(key_object(CKO_PUBLIC_KEY, info, *spki, *numbers)));
      keep_or_add(fresh, std::make_shared<const Object>(key_object(CKO_PRIVATE_KEY, info, *spki, *numbers)));
    }
    if (const auto file = files.find(info.name.text()); file != files.end())
      add_certificates(fresh, file->first, file->second);
  }
  objects_ = std::move(fresh);
  return ok();
}

}  // namespace camvault::pkcs11_module
