// An element in this process and a host that talks to it, with everything on the bus written down.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/keystore_se05x/applet.h"
#include "camvault/se05x_sim/simulator.h"

namespace camvault::se05x_sim {

using keystore_se05x::Applet;
using keystore_se05x::Curve;
using keystore_se05x::Element;
using keystore_se05x::ElementOptions;
using keystore_se05x::ObjectId;
using keystore_se05x::PolicyRule;
using keystore_se05x::Repeat;
namespace may = keystore_se05x::may;

constexpr ObjectId kKey = 0x20000001;
constexpr ObjectId kOther = 0x20000002;

// Waits cost no time unless a test wants them to.
inline void no_wait(std::chrono::milliseconds) {}

inline bool contains(BytesView haystack, BytesView needle) {
  return std::search(haystack.begin(), haystack.end(), needle.begin(), needle.end()) != haystack.end();
}

class SimulatorTest : public testing::Test {
 protected:
  explicit SimulatorTest(SimulatorOptions options = {})
      : simulator_(Simulator::create(std::move(options)).value()) {}

  ElementOptions options(bool secure = true) {
    ElementOptions out{.open_bus = [this]() -> Result<std::unique_ptr<keystore_se05x::Bus>> {
                         if (unplugged_) return fail(Errc::unavailable, "unplugged");
                         return connect(simulator_, [this](auto, BytesView bytes) { append(bus_, bytes); });
                       },
                       .random = [this](std::span<std::uint8_t> room) { engine_->random(room); },
                       .wait = no_wait};
    if (secure) out.platform_keys = test_platform_keys();
    return out;
  }
  crypto::Digest sha256(std::string_view text) const {
    return engine_->digest(crypto::HashAlg::sha256, as_bytes(text));
  }
  static std::vector<PolicyRule> everybody(std::uint32_t rights) { return {{0, rights}}; }

  std::unique_ptr<crypto::Engine> engine_ = crypto_openssl::make_openssl_engine();
  std::shared_ptr<Simulator> simulator_;
  bool unplugged_ = false;
  Bytes bus_;
};

}  // namespace camvault::se05x_sim
