// The applet's inside: one command at a time, after the channels have been taken off.
#pragma once

#include <tl/expected.hpp>

#include "camvault/keystore_se05x/apdu.h"
#include "camvault/keystore_se05x/policy.h"
#include "camvault/keystore_se05x/tlv.h"
#include "objects.h"

namespace camvault::se05x_sim {

using keystore_se05x::CommandApdu;
using keystore_se05x::ResponseApdu;
using keystore_se05x::TlvReader;
using keystore_se05x::TlvWriter;
namespace tag = keystore_se05x::tag;
namespace status = keystore_se05x::status;
namespace may = keystore_se05x::may;
namespace p1 = keystore_se05x::p1;
namespace p2 = keystore_se05x::p2;
namespace ins = keystore_se05x::ins;

// A value, or the status word that the command ends with.
template <class T>
using Sw = tl::expected<T, std::uint16_t>;
inline tl::unexpected<std::uint16_t> refuse(std::uint16_t word) {
  return tl::unexpected<std::uint16_t>(word);
}
template <class T>
Sw<T> or_status(Result<T> result, std::uint16_t word) {
  if (!result) return refuse(word);
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return std::move(*result);
  }
}
// Fields that are missing or of another form.
template <class T>
Sw<T> field(Result<T> result) {
  return or_status(std::move(result), status::kWrongData);
}
// Numbers that make no key, data that fits no key.
template <class T>
Sw<T> fitting(Result<T> result) {
  return or_status(std::move(result), status::kConditions);
}

struct Version {
  std::uint8_t major = 7;
  std::uint8_t minor = 2;
  std::uint8_t patch = 0;
  bool is_7() const { return major >= 7; }
};

// A multi-step operation: what came so far.
struct CryptoObject {
  std::uint8_t context = 0;
  std::uint8_t subtype = 0;
  bool started = false;
  std::uint8_t operation = 0;
  ObjectId key = 0;
  Bytes iv;
  Bytes additional;
  Bytes data;
  std::size_t given = 0;  // of the result, in earlier answers
};

struct Card {
  ObjectStore store;
  Version version;
  std::map<std::uint16_t, CryptoObject> crypto_objects;
  std::uint64_t ticks = 0;
  bool changed = false;  // since the last commit

  CardState& state() { return store.state(); }
  Status commit() {
    if (!changed) return ok();
    CAM_TRY_STATUS(store.commit());
    changed = false;
    return ok();
  }
};

struct Call {
  Card& card;
  const CommandApdu& command;
  ObjectId user;  // the session's authentication object, 0 without a session
  bool secure;    // came through a secure channel

  TlvReader fields() const { return TlvReader(command.data); }
  std::uint8_t part() const { return command.p1 & p1::kPartMask; }
  bool attested() const { return (command.ins & ins::kAttest) != 0; }
};

using Reply = Sw<Bytes>;

// The object, if it is there and the caller has one of these rights.
Sw<Object*> use(const Call& call, ObjectId id, std::uint32_t rights);
bool is_allowed(const Call& call, const Object& object, std::uint32_t rights);
// A new object or one that is written again: checks id, policy, right and room. `write_right` is what an
// existing one must allow.
struct Target {
  ObjectId id = 0;
  Bytes policy;
  std::uint16_t max_attempts = 0;
};
// Reads policy, attempts, policy check and id, which open every writing command.
Sw<Target> read_target(TlvReader& in);
Sw<Object> begin_write(const Call& call, const Target& target, ObjectType type, std::uint32_t write_right);
Reply finish_write(const Call& call, Object object);
inline Bytes one(std::uint8_t which, BytesView value) {
  return TlvWriter().put(which, value).take();
}
inline Bytes yes_or_no(bool yes) {
  return TlvWriter().u8(tag::k1, yes ? 1 : 2).take();
}
Bytes timestamp(Card& card);

// One handler for each command.
Reply write_ec_key(const Call& call);
Reply write_rsa_key(const Call& call);
Reply write_symmetric_key(const Call& call);
Reply write_binary(const Call& call);
Reply write_user_id(const Call& call);
Reply write_counter(const Call& call);
Reply write_pcr(const Call& call);
Reply write_curve(const Call& call);
Reply read_object(const Call& call);
Reply read_attributes(const Call& call);
Reply read_list(const Call& call);
Reply read_type(const Call& call);
Reply read_size(const Call& call);
Reply read_curves(const Call& call);
Reply object_exists(const Call& call);
Reply delete_object(const Call& call);
Reply delete_all(const Call& call);
Reply sign(const Call& call);
Reply verify(const Call& call);
Reply key_agreement(const Call& call);
Reply rsa_cipher(const Call& call);
Reply cipher_one_shot(const Call& call);
Reply aead_one_shot(const Call& call);
Reply mac_one_shot(const Call& call);
Reply hkdf(const Call& call);
Reply pbkdf2_command(const Call& call);
Reply digest_one_shot(const Call& call);
Reply crypto_object(const Call& call);
Reply crypto_object_list(const Call& call);
Reply multi_step(const Call& call);
Reply manage(const Call& call);

// Finds the handler.
ResponseApdu run(Card& card, const CommandApdu& command, ObjectId user, bool secure);

}  // namespace camvault::se05x_sim
