// The applet's commands as functions. Names, limits and fields are those of AN12413; what crosses this
// interface is in the order of the RFCs, also where the element reverses bytes (Ed25519, X25519).
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "camvault/keystore_se05x/element.h"
#include "camvault/keystore_se05x/policy.h"

namespace camvault::keystore_se05x {

using Freshness = Fixed<struct FreshnessTag, 16>;

struct ObjectInfo {
  ObjectId id = 0;
  std::uint8_t type = 0;  // as the element says it; see ObjectType, applets 7.x name the curve
  bool for_login = false;
  ObjectId owner = 0;
  std::vector<PolicyRule> policy;
  ObjectOrigin origin = ObjectOrigin::external;
};

// What an attested read gives, as it came, for whoever verifies it later (attested_object.h).
struct AttestedRead {
  bool applet_7 = true;
  Bytes command;  // the command APDU that the signature covers (7.x)
  Bytes answer;   // the fields of the answer
};

struct RsaPublic {
  Bytes modulus;
  Bytes exponent;
};
struct RsaPrivate {
  Secret p, q, dp, dq, qinv;
  Bytes exponent;
};

// Confined to one thread, as the element is. Errors: those of Element, and the applet's own refusals.
class Applet {
 public:
  static constexpr std::size_t kMaxRandom = 512;
  static constexpr std::size_t kPiece = 500;  // bytes of a file or a message in one command
  static constexpr std::size_t kMaxFile = 16 * 1024;
  static constexpr std::size_t kMaxOneShot = 800;  // message or plaintext in one command

  explicit Applet(Element& element) : element_(element) {}
  Element& element() { return element_; }

  // Objects
  Result<bool> exists(ObjectId id);
  Status remove(ObjectId id);
  Result<std::vector<ObjectId>> list();
  Result<ObjectInfo> info(ObjectId id);
  Result<std::uint32_t> free_memory();  // bytes for objects that stay
  Result<Bytes> unique_id();
  Result<AttestedRead> attested_read(ObjectId id, ObjectId attester, const Freshness& freshness);

  // Keys. Those that make one fail with Errc::exists if the number is taken.
  Status generate_ec(ObjectId id, Curve curve, const std::vector<PolicyRule>& policy);
  Status import_ec(ObjectId id, Curve curve, const Secret& scalar, BytesView point,
                   const std::vector<PolicyRule>& policy);
  Status generate_rsa(ObjectId id, unsigned bits, const std::vector<PolicyRule>& policy);
  Status import_rsa(ObjectId id, unsigned bits, const RsaPrivate& key, const std::vector<PolicyRule>& policy);
  Status import_symmetric(ObjectId id, bool aes, const Secret& key, const std::vector<PolicyRule>& policy,
                          bool for_login = false);
  Status import_user_id(ObjectId id, const Secret& value, std::uint16_t attempts,
                        const std::vector<PolicyRule>& policy);
  Result<Bytes> ec_point(ObjectId id, Curve curve);
  Result<RsaPublic> rsa_public(ObjectId id);

  // Use of keys
  Result<Bytes> sign_ecdsa(ObjectId id, EcdsaAlg alg, BytesView digest);
  Result<Bytes> sign_ed25519(ObjectId id, BytesView message);
  Result<Bytes> sign_rsa(ObjectId id, RsaAlg alg, BytesView message);  // the element hashes
  Result<bool> verify_ecdsa(ObjectId id, EcdsaAlg alg, BytesView digest, BytesView signature);
  Result<Secret> agree(ObjectId id, Curve curve, BytesView peer);  // the X coordinate
  Status agree_into(ObjectId id, Curve curve, BytesView peer, ObjectId target);
  Result<Bytes> mac(ObjectId id, MacAlg alg, BytesView message);  // of any length
  struct Sealed {
    Bytes nonce, data, tag;
  };
  Result<Sealed> seal_gcm(ObjectId id, BytesView plain, BytesView additional);
  // Errc::invalid if the tag is wrong.
  Result<Secret> open_gcm(ObjectId id, BytesView nonce, BytesView data, BytesView tag, BytesView additional);
  Result<Secret> hkdf(ObjectId id, DigestAlg alg, BytesView salt, BytesView info, std::uint16_t size);
  Result<Secret> pbkdf2(ObjectId id, MacAlg alg, BytesView salt, std::uint16_t rounds, std::uint16_t size);
  Status random(std::span<std::uint8_t> out);

  // Files and counters
  Status write_file(ObjectId id, BytesView content, const std::vector<PolicyRule>& policy);
  Result<Bytes> read_file(ObjectId id, std::size_t size);
  Result<std::uint16_t> file_size(ObjectId id);
  Status create_counter(ObjectId id, const std::vector<PolicyRule>& policy);  // eight bytes
  Result<std::uint64_t> counter(ObjectId id);
  // Adds one and gives the new value. Never less than the count of calls: what broke in between counts too.
  Result<std::uint64_t> increment(ObjectId id);

 private:
  Result<Bytes> run(std::uint8_t ins, std::uint8_t p1, std::uint8_t p2, Bytes fields, Repeat repeat);
  Result<Bytes> run_for(std::uint8_t which, std::uint8_t ins, std::uint8_t p1, std::uint8_t p2, Bytes fields,
                        Repeat repeat);
  Status make(ObjectId id, std::uint8_t ins, std::uint8_t p1, std::uint8_t p2, Bytes fields);
  Status need_curve(Curve curve);
  Result<Bytes> mac_in_steps(ObjectId id, MacAlg alg, BytesView message);
  Result<Sealed> seal_in_steps(ObjectId id, BytesView plain, BytesView additional);
  Result<Secret> open_in_steps(ObjectId id, BytesView nonce, BytesView data, BytesView tag,
                               BytesView additional);
  template <class T>
  Result<T> with_aead(ObjectId id, CipherMode mode, std::uint8_t direction, BytesView nonce,
                      const std::function<Result<T>(BytesView nonce)>& steps);
  Status aead_additional(BytesView additional);
  Status aead_data(BytesView data, std::span<std::uint8_t> out);

  Element& element_;
};

}  // namespace camvault::keystore_se05x
