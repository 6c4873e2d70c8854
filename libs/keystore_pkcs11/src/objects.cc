#include "objects.h"

#include <deque>

#include "camvault/keystore_engine/module_values.h"
#include "mechanisms.h"

namespace camvault::keystore_pkcs11 {

using keystore::KeyType;

namespace {
constexpr char kLabel[] = "camvault";
constexpr std::size_t kMaxPublicNumber = 1024;  // bytes; RSA-4096 has 512

// A template and the values that its attributes point to.
class Template {
 public:
  Template& flag(CK_ATTRIBUTE_TYPE type, bool value) {
    return raw(type, value ? &kTrue : &kFalse, sizeof(CK_BBOOL));
  }
  Template& number(CK_ATTRIBUTE_TYPE type, CK_ULONG value) {
    numbers_.push_back(value);  // a deque: what it holds does not move
    return raw(type, &numbers_.back(), sizeof(CK_ULONG));
  }
  // `value` must outlive the template.
  Template& bytes(CK_ATTRIBUTE_TYPE type, BytesView value) { return raw(type, value.data(), value.size()); }

  CK_ATTRIBUTE* data() { return attributes_.data(); }
  CK_ULONG size() const { return attributes_.size(); }

 private:
  static constexpr CK_BBOOL kTrue = CK_TRUE;
  static constexpr CK_BBOOL kFalse = CK_FALSE;

  Template& raw(CK_ATTRIBUTE_TYPE type, const void* value, std::size_t size) {
    CK_ATTRIBUTE attribute{};
    attribute.type = type;
    attribute.pValue = const_cast<void*>(value);  // the interface is C; nothing writes through it
    attribute.ulValueLen = size;
    attributes_.push_back(attribute);
    return *this;
  }

  std::vector<CK_ATTRIBUTE> attributes_;
  std::deque<CK_ULONG> numbers_;
};

CK_OBJECT_CLASS class_of(KeyType type) {
  return keystore::has_public_half(type) ? CKO_PRIVATE_KEY : CKO_SECRET_KEY;
}

// What every key of ours has: it stays in the token, is only seen after login, and never comes out
// (AX-3.1-1..2).
Template key_template(KeyType type, const ObjectId& id) {
  Template out;
  out.flag(CKA_TOKEN, true)
      .flag(CKA_PRIVATE, true)
      .flag(CKA_SENSITIVE, true)
      .flag(CKA_EXTRACTABLE, false)
      .bytes(CKA_ID, id)
      .bytes(CKA_LABEL, as_bytes(kLabel));
  if (type == KeyType::aes_256) {
    out.flag(CKA_ENCRYPT, true).flag(CKA_DECRYPT, true);
  } else if (keystore::is_agreement(type)) {
    out.flag(CKA_DERIVE, true).flag(CKA_SIGN, false).flag(CKA_DECRYPT, false);
  } else {
    out.flag(CKA_SIGN, true).flag(CKA_DECRYPT, false);
  }
  return out.flag(CKA_UNWRAP, false);
}

Result<Bytes> read_attribute(Session& session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
  Bytes value(kMaxPublicNumber);
  CK_ATTRIBUTE attribute{};
  attribute.type = type;
  attribute.pValue = value.data();
  attribute.ulValueLen = value.size();
  CAM_TRY_STATUS(session.check(
      "C_GetAttributeValue", session.library().C_GetAttributeValue(session.handle(), object, &attribute, 1)));
  if (attribute.ulValueLen > value.size()) return fail(Errc::malformed, "the token's attribute has no size");
  value.resize(attribute.ulValueLen);
  return value;
}

Result<bool> read_flag(Session& session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
  CAM_TRY(const auto value, read_attribute(session, object, type));
  if (value.size() != sizeof(CK_BBOOL)) return fail(Errc::malformed, "the token's flag has another size");
  return value.front() != CK_FALSE;
}

// A token may accept a template and do something else.
Status check_protection(Session& session, CK_OBJECT_HANDLE object, bool made_inside) {
  CAM_TRY(const bool sensitive, read_flag(session, object, CKA_SENSITIVE));
  CAM_TRY(const bool extractable, read_flag(session, object, CKA_EXTRACTABLE));
  if (!sensitive || extractable)
    return fail(Errc::unsupported, "the token makes keys that can be read out of it");
  if (!made_inside) return ok();
  CAM_TRY(const bool local, read_flag(session, object, CKA_LOCAL));
  if (!local) return fail(Errc::unsupported, "the token does not vouch for having made the key itself");
  return ok();
}

Result<Bytes> read_spki(Session& session, KeyType type, CK_OBJECT_HANDLE public_key) {
  if (keystore_engine::modulus_bits(type) != 0) {
    CAM_TRY(const auto modulus, read_attribute(session, public_key, CKA_MODULUS));
    CAM_TRY(const auto exponent, read_attribute(session, public_key, CKA_PUBLIC_EXPONENT));
    return keystore_engine::spki_of_rsa(type, modulus, exponent);
  }
  CAM_TRY(const auto point, read_attribute(session, public_key, CKA_EC_POINT));
  return spki_of_attribute(type, point);
}

CK_MECHANISM mechanism(CK_MECHANISM_TYPE type) {
  CK_MECHANISM out{};
  out.mechanism = type;
  return out;
}

Status generate_secret(Session& session, KeyType type, const ObjectId& id) {
  auto how = mechanism(generation_of(type));
  auto attributes = key_template(type, id);
  attributes.number(CKA_VALUE_LEN, 32);
  if (type == KeyType::hmac_sha256) attributes.number(CKA_KEY_TYPE, key_kind_of(type));
  CK_OBJECT_HANDLE key = 0;
  CAM_TRY_STATUS(session.check(
      "C_GenerateKey",
      session.library().C_GenerateKey(session.handle(), &how, attributes.data(), attributes.size(), &key)));
  auto protection = check_protection(session, key, true);
  if (!protection) session.library().C_DestroyObject(session.handle(), key);
  return protection;
}

Result<Bytes> generate_pair(Session& session, KeyType type, const ObjectId& id) {
  static constexpr std::uint8_t kExponent[] = {0x01, 0x00, 0x01};
  auto how = mechanism(generation_of(type));
  const auto curve = curve_parameters(type);
  // The public half is an object of this session only: keystored keeps it, and slots are few.
  Template public_half;
  public_half.flag(CKA_TOKEN, false).flag(CKA_PRIVATE, false);
  if (keystore::is_signing(type)) public_half.flag(CKA_VERIFY, true);
  if (curve.empty()) {
    public_half.number(CKA_MODULUS_BITS, keystore_engine::modulus_bits(type))
        .bytes(CKA_PUBLIC_EXPONENT, kExponent);
  } else {
    public_half.bytes(CKA_EC_PARAMS, curve);
  }
  auto private_half = key_template(type, id);
  CK_OBJECT_HANDLE public_key = 0;
  CK_OBJECT_HANDLE private_key = 0;
  CAM_TRY_STATUS(session.check("C_GenerateKeyPair",
                               session.library().C_GenerateKeyPair(
                                   session.handle(), &how, public_half.data(), public_half.size(),
                                   private_half.data(), private_half.size(), &public_key, &private_key)));
  auto spki = [&]() -> Result<Bytes> {
    CAM_TRY_STATUS(check_protection(session, private_key, true));
    return read_spki(session, type, public_key);
  }();
  session.library().C_DestroyObject(session.handle(), public_key);
  if (!spki) session.library().C_DestroyObject(session.handle(), private_key);
  return spki;
}

Status create(Session& session, Template& attributes) {
  CK_OBJECT_HANDLE key = 0;
  CAM_TRY_STATUS(session.check(
      "C_CreateObject",
      session.library().C_CreateObject(session.handle(), attributes.data(), attributes.size(), &key)));
  auto protection = check_protection(session, key, false);
  if (!protection) session.library().C_DestroyObject(session.handle(), key);
  return protection;
}
}  // namespace

Result<Bytes> generate_object(Session& session, KeyType type, const ObjectId& id) {
  if (keystore::has_public_half(type)) return generate_pair(session, type, id);
  CAM_TRY_STATUS(generate_secret(session, type, id));
  return Bytes();
}

Status import_pair(Session& session, KeyType type, const ObjectId& id,
                   const keystore_software::PrivateKeyParts& key) {
  auto attributes = key_template(type, id);
  attributes.number(CKA_CLASS, CKO_PRIVATE_KEY).number(CKA_KEY_TYPE, key_kind_of(type));
  const auto curve = curve_parameters(type);
  if (!curve.empty()) {
    return key.scalar.reveal([&](BytesView scalar) {
      attributes.bytes(CKA_EC_PARAMS, curve).bytes(CKA_VALUE, scalar);
      return create(session, attributes);
    });
  }
  attributes.bytes(CKA_MODULUS, key.modulus).bytes(CKA_PUBLIC_EXPONENT, key.public_exponent);
  // One door after the other; all are open when the object is made.
  return key.private_exponent.reveal([&](BytesView d) {
    return key.prime1.reveal([&](BytesView p) {
      return key.prime2.reveal([&](BytesView q) {
        return key.exponent1.reveal([&](BytesView dp) {
          return key.exponent2.reveal([&](BytesView dq) {
            return key.coefficient.reveal([&](BytesView qi) {
              attributes.bytes(CKA_PRIVATE_EXPONENT, d)
                  .bytes(CKA_PRIME_1, p)
                  .bytes(CKA_PRIME_2, q)
                  .bytes(CKA_EXPONENT_1, dp)
                  .bytes(CKA_EXPONENT_2, dq)
                  .bytes(CKA_COEFFICIENT, qi);
              return create(session, attributes);
            });
          });
        });
      });
    });
  });
}

Status import_secret(Session& session, KeyType type, const ObjectId& id, BytesView key) {
  auto attributes = key_template(type, id);
  attributes.number(CKA_CLASS, CKO_SECRET_KEY).number(CKA_KEY_TYPE, key_kind_of(type)).bytes(CKA_VALUE, key);
  return create(session, attributes);
}

Result<CK_OBJECT_HANDLE> find_object(Session& session, KeyType type, const ObjectId& id) {
  const auto& library = session.library();
  Template wanted;
  wanted.number(CKA_CLASS, class_of(type)).flag(CKA_TOKEN, true).bytes(CKA_ID, id);
  CAM_TRY_STATUS(session.check("C_FindObjectsInit",
                               library.C_FindObjectsInit(session.handle(), wanted.data(), wanted.size())));
  CK_OBJECT_HANDLE found[2] = {};
  CK_ULONG count = 0;
  const auto listed = library.C_FindObjects(session.handle(), found, 2, &count);
  library.C_FindObjectsFinal(session.handle());
  CAM_TRY_STATUS(session.check("C_FindObjects", listed));
  if (count != 1)
    return fail(Errc::invalid, count == 0 ? "the token does not hold the key's object"
                                          : "the token holds two objects under the key's id");
  return found[0];
}

Status destroy_object(Session& session, KeyType type, const ObjectId& id) {
  CAM_TRY(const auto object, find_object(session, type, id));
  return session.check("C_DestroyObject", session.library().C_DestroyObject(session.handle(), object));
}

}  // namespace camvault::keystore_pkcs11
