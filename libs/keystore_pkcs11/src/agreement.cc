#include "camvault/keystore_engine/module_values.h"
#include "objects.h"

namespace camvault::keystore_pkcs11 {

namespace {
Result<Secret> value_of(Session& session, CK_OBJECT_HANDLE object, std::size_t size) {
  CK_ATTRIBUTE attribute{};
  attribute.type = CKA_VALUE;
  CK_RV rv = CKR_OK;
  auto out = Secret::make(size, [&](std::span<std::uint8_t> room) {
    attribute.pValue = room.data();
    attribute.ulValueLen = room.size();
    rv = session.library().C_GetAttributeValue(session.handle(), object, &attribute, 1);
  });
  CAM_TRY_STATUS(session.check("C_GetAttributeValue", rv));
  if (attribute.ulValueLen != size) return fail(Errc::malformed, "the token's secret has another size");
  return out;
}
}  // namespace

Result<Secret> agree_with(Session& session, keystore::KeyType type, CK_OBJECT_HANDLE key, BytesView point) {
  const auto size = keystore_engine::coordinate_size(type);
  if (point.size() != 1 + 2 * size) return fail(Errc::invalid, "a point of another curve");
  Bytes copy = to_bytes(point);  // the interface is C
  CK_ECDH1_DERIVE_PARAMS parameters{};
  parameters.kdf = CKD_NULL;
  parameters.public_data_len = copy.size();
  parameters.public_data = copy.data();
  CK_MECHANISM how{};
  how.mechanism = CKM_ECDH1_DERIVE;
  how.pParameter = &parameters;
  how.ulParameterLen = sizeof parameters;
  CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
  CK_KEY_TYPE kind = CKK_GENERIC_SECRET;
  CK_ULONG length = size;
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  CK_ATTRIBUTE attributes[] = {{CKA_CLASS, &object_class, sizeof object_class},
                               {CKA_KEY_TYPE, &kind, sizeof kind},
                               {CKA_TOKEN, &no, sizeof no},
                               {CKA_SENSITIVE, &no, sizeof no},
                               {CKA_EXTRACTABLE, &yes, sizeof yes},
                               {CKA_VALUE_LEN, &length, sizeof length}};
  CK_OBJECT_HANDLE shared = 0;
  CAM_TRY_STATUS(
      session.check("C_DeriveKey", session.library().C_DeriveKey(session.handle(), &how, key, attributes,
                                                                 std::size(attributes), &shared)));
  auto out = value_of(session, shared, size);
  session.library().C_DestroyObject(session.handle(), shared);
  return out;
}

}  // namespace camvault::keystore_pkcs11
