// A TLS client on unmodified libssl whose secrets are elsewhere, or, to compare, not.
//
//   tls_secrets_client PORT 1.2|1.3 vault|plain CA.pem|- PSK_FILE|- KEYLOG
//
// Sends a line, reads one, says what it knows on standard output, and waits for the end of its standard
// input, so that its memory can be looked into.
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "camvault/base/file.h"
#include "camvault/base/owned.h"
#include "vault.h"

namespace {
using namespace camvault;
using namespace camvault::tls_secrets;

Bytes psk;  // the bytes or the handle
std::ofstream key_log;

unsigned int give_psk(SSL* /*ssl*/, const char* /*hint*/, char* identity, unsigned int room,
                      unsigned char* out, unsigned int out_room) {
  std::strncpy(identity, "camera", room);
  if (psk.size() > out_room) return 0;
  std::copy(psk.begin(), psk.end(), out);
  return static_cast<unsigned int>(psk.size());
}

void log_key(const SSL* /*ssl*/, const char* line) {
  key_log << line << "\n" << std::flush;
}

int complain(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  ERR_print_errors_fp(stderr);
  return 1;
}
}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) return complain("usage");
  const bool vault = std::strcmp(argv[3], "vault") == 0;
  if (vault) start_vault();
  OSSL_LIB_CTX* context = OSSL_LIB_CTX_new();
  const char* properties = nullptr;
  if (OSSL_PROVIDER_load(context, "default") == nullptr) return complain("default");
  if (vault) {
    properties = "?provider=vault";
    if (OSSL_PROVIDER_add_builtin(context, "vault", vault_provider_init) != 1 ||
        OSSL_PROVIDER_load(context, "vault") == nullptr ||
        RAND_set_DRBG_type(context, "CTR-DRBG", "provider=vault", nullptr, nullptr) != 1)
      return complain("vault");
  }
  Owned<SSL_CTX, SSL_CTX_free> tls(SSL_CTX_new_ex(context, properties, TLS_client_method()));
  if (tls == nullptr) return complain("SSL_CTX_new_ex");
  const int version = std::strcmp(argv[2], "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
  SSL_CTX_set_min_proto_version(tls.get(), version);
  SSL_CTX_set_max_proto_version(tls.get(), version);
  // P-256 only for the server's certificate; keys are exchanged by what stands first.
  if (SSL_CTX_set1_groups_list(tls.get(), "X25519:P-256") != 1) return complain("groups");
  key_log.open(argv[6]);
  SSL_CTX_set_keylog_callback(tls.get(), log_key);
  if (std::strcmp(argv[4], "-") != 0) {
    SSL_CTX_load_verify_file(tls.get(), argv[4]);
    SSL_CTX_set_verify(tls.get(), SSL_VERIFY_PEER, nullptr);
  }
  if (std::strcmp(argv[5], "-") != 0) {
    psk = vault ? ask_vault(Request::load_psk, {as_bytes(argv[5])}) : read_file(argv[5], 64).value();
    SSL_CTX_set_psk_client_callback(tls.get(), give_psk);
    SSL_CTX_set_cipher_list(tls.get(), "ECDHE-PSK-CHACHA20-POLY1305");
    SSL_CTX_set_ciphersuites(tls.get(), "TLS_AES_128_GCM_SHA256");
  }
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[1])));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return complain("connect");
  Owned<SSL, SSL_free> ssl(SSL_new(tls.get()));
  SSL_set_fd(ssl.get(), fd);
  const auto before = std::chrono::steady_clock::now();
  if (SSL_connect(ssl.get()) != 1) return complain("handshake");
  const auto took =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - before);
  const int asked = requests_so_far();
  char line[64] = {};
  if (SSL_write(ssl.get(), "hello\n", 6) != 6 || SSL_read(ssl.get(), line, sizeof line - 1) <= 0)
    return complain("data");
  std::uint8_t random[32];
  SSL_get_client_random(ssl.get(), random, sizeof random);
  std::uint8_t master[48];
  const auto size = SSL_SESSION_get_master_key(SSL_get0_session(ssl.get()), master, sizeof master);
  std::printf("version %s\ncipher %s\nanswer %s", SSL_get_version(ssl.get()), SSL_get_cipher(ssl.get()),
              line);
  std::printf("handshake_us %ld\nvault_requests %d\n", static_cast<long>(took.count()), asked);
  std::printf("client_random %s\n", to_hex(random).c_str());
  if (vault) {
    std::printf("random_from_vault %d\n", ask_vault(Request::gave_random, {random})[0]);
    std::printf("secrets_in_vault_from_exchange %d\n", ask_vault(Request::count_exchanges, {})[0]);
    std::printf("master_is_handle %d\n", is_handle(BytesView(master, size)) ? 1 : 0);
  }
  std::puts("ready");
  std::fflush(stdout);
  char end = 0;
  while (::read(0, &end, 1) > 0) {
  }
  return 0;
}
