// Numbers of the SE05x applet (AN12413): instructions, tags, types, algorithms, policies, status words.
#pragma once

#include <array>
#include <cstdint>

namespace camvault::keystore_se05x {

using ObjectId = std::uint32_t;

inline constexpr std::uint8_t kAppletAid[] = {0xA0, 0x00, 0x00, 0x03, 0x96, 0x54, 0x53, 0x00,
                                              0x00, 0x00, 0x01, 0x03, 0x00, 0x00, 0x00, 0x00};
inline constexpr std::uint8_t kIssuerDomainAid[] = {0xD2, 0x76, 0x00, 0x00, 0x85, 0x30,
                                                    0x4A, 0x43, 0x4F, 0x90, 0x03};

namespace cla {
inline constexpr std::uint8_t kPlain = 0x80;
inline constexpr std::uint8_t kSecure = 0x84;
}  // namespace cla

namespace ins {
inline constexpr std::uint8_t kWrite = 0x01;
inline constexpr std::uint8_t kRead = 0x02;
inline constexpr std::uint8_t kCrypto = 0x03;
inline constexpr std::uint8_t kManage = 0x04;
inline constexpr std::uint8_t kProcess = 0x05;
inline constexpr std::uint8_t kMask = 0x1F;
inline constexpr std::uint8_t kTransient = 0x80;
inline constexpr std::uint8_t kAuthObject = 0x40;
inline constexpr std::uint8_t kAttest = 0x20;
inline constexpr std::uint8_t kSelect = 0xA4;
inline constexpr std::uint8_t kInitializeUpdate = 0x50;
inline constexpr std::uint8_t kExternalAuthenticate = 0x82;
inline constexpr std::uint8_t kInternalAuthenticate = 0x88;
inline constexpr std::uint8_t kPutKey = 0xD8;
}  // namespace ins

namespace p1 {
inline constexpr std::uint8_t kDefault = 0x00;
inline constexpr std::uint8_t kPair = 0x60;
inline constexpr std::uint8_t kPrivate = 0x40;
inline constexpr std::uint8_t kPublic = 0x20;
inline constexpr std::uint8_t kPartMask = 0x60;
inline constexpr std::uint8_t kTypeMask = 0x1F;
inline constexpr std::uint8_t kEc = 0x01;
inline constexpr std::uint8_t kRsa = 0x02;
inline constexpr std::uint8_t kAes = 0x03;
inline constexpr std::uint8_t kHmac = 0x05;
inline constexpr std::uint8_t kBinary = 0x06;
inline constexpr std::uint8_t kUserId = 0x07;
inline constexpr std::uint8_t kCounter = 0x08;
inline constexpr std::uint8_t kPcr = 0x09;
inline constexpr std::uint8_t kCurve = 0x0B;
inline constexpr std::uint8_t kSignature = 0x0C;
inline constexpr std::uint8_t kMac = 0x0D;
inline constexpr std::uint8_t kCipher = 0x0E;
inline constexpr std::uint8_t kTls = 0x0F;
inline constexpr std::uint8_t kCryptoObject = 0x10;
inline constexpr std::uint8_t kAead = 0x11;
}  // namespace p1

namespace p2 {
inline constexpr std::uint8_t kDefault = 0x00;
inline constexpr std::uint8_t kGenerate = 0x03;
inline constexpr std::uint8_t kCreate = 0x04;
inline constexpr std::uint8_t kSize = 0x07;
inline constexpr std::uint8_t kSign = 0x09;
inline constexpr std::uint8_t kVerify = 0x0A;
inline constexpr std::uint8_t kInit = 0x0B;
inline constexpr std::uint8_t kUpdate = 0x0C;
inline constexpr std::uint8_t kFinal = 0x0D;
inline constexpr std::uint8_t kOneShot = 0x0E;
inline constexpr std::uint8_t kDh = 0x0F;
inline constexpr std::uint8_t kSessionCreate = 0x1B;
inline constexpr std::uint8_t kSessionClose = 0x1C;
inline constexpr std::uint8_t kSessionRefresh = 0x1E;
inline constexpr std::uint8_t kSessionPolicy = 0x1F;
inline constexpr std::uint8_t kVersion = 0x20;
inline constexpr std::uint8_t kVersionExt = 0x21;
inline constexpr std::uint8_t kMemory = 0x22;
inline constexpr std::uint8_t kList = 0x25;
inline constexpr std::uint8_t kType = 0x26;
inline constexpr std::uint8_t kExist = 0x27;
inline constexpr std::uint8_t kDeleteObject = 0x28;
inline constexpr std::uint8_t kDeleteAll = 0x2A;
inline constexpr std::uint8_t kSessionUserId = 0x2C;
inline constexpr std::uint8_t kHkdf = 0x2D;
inline constexpr std::uint8_t kPbkdf2 = 0x2E;
inline constexpr std::uint8_t kHkdfExpand = 0x2F;
inline constexpr std::uint8_t kId = 0x36;
inline constexpr std::uint8_t kEncryptOneShot = 0x37;
inline constexpr std::uint8_t kDecryptOneShot = 0x38;
inline constexpr std::uint8_t kAttributes = 0x3B;
inline constexpr std::uint8_t kTime = 0x3D;
inline constexpr std::uint8_t kTransport = 0x3E;
inline constexpr std::uint8_t kParam = 0x40;
inline constexpr std::uint8_t kDeleteCurve = 0x41;
inline constexpr std::uint8_t kEncrypt = 0x42;
inline constexpr std::uint8_t kDecrypt = 0x43;
inline constexpr std::uint8_t kValidate = 0x44;
inline constexpr std::uint8_t kGenerateOneShot = 0x45;
inline constexpr std::uint8_t kValidateOneShot = 0x46;
inline constexpr std::uint8_t kRandom = 0x49;
inline constexpr std::uint8_t kTlsPms = 0x4A;
inline constexpr std::uint8_t kRaw = 0x4F;
inline constexpr std::uint8_t kScp = 0x52;
inline constexpr std::uint8_t kRestrict = 0x57;
}  // namespace p2

namespace tag {
inline constexpr std::uint8_t kSession = 0x10;
inline constexpr std::uint8_t kPolicy = 0x11;
inline constexpr std::uint8_t kMaxAttempts = 0x12;
inline constexpr std::uint8_t kPolicyCheck = 0x15;
inline constexpr std::uint8_t k1 = 0x41;
inline constexpr std::uint8_t k2 = 0x42;
inline constexpr std::uint8_t k3 = 0x43;
inline constexpr std::uint8_t k4 = 0x44;
inline constexpr std::uint8_t k5 = 0x45;
inline constexpr std::uint8_t k6 = 0x46;
inline constexpr std::uint8_t k7 = 0x47;
inline constexpr std::uint8_t k8 = 0x48;
inline constexpr std::uint8_t k9 = 0x49;
inline constexpr std::uint8_t k10 = 0x4A;
inline constexpr std::uint8_t k11 = 0x4B;
inline constexpr std::uint8_t kTimestamp = 0x4F;
inline constexpr std::uint8_t kSignature = 0x52;
}  // namespace tag

namespace status {
inline constexpr std::uint16_t kOk = 0x9000;
inline constexpr std::uint16_t kAuthenticationFailed = 0x6300;
inline constexpr std::uint16_t kThroughput = 0x66A6;
inline constexpr std::uint16_t kLength = 0x6700;
inline constexpr std::uint16_t kSecurity = 0x6982;
inline constexpr std::uint16_t kBadPolicy = 0x6984;
inline constexpr std::uint16_t kConditions = 0x6985;
inline constexpr std::uint16_t kNotAllowed = 0x6986;
inline constexpr std::uint16_t kBadMac = 0x6988;
inline constexpr std::uint16_t kWrongData = 0x6A80;
inline constexpr std::uint16_t kNotFound = 0x6A82;
inline constexpr std::uint16_t kFull = 0x6A84;
inline constexpr std::uint16_t kWrongP1P2 = 0x6A86;
inline constexpr std::uint16_t kUnknownInstruction = 0x6D00;
inline constexpr std::uint16_t kUnknownClass = 0x6E00;
}  // namespace status

enum class Curve : std::uint8_t { p256 = 0x03, p384 = 0x04, p521 = 0x05, ed25519 = 0x40, x25519 = 0x41 };

// Bits of the applet's features in its version.
namespace feature {
inline constexpr std::uint16_t kEdDsa = 0x0004;
inline constexpr std::uint16_t kHmac = 0x0010;
inline constexpr std::uint16_t kRsaCrt = 0x0040;
inline constexpr std::uint16_t kAes = 0x0080;
}  // namespace feature

// Rights in a policy.
namespace may {
inline constexpr std::uint32_t kForbidAll = 0x20000000;
inline constexpr std::uint32_t kSign = 0x10000000;
inline constexpr std::uint32_t kVerify = 0x08000000;
inline constexpr std::uint32_t kKeyAgreement = 0x04000000;
inline constexpr std::uint32_t kEncrypt = 0x02000000;
inline constexpr std::uint32_t kDecrypt = 0x01000000;
inline constexpr std::uint32_t kHkdf = 0x00800000;
inline constexpr std::uint32_t kWrap = 0x00400000;
inline constexpr std::uint32_t kRead = 0x00200000;
inline constexpr std::uint32_t kWrite = 0x00100000;
inline constexpr std::uint32_t kGenerate = 0x00080000;
inline constexpr std::uint32_t kDelete = 0x00040000;
inline constexpr std::uint32_t kRequireSecureMessaging = 0x00020000;
inline constexpr std::uint32_t kRequirePcr = 0x00010000;
inline constexpr std::uint32_t kAttest = 0x00008000;
inline constexpr std::uint32_t kImportExport = 0x00001000;
inline constexpr std::uint32_t kPbkdf = 0x00000080;
}  // namespace may

enum class EcdsaAlg : std::uint8_t {
  sha1 = 0x11,
  sha224 = 0x25,
  sha256 = 0x21,
  sha384 = 0x22,
  sha512 = 0x26
};
// Counters of this platform and the keys it makes have numbers of their own among those for customers.
namespace object {
inline constexpr ObjectId kFirstCounter = 0x1CA00000;
inline constexpr ObjectId kFirstKey = 0x20000000;
inline constexpr ObjectId kLastKey = 0x2FFFFFFF;
}  // namespace object

inline constexpr std::uint8_t kEddsa = 0xA3;
enum class RsaAlg : std::uint8_t {
  pkcs1_sha256 = 0x28,
  pkcs1_sha384 = 0x29,
  pkcs1_sha512 = 0x2A,
  pss_sha256 = 0x2C,
  pss_sha384 = 0x2D,
  pss_sha512 = 0x2E,
};
enum class RsaCipher : std::uint8_t { none = 0x0C, pkcs1 = 0x0A, oaep = 0x0F };
enum class DigestAlg : std::uint8_t {
  sha1 = 0x01,
  sha256 = 0x04,
  sha384 = 0x05,
  sha512 = 0x06,
  sha224 = 0x07
};
enum class MacAlg : std::uint8_t {
  hmac_sha1 = 0x18,
  hmac_sha256 = 0x19,
  hmac_sha384 = 0x1A,
  hmac_sha512 = 0x1B,
  cmac = 0x31
};
enum class CipherMode : std::uint8_t {
  aes_cbc = 0x0D,
  aes_ecb = 0x0E,
  aes_ctr = 0xF0,
  aes_gcm = 0xB0,
  aes_gcm_own_iv = 0xF3,  // the element makes the vector
  aes_ccm = 0xF4,
};
enum class CryptoContext : std::uint8_t { digest = 1, cipher = 2, signature = 3, aead = 4 };

enum class ObjectType : std::uint8_t {
  ec_pair = 0x01,
  ec_private = 0x02,
  ec_public = 0x03,
  rsa_pair = 0x04,
  rsa_pair_crt = 0x05,
  rsa_private = 0x06,
  rsa_private_crt = 0x07,
  rsa_public = 0x08,
  aes = 0x09,
  binary = 0x0B,
  user_id = 0x0C,
  counter = 0x0D,
  pcr = 0x0F,
  hmac = 0x11,
};
enum class ObjectOrigin : std::uint8_t { external = 1, internal = 2, provisioned = 3 };

namespace object {
inline constexpr ObjectId kTransport = 0x7FFF0200;
inline constexpr ObjectId kEcKeySession = 0x7FFF0201;
inline constexpr ObjectId kEcKeyImport = 0x7FFF0202;
inline constexpr ObjectId kFeature = 0x7FFF0204;
inline constexpr ObjectId kFactoryReset = 0x7FFF0205;
inline constexpr ObjectId kUniqueId = 0x7FFF0206;
inline constexpr ObjectId kPlatformScp = 0x7FFF0207;
inline constexpr ObjectId kAttestationKey = 0xF0000012;
inline constexpr ObjectId kAttestationCertificate = 0xF0000013;
}  // namespace object

inline constexpr std::size_t kUniqueIdSize = 18;
inline constexpr std::size_t kMaxPayload3 = 892;   // applets 3.x
inline constexpr std::size_t kMaxPayload7 = 1024;  // applets 7.x

}  // namespace camvault::keystore_se05x
