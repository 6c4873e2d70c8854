// Who offers a service on the networks that this machine is on, and where a name of the link is.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "camvault/base/result.h"

namespace camvault::dns_sd {

inline constexpr std::size_t kMaxServices = 16;    // that are told of
inline constexpr std::size_t kMaxAddresses = 4;    // of each
inline constexpr std::size_t kMaxNeighbours = 64;  // that are listened to in one search
inline constexpr std::size_t kMaxMessagesEach = 16;

struct Service {
  std::string instance;  // as in a zone file, in lower case
  std::string host;      // "fleet.local"
  std::uint16_t port = 0;
  std::vector<std::string> addresses;  // numeric, on one of our links; "fe80::1%eth0"
  std::uint16_t priority = 0;
};

struct Settings {
  std::vector<std::string> interfaces;     // empty: all that are up, know multicast and lead outside
  std::uint16_t port = 5353;               // of those who answer
  std::chrono::milliseconds round{1'000};  // between questions; RFC 6762 5.2
  unsigned rounds = 3;                     // the last one ends the search
};

// Services of a type ("_brski-registrar._tcp") under .local, the smallest priority first, then who was first.
// Listens to the end of the round in which one was found by an IPv4 and an IPv6 address, or else of the next
// one. Nobody is believed: whoever is on the link can
// answer. What does not fit (a host that is no name of the link, an address elsewhere, port 0) is not told.
// Empty: nobody answered. Errc::unavailable: no network to ask on; Errc::usage: no type. Blocks.
Result<std::vector<Service>> find_services(const std::string& type, const Settings& settings = {});

// "fleet.local": two labels, the second one is "local" (RFC 6762 3).
bool is_link_name(const std::string& host);

// Numeric addresses of a name of the link, in the order in which they are told: until there is one of both
// families, or the round ends. Empty: nobody answered.
// Errc::usage: no such name; Errc::unavailable: no network to ask on. Blocks.
Result<std::vector<std::string>> find_host(const std::string& host, const Settings& settings = {});

}  // namespace camvault::dns_sd
