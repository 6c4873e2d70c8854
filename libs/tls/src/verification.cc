#include "verification.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>

namespace camvault::tls {

using crypto::PathVerdict;

namespace {
// As validate_path: more than a path has, with room for an anchor too many.
constexpr int kMaxChain = 16;

int slot_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// What the peer is told by an alert; RFC 8446 6.2 (through X509_V_ERR_... as OpenSSL does it).
int openssl_error(const Judgement& judgement) {
  if (judgement.another_name) return X509_V_ERR_HOSTNAME_MISMATCH;
  switch (judgement.verdict) {
    case PathVerdict::trusted:
      return X509_V_OK;
    case PathVerdict::no_anchor:
      return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
    case PathVerdict::expired:
      return X509_V_ERR_CERT_HAS_EXPIRED;
    case PathVerdict::not_yet_valid:
      return X509_V_ERR_CERT_NOT_YET_VALID;
    case PathVerdict::revoked:
      return X509_V_ERR_CERT_REVOKED;
    case PathVerdict::bad_signature:
      return X509_V_ERR_CERT_SIGNATURE_FAILURE;
    case PathVerdict::not_permitted:
      return X509_V_ERR_INVALID_PURPOSE;
    case PathVerdict::malformed:
      return X509_V_ERR_CERT_REJECTED;
  }
  return X509_V_ERR_CERT_REJECTED;
}

Result<crypto::Certificate> from_openssl(const crypto::Engine& engine, X509* x509) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(x509, &der);
  const Bytes bytes(der, der + (size > 0 ? size : 0));
  OPENSSL_free(der);
  return engine.certificate_from_der(bytes);
}

// A certificate that we cannot read is none; what comes behind the leaf unreadable is left out.
std::vector<crypto::Certificate> chain_of(const crypto::Engine& engine, X509_STORE_CTX* store) {
  std::vector<crypto::Certificate> out;
  auto leaf = from_openssl(engine, X509_STORE_CTX_get0_cert(store));
  if (!leaf) return out;
  out.push_back(std::move(*leaf));
  auto* stack = X509_STORE_CTX_get0_untrusted(store);
  for (int i = 0; i < std::min(sk_X509_num(stack), kMaxChain); ++i) {
    auto more = from_openssl(engine, sk_X509_value(stack, i));
    if (more && !equal(more->der, out.front().der)) out.push_back(std::move(*more));
  }
  return out;
}

int verify(X509_STORE_CTX* store, void* data) {
  const auto& verifier = *static_cast<const Verifier*>(data);
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* slot = ssl == nullptr ? nullptr : static_cast<PeerSlot*>(SSL_get_ex_data(ssl, slot_index()));
  PeerSlot own;  // of a connection that a foreign library made
  own.name = verifier.policy.expected_name;
  if (slot == nullptr) slot = &own;
  slot->chain = chain_of(*verifier.environment.engine, store);
  if (verifier.provisional) {
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return slot == &own ? 0 : 1;
  }
  judge_into(*slot, verifier, verifier.policy);
  if (slot->chain.empty()) slot->judgement.reason = "The certificate cannot be read, or its key is too weak.";
  verifier.refusal->set(slot->judgement.good() ? std::string() : slot->judgement.reason);
  const int error = openssl_error(slot->judgement);
  X509_STORE_CTX_set_error(store, error);
  return error == X509_V_OK ? 1 : 0;
}
}  // namespace

void judge_into(PeerSlot& slot, const Verifier& verifier, const Policy& policy) {
  slot.judgement = judge(*verifier.environment.engine, policy, verifier.peer, slot.chain, slot.name,
                         verifier.environment.clock->now());
}

void set_verifier(SSL_CTX* context, const Verifier* verifier) {
  SSL_CTX_set_cert_verify_callback(context, verify, const_cast<Verifier*>(verifier));
}

void set_slot(SSL* ssl, PeerSlot* slot) {
  SSL_set_ex_data(ssl, slot_index(), slot);
}

}  // namespace camvault::tls
