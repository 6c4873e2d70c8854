// How programs name a key: by a URI "camvault:camera/https" (provider-storemgmt(7)), or by a file that holds
// a stub (keystore/key_stub.h; provider-decoder(7)).
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/params.h>

#include "camvault/base/pem.h"
#include "camvault/keystore/key_stub.h"
#include "camvault/openssl_keys/provider.h"
#include "key.h"
#include "loading.h"

namespace camvault::openssl_provider {

namespace {
using crypto::KeyAlg;
using openssl_keys::entry;
using openssl_keys::Provider;
using openssl_keys::SharedKey;

constexpr std::string_view kScheme = "camvault:";
constexpr std::string_view kStubLabel = "CAMVAULT KEY";
constexpr std::size_t kMaxStub = 1024;

// Hands a key over by reference (provider-object(7)). Whoever takes it leaves null behind.
int hand_over(SharedKey key, OSSL_CALLBACK* take, void* argument) {
  auto* reference = new (std::nothrow) SharedKey(std::move(key));
  if (reference == nullptr) return 0;
  int type = OSSL_OBJECT_PKEY;
  auto* name = const_cast<char*>(openssl_keys::type_name((*reference)->alg));
  const OSSL_PARAM object[] = {
      OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type),
      OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE, name, 0),
      OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_REFERENCE, &reference, sizeof(void*)),
      OSSL_PARAM_construct_end()};
  const int taken = take(object, argument);
  delete reference;
  return taken;
}

struct Opened {
  const Provider* provider;
  std::string name;
  bool done = false;
  int expected = 0;  // OSSL_STORE_INFO_...; 0: anything
};

void* open_uri(void* provider, const char* uri) {
  const std::string_view text(uri);
  if (!text.starts_with(kScheme)) return nullptr;
  return new (std::nothrow)
      Opened{static_cast<const Provider*>(provider), std::string(text.substr(kScheme.size()))};
}

const OSSL_PARAM* settable_in_store(void* provider) {
  static_cast<void>(provider);
  static const OSSL_PARAM kParams[] = {OSSL_PARAM_int(OSSL_STORE_PARAM_EXPECT, nullptr), OSSL_PARAM_END};
  return kParams;
}

int set_in_store(void* data, const OSSL_PARAM params[]) {
  const auto* p = OSSL_PARAM_locate_const(params, OSSL_STORE_PARAM_EXPECT);
  return p == nullptr ? 1 : OSSL_PARAM_get_int(p, &static_cast<Opened*>(data)->expected);
}

int load_from_store(void* data, OSSL_CALLBACK* take, void* argument, OSSL_PASSPHRASE_CALLBACK* passphrase,
                    void* passphrase_argument) {
  static_cast<void>(passphrase);
  static_cast<void>(passphrase_argument);
  auto& opened = *static_cast<Opened*>(data);
  opened.done = true;
  constexpr int kPublicKey = 3;  // OSSL_STORE_INFO_PUBKEY
  constexpr int kPrivateKey = 4;
  if (opened.expected != 0 && opened.expected != kPublicKey && opened.expected != kPrivateKey) return 0;
  auto key = open_key(opened.name);
  if (!key) return raise(*opened.provider, key.error());
  return hand_over(std::move(*key), take, argument);
}

int at_end(void* data) {
  return static_cast<Opened*>(data)->done ? 1 : 0;
}

int close_store(void* data) {
  delete static_cast<Opened*>(data);
  return 1;
}

const OSSL_DISPATCH kStore[] = {entry(OSSL_FUNC_STORE_OPEN, open_uri),
                                entry(OSSL_FUNC_STORE_SETTABLE_CTX_PARAMS, settable_in_store),
                                entry(OSSL_FUNC_STORE_SET_CTX_PARAMS, set_in_store),
                                entry(OSSL_FUNC_STORE_LOAD, load_from_store),
                                entry(OSSL_FUNC_STORE_EOF, at_end),
                                entry(OSSL_FUNC_STORE_CLOSE, close_store),
                                {0, nullptr}};

void* new_decoder(void* provider) {
  return provider;  // nothing is kept between files
}
void free_decoder(void* data) {
  static_cast<void>(data);
}

int does_selection(void* provider, int selection) {
  static_cast<void>(provider);
  return selection == 0 ||
                 (selection & (OSSL_KEYMGMT_SELECT_PRIVATE_KEY | OSSL_KEYMGMT_SELECT_PUBLIC_KEY)) != 0
             ? 1
             : 0;
}

Bytes read_all(const Provider& provider, OSSL_CORE_BIO* in) {
  const Owned<BIO, BIO_free_all> file(BIO_new_from_core_bio(provider.context, in));
  Bytes content(kMaxStub);
  std::size_t size = 0;
  for (std::size_t piece = 0;
       file != nullptr && size < content.size() &&
       BIO_read_ex(file.get(), content.data() + size, content.size() - size, &piece) == 1;
       size += piece) {
  }
  content.resize(size);
  return content;
}

// Decoders return 1 for files that are none of ours: others may try.

// From PEM to DER: the default provider's decoder knows only the labels of its own.
int decode_pem(void* data, OSSL_CORE_BIO* in, int /*selection*/, OSSL_CALLBACK* take, void* argument,
               OSSL_PASSPHRASE_CALLBACK* /*passphrase*/, void* /*passphrase_argument*/) {
  const auto content = read_all(*static_cast<const Provider*>(data), in);
  auto blocks = read_pem(as_text(content), kStubLabel, 1);
  if (!blocks || blocks->empty()) return 1;
  auto& der = blocks->front();
  const OSSL_PARAM object[] = {
      OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_DATA, der.data(), der.size()),
      OSSL_PARAM_construct_end()};
  return take(object, argument);
}

// From DER to a key of one kind, as OpenSSL asks for them.
template <KeyAlg... Algs>
int decode(void* data, OSSL_CORE_BIO* in, int /*selection*/, OSSL_CALLBACK* take, void* argument,
           OSSL_PASSPHRASE_CALLBACK* /*passphrase*/, void* /*passphrase_argument*/) {
  const auto& provider = *static_cast<const Provider*>(data);
  const auto name = keystore::read_key_stub(read_all(provider, in));
  if (!name) return 1;
  auto key = open_key(name->text());
  if (!key) return raise(provider, key.error());
  if ((((*key)->alg != Algs) && ...)) return 1;
  return hand_over(std::move(*key), take, argument);
}

const OSSL_DISPATCH kPemDecoder[] = {entry(OSSL_FUNC_DECODER_NEWCTX, new_decoder),
                                     entry(OSSL_FUNC_DECODER_FREECTX, free_decoder),
                                     entry(OSSL_FUNC_DECODER_DOES_SELECTION, does_selection),
                                     entry(OSSL_FUNC_DECODER_DECODE, decode_pem),
                                     {0, nullptr}};

template <KeyAlg... Algs>
const OSSL_DISPATCH* decoder() {
  static const OSSL_DISPATCH kTable[] = {entry(OSSL_FUNC_DECODER_NEWCTX, new_decoder),
                                         entry(OSSL_FUNC_DECODER_FREECTX, free_decoder),
                                         entry(OSSL_FUNC_DECODER_DOES_SELECTION, does_selection),
                                         entry(OSSL_FUNC_DECODER_DECODE, decode<Algs...>),
                                         {0, nullptr}};
  return kTable;
}
}  // namespace

const OSSL_ALGORITHM kStores[] = {
    {"camvault", CAMVAULT_PROVIDER, kStore, "keys in keystored: camvault:application/name"},
    {nullptr, nullptr, nullptr, nullptr}};

#define STUB_IN(form) CAMVAULT_PROVIDER ",input=" form
const OSSL_ALGORITHM kDecoders[] = {
    {"DER", STUB_IN("pem"), kPemDecoder, "PEM of stubs"},
    {"EC", STUB_IN("der"), decoder<KeyAlg::ec_p256, KeyAlg::ec_p384, KeyAlg::ec_p521>(), "stubs of EC keys"},
    {"RSA", STUB_IN("der"), decoder<KeyAlg::rsa_2048, KeyAlg::rsa_3072, KeyAlg::rsa_4096>(),
     "stubs of RSA keys"},
    {"ED25519", STUB_IN("der"), decoder<KeyAlg::ed25519>(), "stubs of Ed25519 keys"},
    {nullptr, nullptr, nullptr, nullptr}};

}  // namespace camvault::openssl_provider
