#include "camvault/tls/context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "camvault/openssl_keys/in_process.h"
#include "camvault/tls_secrets/library_context.h"
#include "connection.h"
#include "x509.h"

namespace camvault::tls {

namespace {
using SslContext = Owned<SSL_CTX, SSL_CTX_free>;
using openssl_keys::EvpKey;

// NC-3-5, SP-4.2.7. TLS 1.3 has nothing else anyway.
constexpr const char* kSuites12 = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* kGroups = "X25519:P-256:P-384:P-521";
constexpr const char* kSignatures =
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:"
    "RSA+SHA256:RSA+SHA384:RSA+SHA512";
constexpr int kSecurityLevel = 2;          // 112 bits
constexpr long kMaxPeerChain = 64 * 1024;  // bytes

// Which OpenSSL a context works with: the process's own one, or one whose handshakes are in the keystore.
struct Library {
  std::shared_ptr<const tls_secrets::LibraryContext> owner;
  OSSL_LIB_CTX* context = nullptr;
  const char* properties = nullptr;
  const char* groups = kGroups;

  static Result<Library> for_secrets(const std::shared_ptr<keystore::TlsSecrets>& secrets) {
    Library library;
    if (secrets == nullptr) {
      library.context = openssl_keys::library_context();
      if (library.context == nullptr) return fail(Errc::internal, "OpenSSL does not take our provider");
      return library;
    }
    CAM_TRY(library.owner, tls_secrets::LibraryContext::create(secrets));
    library.context = library.owner->get();
    library.properties = tls_secrets::kProperties;
    library.groups = tls_secrets::kGroups;
    CAM_TRY_STATUS(openssl_keys::join_context(library.context));
    return library;
  }
};

int number_of(Version version) {
  return version == Version::tls1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
}

Result<SslContext> base_context(const Library& library, const SSL_METHOD* method, Versions versions) {
  SslContext context(SSL_CTX_new_ex(library.context, library.properties, method));
  auto* c = context.get();
  const bool good = c != nullptr && SSL_CTX_set_min_proto_version(c, number_of(versions.oldest)) == 1 &&
                    SSL_CTX_set_max_proto_version(c, number_of(versions.newest)) == 1 &&
                    SSL_CTX_set_cipher_list(c, kSuites12) == 1 &&
                    SSL_CTX_set1_groups_list(c, library.groups) == 1 &&
                    SSL_CTX_set1_sigalgs_list(c, kSignatures) == 1;
  ERR_clear_error();
  if (!good) return fail(Errc::internal, "OpenSSL does not take our TLS settings");
  SSL_CTX_set_security_level(c, kSecurityLevel);
  SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                             SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_num_tickets(c, 0);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(c, SSL_MODE_AUTO_RETRY | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_max_cert_list(c, kMaxPeerChain);
  return context;
}

Status use(SSL_CTX* context, const Library& library, const Credential& credential) {
  const auto& chain = credential.chain();
  const auto leaf = x509_of(chain.front());
  CAM_TRY(const auto key, openssl_keys::evp_key(credential.key(), library.context));
  bool good = leaf != nullptr && SSL_CTX_use_certificate(context, leaf.get()) == 1 &&
              SSL_CTX_use_PrivateKey(context, key.get()) == 1;
  for (std::size_t i = 1; good && i < chain.size(); ++i) {
    const auto above = x509_of(chain[i]);
    good = above != nullptr && SSL_CTX_add1_chain_cert(context, above.get()) == 1;
  }
  ERR_clear_error();
  if (!good)
    return fail(Errc::usage, "the certificate or its key is too weak, or they do not belong together");
  SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
  return ok();
}

// Names that a server tells its clients, for those with several certificates.
void name_authorities(SSL_CTX* context, const Policy& clients) {
  for (const auto& anchor : clients.anchors) {
    const auto x509 = x509_of(anchor);
    if (x509 != nullptr) SSL_CTX_add_client_CA(context, x509.get());
  }
  ERR_clear_error();
}

constexpr const char* kPskSuites12 =
    "ECDHE-PSK-CHACHA20-POLY1305";  // ECDHE and AEAD: OpenSSL 3.0 has no other
constexpr const char* kPskSuites13 =
    "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";  // a PSK goes with SHA-256
constexpr std::size_t kMaxIdentity = 128;

struct PskSlot {
  std::shared_ptr<keystore::TlsSecrets> secrets;
  PreSharedKey ours;
};

int psk_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// libssl gets a handle, and treats it as the secret.
unsigned int give_psk(SSL* ssl, const char* /*hint*/, char* identity, unsigned int room, unsigned char* out,
                      unsigned int out_room) {
  const auto* slot = static_cast<const PskSlot*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), psk_index()));
  if (slot == nullptr || slot->ours.identity.size() >= room) return 0;
  const auto handle = slot->secrets->psk(slot->ours.key);
  if (!handle || handle->size() > out_room) return 0;
  slot->ours.identity.copy(identity, slot->ours.identity.size());
  identity[slot->ours.identity.size()] = '\0';
  std::copy(handle->begin(), handle->end(), out);
  return static_cast<unsigned int>(handle->size());
}

Status check_policy(const Policy& policy) {
  if (policy.anchors.empty()) return fail(Errc::denied, "a policy that trusts nobody connects to nobody");
  return ok();
}
}  // namespace

std::string_view to_string(Version version) {
  return version == Version::tls1_3 ? "TLS 1.3" : "TLS 1.2";
}

struct Context::State {
  Library library;                           // before all that is made with it
  std::shared_ptr<const Verifier> verifier;  // before the context, which points to it
  std::shared_ptr<const Credential> credential;
  std::optional<PskSlot> psk;
  SslContext context;

  static Result<std::unique_ptr<State>> make(const SSL_METHOD* method, Versions versions, Verifier verifier,
                                             std::shared_ptr<const Credential> ours) {
    if (verifier.environment.engine == nullptr || verifier.environment.clock == nullptr)
      return fail(Errc::usage, "TLS needs an engine and a clock");
    auto state = std::make_unique<State>();
    state->verifier = std::make_shared<const Verifier>(std::move(verifier));
    state->credential = std::move(ours);
    CAM_TRY(state->library, Library::for_secrets(state->verifier->environment.secrets));
    CAM_TRY(state->context, base_context(state->library, method, versions));
    set_verifier(state->context.get(), state->verifier.get());
    if (state->credential != nullptr)
      CAM_TRY_STATUS(use(state->context.get(), state->library, *state->credential));
    return state;
  }
};

Context::Context(std::unique_ptr<State> state) : state_(std::move(state)) {}
Context::~Context() = default;
Context::Context(Context&&) noexcept = default;
Context& Context::operator=(Context&&) noexcept = default;

Result<Context> Context::client(const Environment& environment, const Policy& servers,
                                std::shared_ptr<const Credential> ours, Versions versions) {
  CAM_TRY_STATUS(check_policy(servers));
  CAM_TRY(auto state,
          State::make(TLS_client_method(), versions, {environment, Role::server, servers}, std::move(ours)));
  SSL_CTX_set_verify(state->context.get(), SSL_VERIFY_PEER, nullptr);
  return Context(std::move(state));
}

Result<Context> Context::provisional_client(const Environment& environment,
                                            std::shared_ptr<const Credential> ours, Versions versions) {
  CAM_TRY(auto state,
          State::make(TLS_client_method(), versions, {environment, Role::server, {}, true}, std::move(ours)));
  SSL_CTX_set_verify(state->context.get(), SSL_VERIFY_PEER, nullptr);
  return Context(std::move(state));
}

// A server that shows a certificate instead meets a policy that trusts nobody.
Result<Context> Context::psk_client(const Environment& environment, PreSharedKey ours, Versions versions) {
  if (environment.secrets == nullptr) return fail(Errc::usage, "a PSK is used in the keystore only");
  if (ours.identity.empty() || ours.identity.size() > kMaxIdentity)
    return fail(Errc::usage, "an identity of 1 to 128 bytes");
  CAM_TRY(auto state, State::make(TLS_client_method(), versions, {environment, Role::server, {}}, nullptr));
  auto* context = state->context.get();
  state->psk.emplace(PskSlot{environment.secrets, std::move(ours)});
  const bool good = SSL_CTX_set_cipher_list(context, kPskSuites12) == 1 &&
                    SSL_CTX_set_ciphersuites(context, kPskSuites13) == 1 &&
                    SSL_CTX_set_ex_data(context, psk_index(), &*state->psk) == 1;
  ERR_clear_error();
  if (!good) return fail(Errc::internal, "OpenSSL does not take our TLS settings");
  SSL_CTX_set_psk_client_callback(context, give_psk);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  return Context(std::move(state));
}

Result<Context> Context::server(const Environment& environment, std::shared_ptr<const Credential> ours,
                                ClientCertificates wanted, const Policy& clients, Versions versions) {
  if (ours == nullptr) return fail(Errc::usage, "a server needs a credential");
  if (wanted != ClientCertificates::none) CAM_TRY_STATUS(check_policy(clients));
  CAM_TRY(auto state,
          State::make(TLS_server_method(), versions, {environment, Role::client, clients}, std::move(ours)));
  const int mode = wanted == ClientCertificates::none ? SSL_VERIFY_NONE
                   : wanted == ClientCertificates::optional
                       ? SSL_VERIFY_PEER
                       : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(state->context.get(), mode, nullptr);
  if (wanted != ClientCertificates::none) name_authorities(state->context.get(), clients);
  return Context(std::move(state));
}

Result<std::unique_ptr<Connection>> Context::connect(const std::string& host, const std::string& port,
                                                     net::Deadline deadline) const {
  auto socket = net::connect_tcp(host, port, deadline);
  if (!socket) return fail_in(host, socket.error());
  return connect_over(std::move(*socket), host, deadline);
}

Result<std::unique_ptr<Connection>> Context::connect_over(UniqueFd socket, const std::string& host,
                                                          net::Deadline deadline) const {
  auto made =
      shake_hands({state_->context.get(), state_->verifier, std::move(socket), host, false}, deadline);
  if (!made) return fail_in(host, made.error());
  return made;
}

Result<std::unique_ptr<Connection>> Context::accept(UniqueFd socket, net::Deadline deadline) const {
  return shake_hands({state_->context.get(), state_->verifier, std::move(socket), {}, true}, deadline);
}

ssl_ctx_st* Context::native_handle() const {
  return state_->context.get();
}

std::string Context::last_refusal() const {
  return state_->verifier->refusal->get();
}

}  // namespace camvault::tls
