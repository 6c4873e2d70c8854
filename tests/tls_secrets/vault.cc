#include "vault.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <stdexcept>
#include <vector>

#include "camvault/base/byte_reader.h"
#include "camvault/base/byte_writer.h"
#include "camvault/base/file.h"
#include "camvault/base/owned.h"

namespace camvault::tls_secrets {

namespace {
constexpr std::uint8_t kMark[] = {0xfe, 'V', 'A', 'U', 'L', 'T'};
constexpr std::size_t kNumber = 8;
constexpr std::size_t kSmallest = sizeof kMark + kNumber;

int vault_socket = -1;
int requests = 0;

void write_all(int fd, BytesView data) {
  while (!data.empty()) {
    const auto n = ::write(fd, data.data(), data.size());
    if (n <= 0) throw std::runtime_error("vault: write");
    data = data.subspan(static_cast<std::size_t>(n));
  }
}
Bytes read_exactly(int fd, std::size_t size) {
  Bytes out(size);
  for (std::size_t at = 0; at < size;) {
    const auto n = ::read(fd, out.data() + at, size - at);
    if (n <= 0) throw std::runtime_error("vault: gone");
    at += static_cast<std::size_t>(n);
  }
  return out;
}
void send(int fd, BytesView message) {
  ByteWriter head;
  head.u32(static_cast<std::uint32_t>(message.size()));
  write_all(fd, head.take());
  write_all(fd, message);
}
Bytes receive(int fd) {
  const auto head = read_exactly(fd, 4);
  return read_exactly(fd, ByteReader(head).u32().value());
}

// --- In the other process ---

class Vault {
 public:
  Bytes answer(Request request, const std::vector<Bytes>& f) {
    switch (request) {
      case Request::kdf:
        return kdf(f);
      case Request::hmac: {
        Bytes out(EVP_MAX_MD_SIZE);
        std::size_t size = 0;
        const auto key = open(f.at(1));
        if (EVP_Q_mac(nullptr, "HMAC", nullptr, text(f.at(0)).c_str(), nullptr, key.data(), key.size(),
                      f.at(2).data(), f.at(2).size(), out.data(), out.size(), &size) == nullptr)
          throw std::runtime_error("hmac");
        out.resize(size);
        return out;
      }
      case Request::generate: {
        Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"));
        Bytes out = {static_cast<std::uint8_t>(keys_.size())};
        out.resize(33);
        std::size_t size = 32;
        EVP_PKEY_get_raw_public_key(key.get(), out.data() + 1, &size);
        keys_.push_back(std::move(key));
        return out;
      }
      case Request::derive: {
        const Key peer(
            EVP_PKEY_new_raw_public_key_ex(nullptr, "X25519", nullptr, f.at(1).data(), f.at(1).size()));
        const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> ctx(
            EVP_PKEY_CTX_new_from_pkey(nullptr, keys_.at(f.at(0).at(0)).get(), nullptr));
        Bytes out(32);
        std::size_t size = out.size();
        if (EVP_PKEY_derive_init(ctx.get()) != 1 || EVP_PKEY_derive_set_peer(ctx.get(), peer.get()) != 1 ||
            EVP_PKEY_derive(ctx.get(), out.data(), &size) != 1)
          throw std::runtime_error("derive");
        ++exchanges_;
        return keep(std::move(out));
      }
      case Request::random: {
        Bytes out(ByteReader(f.at(0)).u32().value());
        RAND_bytes(out.data(), static_cast<int>(out.size()));
        random_.push_back(out);
        return out;
      }
      case Request::load_psk:
        return keep(read_file(text(f.at(0)), 64).value());
      case Request::gave_random:
        return {static_cast<std::uint8_t>(
            std::find(random_.begin(), random_.end(), f.at(0)) != random_.end() ? 1 : 0)};
      case Request::count_exchanges:
        return {exchanges_};
    }
    throw std::runtime_error("unknown request");
  }

 private:
  using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
  static std::string text(const Bytes& bytes) { return std::string(as_text(bytes)); }

  Bytes keep(Bytes secret) {
    ByteWriter out;
    out.raw(kMark);
    out.u64(next_);
    auto handle = out.take();
    handle.resize(std::max(handle.size(), secret.size()));
    secrets_[next_++] = std::move(secret);
    return handle;
  }

  // Puts the secrets in where handles are: also in the middle, where RFC 4279 joins PSK and ECDHE secret.
  Bytes open(Bytes bytes) const {
    for (auto at = bytes.begin();
         (at = std::search(at, bytes.end(), std::begin(kMark), std::end(kMark))) != bytes.end();) {
      const auto offset = static_cast<std::size_t>(at - bytes.begin());
      const auto number = ByteReader(BytesView(bytes).subspan(offset + sizeof kMark)).u64().value();
      const auto& secret = secrets_.at(number);
      if (bytes.size() - offset < secret.size()) throw std::runtime_error("a handle that was cut");
      at = std::copy(secret.begin(), secret.end(), at);
    }
    return bytes;
  }

  Bytes kdf(const std::vector<Bytes>& f) const {
    const Owned<EVP_KDF, EVP_KDF_free> algorithm(EVP_KDF_fetch(nullptr, text(f.at(0)).c_str(), nullptr));
    const Owned<EVP_KDF_CTX, EVP_KDF_CTX_free> ctx(EVP_KDF_CTX_new(algorithm.get()));
    int mode = f.at(2).at(0);
    std::string digest = text(f.at(1));
    std::vector<Bytes> values;
    for (std::size_t i = 5; i < f.size(); ++i) values.push_back(open(f[i]));
    std::vector<OSSL_PARAM> params = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0)};
    const bool tls13 = text(f.at(0)) == "TLS13-KDF";
    const char* names[] = {tls13 ? OSSL_KDF_PARAM_KEY : OSSL_KDF_PARAM_SECRET,
                           OSSL_KDF_PARAM_SALT,
                           OSSL_KDF_PARAM_PREFIX,
                           OSSL_KDF_PARAM_LABEL,
                           OSSL_KDF_PARAM_DATA,
                           OSSL_KDF_PARAM_SEED};
    if (tls13) params.push_back(OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode));
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!values[i].empty())
        params.push_back(OSSL_PARAM_construct_octet_string(names[i], values[i].data(), values[i].size()));
    }
    params.push_back(OSSL_PARAM_construct_end());
    Bytes out(ByteReader(f.at(3)).u32().value());
    if (EVP_KDF_derive(ctx.get(), out.data(), out.size(), params.data()) != 1)
      throw std::runtime_error("kdf");
    return f.at(4).at(0) != 0 ? const_cast<Vault*>(this)->keep(std::move(out)) : out;
  }

  std::map<std::uint64_t, Bytes> secrets_;
  std::uint64_t next_ = 1;
  std::vector<Key> keys_;
  std::vector<Bytes> random_;
  std::uint8_t exchanges_ = 0;
};

[[noreturn]] void serve(int fd) {
  Vault vault;
  try {
    for (;;) {
      const auto message = receive(fd);
      ByteReader in(message);
      const auto request = static_cast<Request>(in.u8().value());
      std::vector<Bytes> fields;
      while (!in.at_end()) fields.push_back(to_bytes(in.take(in.u32().value()).value()));
      send(fd, vault.answer(request, fields));
    }
  } catch (const std::exception&) {
    ::_exit(0);
  }
}
}  // namespace

void start_vault() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("socketpair");
  if (::fork() == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(ends[0]);
    serve(ends[1]);
  }
  ::close(ends[1]);
  vault_socket = ends[0];
}

Bytes ask_vault(Request request, std::initializer_list<BytesView> fields) {
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(request));
  for (const auto field : fields) {
    out.u32(static_cast<std::uint32_t>(field.size()));
    out.raw(field);
  }
  ++requests;
  send(vault_socket, out.take());
  return receive(vault_socket);
}

int requests_so_far() {
  return requests;
}

bool is_handle(BytesView bytes) {
  return bytes.size() >= kSmallest && equal(bytes.first(sizeof kMark), kMark);
}

}  // namespace camvault::tls_secrets
