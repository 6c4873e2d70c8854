// Which cameras a maker passed on to whom: what a distributor's customer checks a box's label against, and
// what a registrar takes as its list of own cameras.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "camvault/base/time.h"
#include "camvault/crypto/certificate.h"
#include "camvault/crypto/engine.h"

namespace camvault::identity {

inline constexpr std::size_t kMaxDelivery = 1'000'000;

struct Delivery {
  std::string maker;
  std::string to;
  Timestamp at;
  std::vector<std::pair<std::string, std::string>> cameras;  // serial number, SHA-256 of its IDevID (hex)
};

// Errc::invalid if the signature is not that of a maker's log key below one of `anchors`, Errc::malformed.
Result<Delivery> check_delivery_list(const crypto::Engine& engine, std::string_view text, BytesView signature,
                                     const std::vector<crypto::Certificate>& anchors);

}  // namespace camvault::identity
