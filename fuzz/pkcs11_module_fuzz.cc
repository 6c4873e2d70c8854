// The functions of the PKCS#11 module, called by an application that does everything wrong: the input is a
// list of calls with their arguments - lengths, null pointers, templates, mechanisms, handles. Behind the
// module stands a keystore of three keys that answers at once. Laws: codes are codes of PKCS#11, nothing is
// written beyond the room that was given (its end is guarded by the sanitizer), and whatever happened, a new
// session signs.
#include <stdlib.h>

#include <memory>
#include <optional>

#include "camvault/base/byte_reader.h"
#include "function_list.h"
#include "fuzz.h"
#include "process.h"

namespace {

using namespace camvault;
using keystore::KeyInfo;
using keystore::KeyType;

class Stub final : public keystore::Keystore {
 public:
  Result<keystore::ServiceStatus> status() override { return keystore::ServiceStatus{}; }
  Result<std::vector<KeyInfo>> list() override {
    return std::vector<KeyInfo>{info_of("camera/ec", KeyType::ec_p256),
                                info_of("camera/ed", KeyType::ed25519),
                                info_of("camera/rsa", KeyType::rsa_2048)};
  }
  Result<KeyInfo> info(const keystore::KeyName& /*name*/) override { return no(); }
  Result<KeyInfo> generate_in(std::string_view /*backend*/, const keystore::KeyName& /*name*/,
                              KeyType /*type*/, const keystore::KeyPolicy& /*policy*/) override {
    return no();
  }
  Result<KeyInfo> import_key(const keystore::KeyName& /*name*/, KeyType /*type*/,
                             const keystore::KeyPolicy& /*policy*/, const Secret& /*key*/) override {
    return no();
  }
  Status remove(const keystore::KeyName& /*name*/) override { return no(); }
  Result<KeyInfo> move(const keystore::KeyName& /*name*/, std::string_view /*backend*/,
                       keystore::MoveMode /*mode*/) override {
    return no();
  }
  Result<Bytes> public_key(const keystore::KeyName& name) override {
    Bytes out;
    if (name.name() == "ec") {
      out = from_hex("3059301306072a8648ce3d020106082a8648ce3d03010703420004").value();
      out.resize(out.size() + 64, 1);
    } else if (name.name() == "ed") {
      out = from_hex("302a300506032b6570032100").value();
      out.resize(out.size() + 32, 1);
    } else {
      out = from_hex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100").value();
      out.resize(out.size() + 256, 0x91);
      append(out, from_hex("0203010001").value());
    }
    return out;
  }
  Result<Bytes> sign_digest(const keystore::KeyUse& use, crypto::SignatureScheme /*scheme*/,
                            const crypto::Digest& digest, crypto::HashAlg hash) override {
    law(digest.size == crypto::digest_size(hash), "a digest has its hash's size");
    return signature(use);
  }
  Result<Bytes> sign_message(const keystore::KeyUse& use, crypto::SignatureScheme /*scheme*/,
                             BytesView message, crypto::HashAlg /*hash*/) override {
    law(message.size() <= keystore::kMaxMessage, "a message fits");
    return signature(use);
  }
  Result<Bytes> random(std::size_t count) override { return Bytes(count, 4); }
  Result<Bytes> encrypt(const keystore::KeyUse& /*use*/, BytesView /*plaintext*/,
                        BytesView /*additional*/) override {
    return no();
  }
  Result<Secret> decrypt(const keystore::KeyUse& /*use*/, BytesView /*sealed*/,
                         BytesView /*additional*/) override {
    return no();
  }
  Result<Bytes> mac(const keystore::KeyUse& /*use*/, BytesView /*message*/) override { return no(); }
  Result<Bytes> attest(const keystore::KeyName& /*key*/, const keystore::KeyName& /*attester*/,
                       BytesView /*nonce*/) override {
    return no();
  }
  Result<Bytes> certify(const keystore::KeyName& /*key*/, BytesView /*nonce*/) override { return no(); }
  Result<Bytes> attester(const keystore::KeyName& /*key*/) override { return no(); }
  Result<Secret> activate(const keystore::KeyName& /*key*/, BytesView /*credential*/) override {
    return no();
  }
  Result<Secret> agree(const keystore::KeyUse& /*use*/, BytesView /*peer*/) override { return no(); }
  Result<bool> compare(const keystore::KeyUse& /*use*/, const Secret& /*candidate*/) override { return no(); }
  Result<Secret> derive(const keystore::KeyUse& /*use*/, const keystore::Derivation& /*how*/) override {
    return no();
  }
  Result<std::uint64_t> read_counter(const keystore::KeyName& /*name*/) override { return no(); }
  Result<std::uint64_t> increment_counter(const keystore::KeyName& /*name*/) override { return no(); }
  Result<Bytes> seal(const keystore::KeyName& /*label*/, const Secret& /*plain*/,
                     std::string_view /*backend*/) override {
    return no();
  }
  Result<Secret> unseal(const keystore::KeyName& /*label*/, BytesView /*sealed*/) override { return no(); }
  Result<Bytes> backup(const keystore::KeyName& /*name*/) override { return no(); }
  Result<KeyInfo> restore(const keystore::KeyName& /*name*/, KeyType /*type*/,
                          const keystore::KeyPolicy& /*policy*/, const Secret& /*key*/) override {
    return no();
  }
  Result<std::shared_ptr<keystore::TlsSecrets>> tls_secrets() override {
    return fail(Errc::unsupported, "none");
  }
  Result<std::shared_ptr<crypto::SigningKey>> signing_key(const keystore::KeyUse& /*use*/) override {
    return no();
  }

 private:
  static tl::unexpected<Error> no() { return fail(Errc::unsupported, "not in this test"); }
  static KeyInfo info_of(std::string_view name, KeyType type) {
    return {
        keystore::KeyName::parse(name).value(), type, keystore::default_policy(type, keystore::Purpose::tls),
        keystore::Origin::generated_inside,     {},   "software"};
  }
  static Bytes signature(const keystore::KeyUse& use) {
    if (use.key.name() == "ec") return from_hex("3006020101020102").value();
    return Bytes(use.key.name() == "ed" ? 64 : 256, 5);
  }
};

const CK_FUNCTION_LIST& module() {
  static const CK_FUNCTION_LIST& list = [&]() -> const CK_FUNCTION_LIST& {
    ::setenv("CAMVAULT_KEYSTORE_ROOT", "/nonexistent", 1);  // no file of this machine takes part
    pkcs11_module::connect_with(
        []() -> Result<std::shared_ptr<keystore::Keystore>> { return std::make_shared<Stub>(); });
    return pkcs11_module::function_list();
  }();
  return list;
}

// The arguments of the calls, as long as there are bytes; zeros after that.
class Arguments {
 public:
  explicit Arguments(BytesView input) : in_(input) {}
  bool at_end() const { return in_.at_end(); }
  std::uint8_t byte() { return in_.u8().value_or(0); }
  // Mostly small numbers, now and then absurd ones.
  CK_ULONG number() {
    const auto kind = byte();
    if (kind < 0xe0) return kind;
    if (kind < 0xf8) return CK_ULONG{in_.u16().value_or(0)};
    return kind == 0xff ? ~CK_ULONG{0} : in_.u64().value_or(~std::uint64_t{0});
  }
  // Memory that ends where it ends; null for nothing.
  struct Memory {
    std::unique_ptr<std::uint8_t[]> bytes;
    CK_ULONG size = 0;
    CK_BYTE_PTR get() const { return bytes.get(); }
  };
  Memory memory() {
    const auto size = byte();
    if (size == 0xff) return {};
    return filled(size == 0xfe ? std::size_t{in_.u16().value_or(0)} : size);
  }
  Memory filled(std::size_t size) {
    Memory out{std::make_unique<std::uint8_t[]>(size), size};
    const auto content = in_.take(std::min(size, in_.remaining()));
    if (content) std::copy(content->begin(), content->end(), out.bytes.get());
    return out;
  }
  // The true size, or sometimes none; never one that is larger than the memory: that would be a lie nobody
  // can see.
  CK_ULONG size_of(const Memory& memory) { return memory.get() == nullptr ? number() : memory.size; }
  CK_MECHANISM_TYPE mechanism() {
    static constexpr CK_MECHANISM_TYPE kTypes[] = {
        CKM_ECDSA,        CKM_ECDSA_SHA256,        CKM_RSA_PKCS, CKM_SHA256_RSA_PKCS,
        CKM_RSA_PKCS_PSS, CKM_SHA384_RSA_PKCS_PSS, CKM_EDDSA,    CKM_RSA_X_509};
    return kTypes[byte() % std::size(kTypes)];
  }
  CK_ATTRIBUTE_TYPE attribute() {
    static constexpr CK_ATTRIBUTE_TYPE kTypes[] = {
        CKA_CLASS, CKA_LABEL,   CKA_ID,       CKA_KEY_TYPE,         CKA_SIGN,
        CKA_VALUE, CKA_MODULUS, CKA_EC_POINT, CKA_PRIVATE_EXPONENT, CKA_TOKEN};
    const auto index = byte();
    return index < 0xf0 ? kTypes[index % std::size(kTypes)] : number();
  }

 private:
  ByteReader in_;
};

#ifdef CAMVAULT_PLANTED_BUG
// Planted: a value of a template read as a number, without a look at its length.
std::uint64_t planted_class_of(const CK_ATTRIBUTE* attributes, CK_ULONG count) {
  for (CK_ULONG i = 0; i < count; ++i) {
    if (attributes[i].type == CKA_CLASS && attributes[i].pValue != nullptr) {
      std::uint64_t value = 0;
      for (int n = 0; n < 8; ++n)
        value |= std::uint64_t{static_cast<const std::uint8_t*>(attributes[i].pValue)[n]} << (8 * n);
      return value;
    }
  }
  return 0;
}
#endif

struct Attributes {
  std::vector<Arguments::Memory> memory;
  std::vector<CK_ATTRIBUTE> list;
};

Attributes attributes_of(Arguments& a) {
  Attributes out;
  for (auto count = a.byte() % 9; count > 0; --count) {
    const auto type = a.attribute();
    out.memory.push_back(a.memory());
    out.list.push_back({type, out.memory.back().get(), a.size_of(out.memory.back())});
  }
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_class_of(out.list.data(), out.list.size()));
#endif
  return out;
}

CK_RV search_or_read(const CK_FUNCTION_LIST& p11, Arguments& a, std::uint8_t call,
                     CK_SESSION_HANDLE session) {
  if (call == 0) {
    auto wanted = attributes_of(a);
    return p11.C_FindObjectsInit(session, wanted.list.data(),
                                 a.byte() == 0 ? a.number() % 2 : wanted.list.size());
  }
  if (call == 1) {
    std::vector<CK_OBJECT_HANDLE> found(a.byte() % 12);
    CK_ULONG count = 0;
    const auto rv = p11.C_FindObjects(session, found.data(), found.size(), a.byte() == 0 ? nullptr : &count);
    law(rv != CKR_OK || count <= found.size(), "no more objects than asked for");
    return rv;
  }
  auto asked = attributes_of(a);
  const auto before = asked.list;
  const auto rv = p11.C_GetAttributeValue(session, a.number(), asked.list.data(), asked.list.size());
  for (std::size_t i = 0; rv == CKR_OK && i < before.size(); ++i)
    law(before[i].pValue == nullptr || asked.list[i].ulValueLen <= before[i].ulValueLen,
        "no attribute is longer than its room");
  return rv;
}

CK_RV sign_somehow(const CK_FUNCTION_LIST& p11, Arguments& a, std::uint8_t call, CK_SESSION_HANDLE session) {
  if (call == 3) {
    const auto parameter = a.memory();
    CK_MECHANISM mechanism{a.mechanism(), parameter.get(), a.size_of(parameter)};
    return p11.C_SignInit(session, a.byte() == 0 ? nullptr : &mechanism, a.number());
  }
  const auto data = call == 6 ? Arguments::Memory{} : a.memory();
  if (call == 5) return p11.C_SignUpdate(session, data.get(), data.get() == nullptr ? a.number() : data.size);
  const auto out = a.memory();
  CK_ULONG room = out.size;
  CK_ULONG* size = a.byte() == 0 ? nullptr : &room;
  const auto rv = call == 4 ? p11.C_Sign(session, data.get(), data.get() == nullptr ? a.number() : data.size,
                                         out.get(), size)
                            : p11.C_SignFinal(session, out.get(), size);
  law(rv != CKR_OK || out.get() == nullptr || room <= out.size, "a signature fits its room");
  return rv;
}

CK_RV other_call(const CK_FUNCTION_LIST& p11, Arguments& a, std::uint8_t call, CK_SESSION_HANDLE& session) {
  switch (call) {
    case 7:
      return p11.C_FindObjectsFinal(session);
    case 8:
      return p11.C_OpenSession(a.number(), a.number(), nullptr, nullptr, a.byte() == 0 ? nullptr : &session);
    case 9:
      return p11.C_CloseSession(session);
    case 10: {
      std::vector<CK_MECHANISM_TYPE> types(a.byte() % 32);
      CK_ULONG count = types.size();
      return p11.C_GetMechanismList(a.byte() % 2, types.empty() ? nullptr : types.data(), &count);
    }
    case 11: {
      const auto out = a.memory();
      return p11.C_GenerateRandom(session, out.get(), a.size_of(out));
    }
    case 12: {
      CK_SESSION_INFO info{};
      return p11.C_GetSessionInfo(session, a.byte() == 0 ? nullptr : &info);
    }
    case 13: {
      auto wanted = attributes_of(a);
      CK_OBJECT_HANDLE made = 0;
      return p11.C_CreateObject(session, wanted.list.data(), wanted.list.size(), &made);
    }
    default:
      return p11.C_Login(session, a.number(), nullptr, a.number());
  }
}

void must_still_sign(const CK_FUNCTION_LIST& p11) {
  law(p11.C_CloseAllSessions(0) == CKR_OK, "sessions can be closed");
  CK_SESSION_HANDLE session = 0;
  law(p11.C_OpenSession(0, CKF_SERIAL_SESSION, nullptr, nullptr, &session) == CKR_OK,
      "a session can be opened");
  CK_OBJECT_CLASS wanted = CKO_PRIVATE_KEY;
  CK_ATTRIBUTE attribute{CKA_CLASS, &wanted, sizeof wanted};
  law(p11.C_FindObjectsInit(session, &attribute, 1) == CKR_OK, "a search can begin");
  CK_OBJECT_HANDLE key = 0;
  CK_ULONG count = 0;
  law(p11.C_FindObjects(session, &key, 1, &count) == CKR_OK && count == 1, "a key is found");
  CK_MECHANISM mechanism{CKM_ECDSA, nullptr, 0};
  law(p11.C_SignInit(session, &mechanism, key) == CKR_OK, "it can sign");
  std::uint8_t digest[32] = {};
  std::uint8_t signature[64];
  CK_ULONG size = sizeof signature;
  law(p11.C_Sign(session, digest, sizeof digest, signature, &size) == CKR_OK && size == 64, "and does");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto& p11 = module();
  law(p11.C_Initialize(nullptr) == CKR_OK, "it starts");
  CK_SESSION_HANDLE session = 0;
  law(p11.C_OpenSession(0, CKF_SERIAL_SESSION, nullptr, nullptr, &session) == CKR_OK, "a session");
  Arguments arguments(BytesView(data, size));
  while (!arguments.at_end()) {
    const auto call = static_cast<std::uint8_t>(arguments.byte() % 15);
    const auto used = arguments.byte() == 0xff ? arguments.number() : session;
    auto handle = used;
    const auto rv = call < 3   ? search_or_read(p11, arguments, call, handle)
                    : call < 7 ? sign_somehow(p11, arguments, call, handle)
                               : other_call(p11, arguments, call, session);
    law(rv < 0x300, "a code of PKCS#11");
  }
  must_still_sign(p11);
  law(p11.C_Finalize(nullptr) == CKR_OK, "it ends");
  return 0;
}
