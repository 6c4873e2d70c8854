// Signatures through keystored's socket, by each kind of backend, beside the same module called directly: in
// one run and in turns, so that the ratios mean something on a busy machine. P-256 over a SHA-256 digest and
// RSA-2048 with PKCS#1 v1.5; one client that waits for each answer, and eight. Directly means: in this
// process, with the key loaded and logged in, as many callers as the module takes at once (a TPM and a secure
// element take one).
//
//   bench_backends [SECONDS for each measurement, default 2] [BACKEND]
#include <dlfcn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <p11-kit/pkcs11.h>
#include <signal.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_tcti_swtpm.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>

#include "camvault/base/owned.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/keystore_se05x/applet.h"
#include "camvault/keystore_se05x/key_file.h"
#include "camvault/test_support/soft_element.h"
#include "camvault/test_support/soft_token.h"
#include "camvault/test_support/soft_tpm.h"
#include "daemon.h"
#include "measure.h"

namespace {

using namespace camvault;
using keystore::KeyType;

constexpr int kRounds = 4;
constexpr std::size_t kClients = 8;

using bench::give_up;

crypto::Digest some_digest() {
  crypto::Digest digest;
  digest.size = 32;
  digest.bytes[0] = 1;
  return digest;
}

using Sign = std::function<void()>;

struct Series {
  std::vector<double> seconds;
  double total = 0;
  double rate() const { return static_cast<double>(seconds.size()) / total; }
  double micros(double p) const { return bench::percentile(seconds, p) * 1e6; }
};

// All callers at once, each on a thread of its own, each waiting for its answer.
void measure(Series& out, const std::vector<Sign>& callers, double length) {
  std::vector<std::vector<double>> each(callers.size());
  std::vector<std::thread> threads;
  const auto begin = bench::wall_seconds();
  for (std::size_t i = 0; i < callers.size(); ++i) {
    threads.emplace_back([&, i] {
      for (auto before = begin; before < begin + length;) {
        callers[i]();
        const auto now = bench::wall_seconds();
        each[i].push_back(now - before);
        before = now;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  out.total += bench::wall_seconds() - begin;
  for (const auto& one : each) out.seconds.insert(out.seconds.end(), one.begin(), one.end());
}

// A module called directly: as many callers as asked for, or as it takes.
using Direct = std::function<std::vector<Sign>(bool rsa, std::size_t callers)>;

std::vector<Sign> clients(const bench::Daemon& daemon, bool rsa, bool by_message) {
  using crypto::SignatureScheme;
  const auto type = rsa ? KeyType::rsa_2048 : KeyType::ec_p256;
  const keystore::KeyUse use{keystore::KeyName::parse(rsa ? "bench/rsa" : "bench/ec").value(),
                             keystore::Purpose::tls};
  const auto manager = daemon.connect();
  if (const auto made = manager->generate(use.key, type, keystore::default_policy(type, use.purpose)); !made)
    give_up(made.error().what);
  const auto scheme = rsa ? SignatureScheme::rsa_pkcs1v15 : SignatureScheme::ecdsa;
  std::vector<Sign> out;
  for (std::size_t i = 0; i < kClients; ++i) {
    out.push_back([=, keystore = daemon.connect()] {
      const auto made =
          by_message ? keystore->sign_message(use, scheme, some_digest().view(), crypto::HashAlg::sha256)
                     : keystore->sign_digest(use, scheme, some_digest(), crypto::HashAlg::sha256);
      if (!made) give_up(made.error().what);
    });
  }
  return out;
}

// The ratio of medians, too, where one waits for the other: on a busy machine rates say who got a processor.
void print(const char* name, const std::string& what, bool one_client, const Series& ours,
           const Series& direct) {
  std::printf("%-9s %-19s %8.0f /s %8.0f %9.0f us | %8.0f /s %8.0f %9.0f us | %5.2f", name, what.c_str(),
              ours.rate(), ours.micros(0.5), ours.micros(0.99), direct.rate(), direct.micros(0.5),
              direct.micros(0.99), ours.rate() / direct.rate());
  if (one_client) std::printf("  %5.2f", direct.micros(0.5) / ours.micros(0.5));
  std::printf("\n");
  std::fflush(stdout);
}

void compare(const char* name, const std::string& lines, const Direct& direct, bool rsa_by_message,
             double length) {
  const bench::Daemon daemon(lines);
  for (const bool rsa : {false, true}) {
    const auto ours = clients(daemon, rsa, rsa && rsa_by_message);
    for (const std::size_t count : {std::size_t{1}, kClients}) {
      const auto others = direct(rsa, count);
      Series a;
      Series b;
      for (int round = 0; round < kRounds; ++round) {
        measure(a, {ours.begin(), ours.begin() + static_cast<std::ptrdiff_t>(count)}, length / kRounds);
        measure(b, others, length / kRounds);
      }
      const auto what = std::string(rsa ? "RSA-2048" : "P-256") + (count == 1 ? ", 1 client" : ", 8 clients");
      print(name, what, count == 1, a, b);
    }
  }
}

// OpenSSL in this process.
std::vector<Sign> with_openssl(bool rsa, std::size_t callers) {
  const std::shared_ptr<EVP_PKEY> key(
      rsa ? EVP_RSA_gen(2048) : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "prime256v1"), EVP_PKEY_free);
  if (key == nullptr) give_up("no key");
  const Sign sign = [key] {
    const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(
        EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
    const auto digest = some_digest();
    std::uint8_t signature[256];
    std::size_t size = sizeof signature;
    if (EVP_PKEY_sign_init(context.get()) != 1 ||
        EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) != 1 ||
        EVP_PKEY_sign(context.get(), signature, &size, digest.bytes.data(), digest.size) != 1)
      give_up("no signature of OpenSSL");
  };
  return std::vector<Sign>(callers, sign);
}

// The functions of SoftHSM, with a token of its own: a session for each caller, one login.
class DirectToken {
 public:
  explicit DirectToken(const test_support::SoftToken& token) {
    ::setenv("SOFTHSM2_CONF", (token.folder() / "softhsm2.conf").c_str(), 1);
    void* library = ::dlopen(test_support::SoftToken::kModule, RTLD_NOW);
    const auto get = reinterpret_cast<CK_RV (*)(CK_FUNCTION_LIST**)>(::dlsym(library, "C_GetFunctionList"));
    CK_C_INITIALIZE_ARGS threads{};
    threads.flags = CKF_OS_LOCKING_OK;
    CK_SLOT_ID slots[8];
    CK_ULONG count = 8;
    const auto pin = read_file(token.pin_file(), 64).value();
    if (get == nullptr || get(&f_) != CKR_OK || f_->C_Initialize(&threads) != CKR_OK ||
        f_->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
      give_up("no token");
    slot_ = slots[0];
    session_ = open();
    if (f_->C_Login(session_, CKU_USER, const_cast<CK_BYTE*>(pin.data()), pin.size() - 1) != CKR_OK)
      give_up("no login");
  }
  std::vector<Sign> signers(bool rsa, std::size_t callers) {
    const auto key = make(rsa);
    // What CKM_RSA_PKCS pads is a DigestInfo of 51 bytes.
    const Bytes input(rsa ? 51 : 32, 1);
    std::vector<Sign> out;
    for (std::size_t i = 0; i < callers; ++i) {
      out.push_back([this, session = open(), key, rsa, input = Bytes(input)]() mutable {
        CK_MECHANISM how{};
        how.mechanism = rsa ? CKM_RSA_PKCS : CKM_ECDSA;
        CK_BYTE signature[512];
        CK_ULONG size = sizeof signature;
        if (f_->C_SignInit(session, &how, key) != CKR_OK ||
            f_->C_Sign(session, input.data(), input.size(), signature, &size) != CKR_OK)
          give_up("no signature of the token");
      });
    }
    return out;
  }

 private:
  CK_SESSION_HANDLE open() {
    CK_SESSION_HANDLE session = 0;
    if (f_->C_OpenSession(slot_, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &session) != CKR_OK)
      give_up("no session");
    return session;
  }
  CK_OBJECT_HANDLE make(bool rsa) {
    CK_BYTE curve[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_ULONG bits = 2048;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE public_half[] = {{CKA_EC_PARAMS, curve, sizeof curve}, {CKA_TOKEN, &yes, sizeof yes}};
    CK_ATTRIBUTE private_half[] = {{CKA_SIGN, &yes, sizeof yes}, {CKA_TOKEN, &yes, sizeof yes}};
    if (rsa) public_half[0] = {CKA_MODULUS_BITS, &bits, sizeof bits};
    CK_MECHANISM how{};
    how.mechanism = rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN;
    CK_OBJECT_HANDLE public_key = 0;
    CK_OBJECT_HANDLE key = 0;
    if (f_->C_GenerateKeyPair(session_, &how, public_half, 2, private_half, 2, &public_key, &key) != CKR_OK)
      give_up("no key in the token");
    return key;
  }

  CK_FUNCTION_LIST* f_ = nullptr;
  CK_SLOT_ID slot_ = 0;
  CK_SESSION_HANDLE session_ = 0;
};

// A primary signing key without a password, on a TPM of its own: what is least for ESYS to do.
class DirectTpm {
 public:
  explicit DirectTpm(const std::string& socket) {
    const auto configuration = "path=" + socket;
    std::size_t size = 0;
    if (Tss2_Tcti_Swtpm_Init(nullptr, &size, configuration.c_str()) != TSS2_RC_SUCCESS) give_up("no TCTI");
    memory_.resize(size);
    auto* tcti = reinterpret_cast<TSS2_TCTI_CONTEXT*>(memory_.data());
    if (Tss2_Tcti_Swtpm_Init(tcti, &size, configuration.c_str()) != TSS2_RC_SUCCESS ||
        Esys_Initialize(&esys_, tcti, nullptr) != TSS2_RC_SUCCESS) {
      give_up("no TPM");
    }
  }
  ~DirectTpm() { Esys_Finalize(&esys_); }
  DirectTpm(const DirectTpm&) = delete;
  DirectTpm& operator=(const DirectTpm&) = delete;

  Sign signer(bool rsa) {
    auto& handle = handles_[rsa ? 1 : 0];
    if (handle == ESYS_TR_NONE) handle = make(rsa);
    return [this, handle, rsa] { sign(handle, rsa); };
  }

 private:
  ESYS_TR make(bool rsa) {
    TPM2B_PUBLIC area{};
    auto& key = area.publicArea;
    key.type = rsa ? TPM2_ALG_RSA : TPM2_ALG_ECC;
    key.nameAlg = TPM2_ALG_SHA256;
    key.objectAttributes = TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_FIXEDTPM |
                           TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN;
    if (rsa) {
      key.parameters.rsaDetail.symmetric.algorithm = TPM2_ALG_NULL;
      key.parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
      key.parameters.rsaDetail.keyBits = 2048;
    } else {
      key.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
      key.parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
      key.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
      key.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
    }
    const TPM2B_SENSITIVE_CREATE sensitive{};
    const TPM2B_DATA outside{};
    const TPML_PCR_SELECTION pcrs{};
    ESYS_TR handle = ESYS_TR_NONE;
    if (Esys_CreatePrimary(esys_, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
                           &area, &outside, &pcrs, &handle, nullptr, nullptr, nullptr,
                           nullptr) != TSS2_RC_SUCCESS) {
      give_up("no TPM key");
    }
    return handle;
  }
  void sign(ESYS_TR handle, bool rsa) {
    TPM2B_DIGEST digest{};
    digest.size = 32;
    TPMT_SIG_SCHEME scheme{};
    scheme.scheme = rsa ? TPM2_ALG_RSASSA : TPM2_ALG_ECDSA;
    scheme.details.any.hashAlg = TPM2_ALG_SHA256;
    TPMT_TK_HASHCHECK ticket{};
    ticket.tag = TPM2_ST_HASHCHECK;
    ticket.hierarchy = TPM2_RH_NULL;
    TPMT_SIGNATURE* signature = nullptr;
    if (Esys_Sign(esys_, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &digest, &scheme, &ticket,
                  &signature) != TSS2_RC_SUCCESS)
      give_up("no signature of the TPM");
    Esys_Free(signature);
  }

  Bytes memory_;
  ESYS_CONTEXT* esys_ = nullptr;
  ESYS_TR handles_[2] = {ESYS_TR_NONE, ESYS_TR_NONE};  // P-256, RSA-2048
};

// Our own library on a simulator of its own: the same frames and the same secure channel, without daemon and
// backend.
class DirectElement {
 public:
  explicit DirectElement(const test_support::SoftElement& element)
      : element_({.open_bus = [bus = element.bus()] { return keystore_se05x::open_bus(bus); },
                  .platform_keys = keystore_se05x::read_key_file(element.key_file()).value(),
                  .random = [this](std::span<std::uint8_t> room) { engine_->random(room); }}) {}
  Sign signer(bool rsa) {
    const keystore_se05x::ObjectId id = next_++;
    const auto made =
        rsa ? applet_.generate_rsa(id, 2048, {}) : applet_.generate_ec(id, keystore_se05x::Curve::p256, {});
    if (!made) give_up(made.error().what);
    return [this, id, rsa] {
      const auto digest = some_digest();
      const auto signature = rsa ? applet_.sign_rsa(id, keystore_se05x::RsaAlg::pkcs1_sha256, digest.view())
                                 : applet_.sign_ecdsa(id, keystore_se05x::EcdsaAlg::sha256, digest.view());
      if (!signature) give_up(signature.error().what);
    };
  }

 private:
  std::unique_ptr<crypto::Engine> engine_ = crypto_openssl::make_openssl_engine();
  keystore_se05x::Element element_;
  keystore_se05x::Applet applet_{element_};
  keystore_se05x::ObjectId next_ = 0x20000001;
};

std::string token_lines(const test_support::SoftToken& token) {
  return "[[backend]]\ntype = \"pkcs11\"\nmodule = \"" + std::string(token.kModule) + "\"\nuri = \"" +
         token.uri() + "\"\npin_file = \"" + token.pin_file().string() + "\"\nenvironment = \"" +
         token.configuration() + "\"\nreads = \"" + (token.folder() / "softhsm2.conf").string() +
         "\"\nwrites = \"" + (token.folder() / "tokens").string() + "\"\n";
}

void run_software(double length) {
  compare("software", "", with_openssl, false, length);
}

void run_pkcs11(double length) {
  if (!test_support::SoftToken::is_installed()) return void(std::printf("pkcs11: no softhsm2 here\n"));
  const test_support::TemporaryFolder folder;
  const test_support::TemporaryFolder other;
  const test_support::SoftToken token(folder.path());
  const test_support::SoftToken second(other.path());
  DirectToken direct(second);
  compare(
      "pkcs11", token_lines(token),
      [&](bool rsa, std::size_t callers) { return direct.signers(rsa, callers); }, false, length);
}

void run_tpm2(double length) {
  if (!test_support::SoftTpm::is_installed()) return void(std::printf("tpm2: no swtpm here\n"));
  const test_support::TemporaryFolder folder;
  const test_support::TemporaryFolder other;
  const test_support::SoftTpm tpm(folder.path());
  const test_support::SoftTpm second(other.path());
  DirectTpm direct(second.socket().string());
  compare(
      "tpm2", "[[backend]]\ntype = \"tpm2\"\ntcti = \"" + tpm.tcti() + "\"\n",
      [&](bool rsa, std::size_t) { return std::vector<Sign>{direct.signer(rsa)}; }, false, length);
}

void run_se05x(double length) {
  const test_support::TemporaryFolder folder;
  const test_support::TemporaryFolder other;
  const test_support::SoftElement element(SE05X_SIM_BINARY, folder.path());
  const test_support::SoftElement second(SE05X_SIM_BINARY, other.path());
  DirectElement direct(second);
  compare(
      "se05x",
      "[[backend]]\ntype = \"se05x\"\nbus = \"" + element.bus() + "\"\nscp03_keys = \"" +
          element.key_file().string() + "\"\n",
      [&](bool rsa, std::size_t) { return std::vector<Sign>{direct.signer(rsa)}; }, true, length);
}

}  // namespace

int main(int argc, char* argv[]) {
  const double length = argc > 1 ? std::atof(argv[1]) : 2;
  if (!(length > 0)) give_up("SECONDS is a number above 0");
  ::signal(SIGPIPE, SIG_IGN);
  std::printf("%-29s %37s | %37s | ratio  of p50\n", "", "keystored: rate, p50, p99",
              "directly: rate, p50, p99");
  const std::pair<const char*, void (*)(double)> all[] = {
      {"software", run_software}, {"pkcs11", run_pkcs11}, {"tpm2", run_tpm2}, {"se05x", run_se05x}};
  for (const auto& [name, run] : all) {
    if (argc < 3 || std::strcmp(argv[2], name) == 0) run(length);
  }
  return 0;
}
