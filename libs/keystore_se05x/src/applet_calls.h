// What the files of Applet share.
#pragma once

#include "camvault/keystore_se05x/applet.h"
#include "camvault/keystore_se05x/tlv.h"

namespace camvault::keystore_se05x {

inline bool is_reversed(Curve curve) {
  return curve == Curve::ed25519 || curve == Curve::x25519;
}
inline Bytes reversed(BytesView bytes) {
  return Bytes(bytes.rbegin(), bytes.rend());
}

// Fields that hold secrets: wiped when they have been sent.
struct WipeOnExit {
  Bytes& bytes;
  ~WipeOnExit() { wipe(bytes.data(), bytes.size()); }
};

inline TlvWriter with_policy(const std::vector<PolicyRule>& policy, ObjectId id) {
  TlvWriter out;
  if (!policy.empty()) out.put(tag::kPolicy, encode_policy(policy));
  out.u32(tag::k1, id);
  return out;
}

}  // namespace camvault::keystore_se05x
