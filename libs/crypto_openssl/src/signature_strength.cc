#include "signature_strength.h"

#include <openssl/rsa.h>

namespace camvault::crypto_openssl {

namespace {
bool is_strong_hash_nid(int nid) {
  return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512;
}
}  // namespace

bool is_strong_hash(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* object = nullptr;
  if (algorithm == nullptr) return false;
  X509_ALGOR_get0(&object, nullptr, nullptr, algorithm);
  return is_strong_hash_nid(OBJ_obj2nid(object));
}

bool is_strong_signature(const X509_ALGOR* algorithm) {
  if (algorithm == nullptr) return false;
  const ASN1_OBJECT* object = nullptr;
  int parameter_type = 0;
  const void* parameter = nullptr;
  X509_ALGOR_get0(&object, &parameter_type, &parameter, algorithm);
  const int nid = OBJ_obj2nid(object);
  if (nid == NID_ED25519) return true;
  if (nid == NID_rsassaPss) {  // RFC 4055 3.1: the hash stands in the parameters; the default is SHA-1
    if (parameter_type != V_ASN1_SEQUENCE || parameter == nullptr) return false;
    const Owned<RSA_PSS_PARAMS, RSA_PSS_PARAMS_free> pss(static_cast<RSA_PSS_PARAMS*>(
        ASN1_item_unpack(static_cast<const ASN1_STRING*>(parameter), ASN1_ITEM_rptr(RSA_PSS_PARAMS))));
    clear_errors();
    return pss && is_strong_hash(pss->hashAlgorithm);
  }
  int hash = NID_undef;
  int key = NID_undef;
  return OBJ_find_sigid_algs(nid, &hash, &key) == 1 && is_strong_hash_nid(hash);
}

bool is_strong_certificate_signature(const X509* certificate) {
  const X509_ALGOR* algorithm = nullptr;
  X509_get0_signature(nullptr, &algorithm, certificate);
  return is_strong_signature(algorithm);
}

}  // namespace camvault::crypto_openssl
