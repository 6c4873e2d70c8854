// Signatures a second through libcamvault-pkcs11.so, beside SoftHSM2 through p11-kit's remoting: both are a
// token behind a Unix socket, asked by the same program in the same run, in turns. SoftHSM2 loaded directly
// stands there to compare.
//
//   bench_pkcs11 [SECONDS for each measurement, default 2]
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include <cstring>

#include "camvault/test_support/soft_token.h"
#include "daemon.h"
#include "measure.h"

namespace {

using namespace camvault;
using bench::give_up;

constexpr int kRounds = 4;

class Token {
 public:
  // Through the module at `path`; keys are made in it if `pin` is given, else they are there.
  Token(const char* path, const std::string& label, const char* pin) {
    void* library = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) give_up(::dlerror());
    reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"))(&p11_);
    if (p11_->C_Initialize(nullptr) != CKR_OK) give_up(std::string("C_Initialize of ") + path);
    CK_SLOT_ID slots[16];
    CK_ULONG count = std::size(slots);
    if (p11_->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK) give_up("no slots");
    for (CK_ULONG i = 0; i < count; ++i) {
      CK_TOKEN_INFO info{};
      p11_->C_GetTokenInfo(slots[i], &info);
      if (std::string(reinterpret_cast<char*>(info.label), label.size()) != label) continue;
      if (p11_->C_OpenSession(slots[i], CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &session_) !=
          CKR_OK)
        give_up("no session");
    }
    if (session_ == 0) give_up("no token " + label);
    if (pin != nullptr) {
      if (const auto rv = p11_->C_Login(
              session_, CKU_USER, reinterpret_cast<unsigned char*>(const_cast<char*>(pin)), std::strlen(pin));
          rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
        give_up("login");
    }
  }

  void make_ec(const std::string& name) {
    static CK_BYTE curve[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_ATTRIBUTE parameters{CKA_EC_PARAMS, curve, sizeof curve};
    make({CKM_EC_KEY_PAIR_GEN, nullptr, 0}, {parameters}, name);
  }
  void make_rsa(const std::string& name) {
    static CK_ULONG bits = 2048;
    static CK_BYTE exponent[] = {1, 0, 1};
    make({CKM_RSA_PKCS_KEY_PAIR_GEN, nullptr, 0},
         {{CKA_MODULUS_BITS, &bits, sizeof bits}, {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent}}, name);
  }
  CK_OBJECT_HANDLE find(std::string name) {
    CK_OBJECT_CLASS object_class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &object_class, sizeof object_class},
                             {CKA_LABEL, name.data(), name.size()}};
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG found = 0;
    if (p11_->C_FindObjectsInit(session_, wanted, 2) != CKR_OK ||
        p11_->C_FindObjects(session_, &key, 1, &found) != CKR_OK || found != 1)
      give_up("no key " + name);
    p11_->C_FindObjectsFinal(session_);
    return key;
  }
  void sign(CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE type, Bytes& data) {
    CK_MECHANISM mechanism{type, nullptr, 0};
    CK_BYTE signature[512];
    CK_ULONG size = sizeof signature;
    if (p11_->C_SignInit(session_, &mechanism, key) != CKR_OK ||
        p11_->C_Sign(session_, data.data(), data.size(), signature, &size) != CKR_OK)
      give_up("cannot sign");
  }

 private:
  void make(CK_MECHANISM mechanism, std::vector<CK_ATTRIBUTE> public_part, std::string name) {
    static CK_BBOOL yes = CK_TRUE;
    const std::vector<CK_ATTRIBUTE> common = {{CKA_TOKEN, &yes, 1}, {CKA_LABEL, name.data(), name.size()}};
    public_part.insert(public_part.end(), common.begin(), common.end());
    auto private_part = common;
    private_part.push_back({CKA_SIGN, &yes, 1});
    CK_OBJECT_HANDLE public_key = 0;
    CK_OBJECT_HANDLE private_key = 0;
    if (const auto rv =
            p11_->C_GenerateKeyPair(session_, &mechanism, public_part.data(), public_part.size(),
                                    private_part.data(), private_part.size(), &public_key, &private_key);
        rv != CKR_OK)
      give_up("key generation: " + std::to_string(rv));
  }

  CK_FUNCTION_LIST* p11_ = nullptr;
  CK_SESSION_HANDLE session_ = 0;
};

struct Row {
  const char* name;
  Token* token;
  CK_OBJECT_HANDLE key = 0;
  std::vector<double> micros = {};
  double seconds = 0;

  double per_second() const { return static_cast<double>(micros.size()) / seconds; }
};

void measure(Row& row, double seconds, CK_MECHANISM_TYPE type, Bytes& data) {
  const auto begin = bench::wall_seconds();
  auto before = begin;
  while (before < begin + seconds) {
    row.token->sign(row.key, type, data);
    const auto now = bench::wall_seconds();
    row.micros.push_back((now - before) * 1e6);
    before = now;
  }
  row.seconds += before - begin;
}

bool compare(const char* title, std::vector<Row> rows, double seconds, CK_MECHANISM_TYPE type, Bytes data) {
  for (int round = 0; round < kRounds; ++round) {
    for (auto& row : rows) measure(row, seconds, type, data);
  }
  std::printf("%-44s %9s %9s %9s\n", title, "sign/s", "p50 us", "p99 us");
  for (const auto& row : rows)
    std::printf("%-44s %9.0f %9.1f %9.1f\n", row.name, row.per_second(), bench::median(row.micros),
                bench::percentile(row.micros, 0.99));
  const bool faster = rows[0].per_second() > rows[1].per_second();
  std::printf("target (faster than SoftHSM2 behind p11-kit): %s, x %.2f\n\n", faster ? "met" : "MISSED",
              rows[0].per_second() / rows[1].per_second());
  return faster;
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = (argc > 1 ? std::atof(argv[1]) : 2.0) / kRounds;
  if (!(seconds > 0)) give_up("SECONDS is a number above 0");
  if (!test_support::RemoteToken::is_installed())
    give_up("softhsm2, p11-kit or p11-kit-modules is not installed");
  const bench::Daemon daemon;
  const auto keystore = daemon.connect();
  for (const auto type : {keystore::KeyType::ec_p256, keystore::KeyType::rsa_2048}) {
    const auto name = keystore::KeyName::make("bench", to_string(type)).value();
    if (!keystore->generate(name, type, keystore::default_policy(type, keystore::Purpose::tls)))
      give_up("no key");
  }
  const test_support::TemporaryFolder folder;
  const test_support::SoftToken soft(folder.path());
  const test_support::RemoteToken remote(soft);
  for (const auto& [name, value] : {std::pair{"CAMVAULT_KEYSTORE_ROOT", daemon.root().string()},
                                    {"SOFTHSM2_CONF", (folder.path() / "softhsm2.conf").string()},
                                    {"P11_KIT_SERVER_ADDRESS", "unix:path=" + remote.socket().string()}})
    ::setenv(name, value.c_str(), 1);
  constexpr const char* kPin = "camera-pin-1";
  Token direct(test_support::SoftToken::kModule, "camera", kPin);
  direct.make_ec("ec");
  direct.make_rsa("rsa");
  Token behind(test_support::RemoteToken::kModule, "camera", kPin);
  Token own(CAMVAULT_PKCS11_MODULE, "Camvault", nullptr);

  const auto rows = [&](const char* camvault_key, const char* soft_key) {
    return std::vector<Row>{{"keystored, libcamvault-pkcs11.so", &own, own.find(camvault_key)},
                            {"SoftHSM2 behind p11-kit's remoting", &behind, behind.find(soft_key)},
                            {"SoftHSM2 in this process", &direct, direct.find(soft_key)}};
  };
  const Bytes digest(32, 7);
  auto info = from_hex("3031300d060960864801650304020105000420").value();
  append(info, digest);
  const bool ec =
      compare("ECDSA P-256, SHA-256 digest", rows("bench/ec-p256", "ec"), seconds, CKM_ECDSA, digest);
  const bool rsa =
      compare("RSA-2048, PKCS#1 v1.5, SHA-256", rows("bench/rsa-2048", "rsa"), seconds, CKM_RSA_PKCS, info);
  return ec && rsa ? 0 : 1;
}
