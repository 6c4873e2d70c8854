// What the simulated element remembers: objects, curves, channel keys. Kept in one file that is replaced
// atomically after every change, before the answer goes out: a cut of power loses a command or none.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "camvault/keystore_se05x/codes.h"
#include "camvault/keystore_se05x/scp03.h"

namespace camvault::se05x_sim {

using keystore_se05x::Curve;
using keystore_se05x::ObjectId;
using keystore_se05x::ObjectOrigin;
using keystore_se05x::ObjectType;
using keystore_se05x::Scp03Keys;

struct Object {
  ObjectId id = 0;
  ObjectType type = ObjectType::binary;
  std::optional<Curve> curve;           // EC keys
  bool auth = false;                    // for opening sessions, and for nothing else
  bool transient = false;               // gone with the power
  std::map<std::uint8_t, Bytes> parts;  // by the tag of the field that brings them in
  Bytes policy;
  std::uint16_t max_attempts = 0;
  std::uint16_t failed_attempts = 0;
  ObjectOrigin origin = ObjectOrigin::external;
  ObjectId owner = 0;  // the session's authentication object when it was made
  std::uint32_t version = 0;

  BytesView part(std::uint8_t tag) const {
    const auto found = parts.find(tag);
    return found == parts.end() ? BytesView() : BytesView(found->second);
  }
};

struct CardState {
  Bytes unique_id;
  Scp03Keys platform;
  bool platform_required = false;
  bool locked = false;
  std::uint8_t restricted = 0;
  std::uint32_t resets = 0;
  std::map<Curve, std::set<std::uint8_t>> curves;  // with the parameters that were set
  std::map<ObjectId, Object> objects;
};

inline constexpr std::size_t kMaxObjects = 400;
inline constexpr std::size_t kMaxBinary = 16 * 1024;

class ObjectStore {
 public:
  // Reads the file, or starts with what `make_new` gives. Without a path nothing is kept.
  static Result<ObjectStore> open(std::filesystem::path path,
                                  const std::function<Result<CardState>()>& make_new);

  CardState& state() { return state_; }
  const CardState& state() const { return state_; }
  Object* find(ObjectId id);
  Status commit() const;

 private:
  std::filesystem::path path_;
  CardState state_;
};

Bytes encode_state(const CardState& state);
Result<CardState> decode_state(BytesView bytes);

}  // namespace camvault::se05x_sim
