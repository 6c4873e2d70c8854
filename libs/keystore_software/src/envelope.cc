#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "camvault/base/owned.h"
#include "camvault/keystore_software/software_backend.h"

namespace camvault::keystore_software {

namespace {
// RSA keys get OAEP with SHA-256 instead of PKCS#1 v1.5, whose padding has told attackers too much.
bool add_recipient(CMS_ContentInfo* cms, X509* certificate) {
  auto* key = X509_get0_pubkey(certificate);
  if (key == nullptr) return false;
  const bool rsa = EVP_PKEY_is_a(key, "RSA") == 1;
  if (!rsa && EVP_PKEY_is_a(key, "EC") != 1) return false;
  auto* recipient = CMS_add1_recipient_cert(cms, certificate, CMS_KEY_PARAM);
  if (recipient == nullptr) return false;
  auto* ctx = CMS_RecipientInfo_get0_pkey_ctx(recipient);
  if (!rsa) return ctx != nullptr && EVP_PKEY_CTX_set_ecdh_kdf_md(ctx, EVP_sha256()) == 1;  // not SHA-1
  return ctx != nullptr && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1;
}
}  // namespace

Result<Bytes> read_owner_certificate(BytesView file) {
  const Owned<BIO, BIO_free_all> in(BIO_new_mem_buf(file.data(), static_cast<int>(file.size())));
  Owned<X509, X509_free> certificate(in ? PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!certificate) {
    const auto* at = file.data();
    certificate.reset(d2i_X509(nullptr, &at, static_cast<long>(file.size())));
  }
  unsigned char* out = nullptr;
  const int size = certificate ? i2d_X509(certificate.get(), &out) : 0;
  ERR_clear_error();
  if (size <= 0) return fail(Errc::usage, "not a certificate");
  Bytes der(out, out + size);
  OPENSSL_free(out);
  CAM_TRY_STATUS(encrypt_to_owner(der, Secret(as_bytes("a try"))));
  return der;
}

Result<Bytes> encrypt_to_owner(BytesView certificate_der, const Secret& plain) {
  const auto* at = certificate_der.data();
  const Owned<X509, X509_free> certificate(d2i_X509(nullptr, &at, static_cast<long>(certificate_der.size())));
  const Owned<CMS_ContentInfo, CMS_ContentInfo_free> cms(
      CMS_encrypt(nullptr, nullptr, EVP_aes_256_gcm(), CMS_PARTIAL | CMS_BINARY));
  const bool ready = certificate && cms && add_recipient(cms.get(), certificate.get());
  ERR_clear_error();
  if (!ready) return fail(Errc::usage, "nothing can be encrypted to the owner's certificate");
  return plain.reveal([&](BytesView bytes) -> Result<Bytes> {
    const Owned<BIO, BIO_free_all> in(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
    const bool sealed = in && CMS_final(cms.get(), in.get(), nullptr, CMS_BINARY) == 1;
    unsigned char* out = nullptr;
    const int size = sealed ? i2d_CMS_ContentInfo(cms.get(), &out) : 0;
    ERR_clear_error();
    if (size <= 0) return fail(Errc::internal, "cannot encrypt to the owner");
    Bytes message(out, out + size);
    OPENSSL_free(out);
    return message;
  });
}

Result<Secret> decrypt_as_owner(BytesView message, BytesView certificate_file, const Secret& private_key) {
  CAM_TRY(const auto der, read_owner_certificate(certificate_file));
  const auto* at = der.data();
  const Owned<X509, X509_free> certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  // Nobody is asked for a password.
  const auto none = [](char*, int, int, void*) { return -1; };
  const Owned<EVP_PKEY, EVP_PKEY_free> key(private_key.reveal([&](BytesView pem) -> EVP_PKEY* {
    const Owned<BIO, BIO_free_all> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    return in ? PEM_read_bio_PrivateKey(in.get(), nullptr, none, nullptr) : nullptr;
  }));
  ERR_clear_error();
  if (!key || !certificate) return fail(Errc::usage, "the owner's key or certificate cannot be read");
  at = message.data();
  const Owned<CMS_ContentInfo, CMS_ContentInfo_free> cms(
      d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(message.size())));
  if (!cms || at != message.data() + message.size()) {
    ERR_clear_error();
    return fail(Errc::malformed, "not a backup, or not a whole one");
  }
  const Owned<BIO, BIO_free_all> out(BIO_new(BIO_s_secmem()));
  const bool opened =
      out && OBJ_obj2nid(CMS_get0_type(cms.get())) == NID_id_smime_ct_authEnvelopedData &&
      CMS_decrypt(cms.get(), key.get(), certificate.get(), nullptr, out.get(), CMS_BINARY) == 1;
  ERR_clear_error();
  if (!opened) return fail(Errc::invalid, "changed, or encrypted to another owner");
  char* data = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &data);
  if (size <= 0 || data == nullptr) return fail(Errc::invalid, "an empty backup");
  return Secret(BytesView(reinterpret_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)));
}

}  // namespace camvault::keystore_software
