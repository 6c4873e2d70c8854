// An order: which cameras a factory is to give identities to (IP-3-2). A text that an order system writes,
// with a detached signature if the factory asks for one; docs/formats/factory.md describes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "camvault/base/time.h"
#include "camvault/crypto/certificate.h"
#include "camvault/crypto/engine.h"

namespace camvault::identity {

inline constexpr std::size_t kMaxOrderFile = 128 * 1024 * 1024;
inline constexpr std::size_t kMaxOrderSerials = 1'000'000;

struct Order {
  std::string id;                      // as a serial number: 1 to 64 of [A-Za-z0-9.:-]
  std::optional<Timestamp> not_after;  // no identity by this order after it
  std::vector<std::string> serials;    // each once, as listed
};

// Errc::malformed with the line; Errc::exists if a serial number is there twice; Errc::limit.
Result<Order> parse_order(std::string_view text);
// What parse_order reads.
std::string write_order(const Order& order);

// Who signed it: the signer's certificate leads to one of `signers` at the time `at`. Errc::invalid.
Result<std::string> check_order_signature(const crypto::Engine& engine, std::string_view text,
                                          BytesView signature,
                                          const std::vector<crypto::Certificate>& signers, Timestamp at);

}  // namespace camvault::identity
