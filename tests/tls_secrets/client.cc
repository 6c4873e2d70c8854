// A TLS client on unmodified libssl whose secrets are in keystored, or, to compare, not.
//
//   tls_secrets_client PORT 1.2|1.3 ROOT|- CA.pem|- PSK GROUPS KEYLOG
//
// PSK: the name of a key below ROOT; without ROOT a file; - for certificates. Sends a line, reads one, says
// what it knows on standard output, and waits for the end of its standard input, so that its memory can be
// looked into.
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "camvault/base/file.h"
#include "camvault/base/owned.h"
#include "camvault/ipc/keystore_client.h"
#include "camvault/tls_secrets/library_context.h"

namespace {
using namespace camvault;

// Remembers what came from the keystore.
class Recorder final : public keystore::TlsSecrets {
 public:
  explicit Recorder(std::shared_ptr<keystore::TlsSecrets> inner) : inner_(std::move(inner)) {}
  Result<Bytes> random(std::size_t count) override {
    ++requests;
    CAM_TRY(auto bytes, inner_->random(count));
    append(randoms, bytes);
    return bytes;
  }
  Result<keystore::TlsShare> new_share(keystore::TlsGroup group) override {
    ++requests;
    return inner_->new_share(group);
  }
  Result<Bytes> agree(BytesView share, BytesView peer_point) override {
    ++requests;
    ++exchanges;
    return inner_->agree(share, peer_point);
  }
  Result<Bytes> psk(const keystore::KeyUse& use) override {
    ++requests;
    return inner_->psk(use);
  }
  Result<Bytes> derive(const keystore::TlsDerivation& derivation) override {
    ++requests;
    return inner_->derive(derivation);
  }
  bool gave(BytesView bytes) const {
    return std::search(randoms.begin(), randoms.end(), bytes.begin(), bytes.end()) != randoms.end();
  }

  int requests = 0;
  int exchanges = 0;
  Bytes randoms;

 private:
  std::shared_ptr<keystore::TlsSecrets> inner_;
};

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

int complain(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  ERR_print_errors_fp(stderr);
  return 1;
}

Result<std::shared_ptr<Recorder>> connect(const std::string& root) {
  CAM_TRY(const auto store, ipc::connect_keystore(ipc::default_socket_path(root)));
  CAM_TRY(auto secrets, store->tls_secrets());
  return std::make_shared<Recorder>(std::move(secrets));
}
}  // namespace

int main(int argc, char** argv) {
  if (argc != 8) return complain("usage");
  const std::string root = argv[3];
  const std::string ca = argv[4];
  const std::string psk_name = argv[5];
  const bool inside = root != "-";
  std::shared_ptr<Recorder> secrets;
  std::shared_ptr<const tls_secrets::LibraryContext> library;
  if (inside) {
    auto connected = connect(root);
    if (!connected) return complain(connected.error().what);
    secrets = *connected;
    auto context = tls_secrets::LibraryContext::create(secrets);
    if (!context) return complain(context.error().what);
    library = *context;
  }
  Owned<SSL_CTX, SSL_CTX_free> tls(SSL_CTX_new_ex(
      inside ? library->get() : nullptr, inside ? tls_secrets::kProperties : nullptr, TLS_client_method()));
  if (tls == nullptr) return complain("SSL_CTX_new_ex");
  const int version = std::strcmp(argv[2], "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
  SSL_CTX_set_min_proto_version(tls.get(), version);
  SSL_CTX_set_max_proto_version(tls.get(), version);
  if (SSL_CTX_set1_groups_list(tls.get(), argv[6]) != 1) return complain("groups");
  key_log.open(argv[7]);
  SSL_CTX_set_keylog_callback(tls.get(), log_key);
  if (ca != "-") {
    SSL_CTX_load_verify_file(tls.get(), ca.c_str());
    SSL_CTX_set_verify(tls.get(), SSL_VERIFY_PEER, nullptr);
  }
  if (psk_name != "-") {
    auto given = inside
                     ? secrets->psk({keystore::KeyName::parse(psk_name).value(), keystore::Purpose::tls_psk})
                     : read_file(psk_name, 64);
    if (!given) return complain(given.error().what);
    psk = std::move(*given);
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
  const int asked_before = inside ? secrets->requests : 0;
  if (SSL_connect(ssl.get()) != 1) return complain("handshake");
  const auto took =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - before);
  const int asked = inside ? secrets->requests - asked_before : 0;
  char line[64] = {};
  if (SSL_write(ssl.get(), "hello\n", 6) != 6 || SSL_read(ssl.get(), line, sizeof line - 1) <= 0)
    return complain("data");
  std::uint8_t random[32];
  SSL_get_client_random(ssl.get(), random, sizeof random);
  std::uint8_t master[64];
  const auto size = SSL_SESSION_get_master_key(SSL_get0_session(ssl.get()), master, sizeof master);
  std::printf("version %s\ncipher %s\nanswer %s", SSL_get_version(ssl.get()), SSL_get_cipher(ssl.get()),
              line);
  std::printf("handshake_us %ld\nrequests %d\n", static_cast<long>(took.count()), asked);
  std::printf("client_random %s\nmaster %s\n", to_hex(random).c_str(),
              to_hex(BytesView(master, size)).c_str());
  if (inside)
    std::printf("random_from_keystore %d\nexchanges %d\n", secrets->gave(random) ? 1 : 0, secrets->exchanges);
  std::puts("ready");
  std::fflush(stdout);
  char end = 0;
  while (::read(0, &end, 1) > 0) {
  }
  return 0;
}
