// The networks that this machine is on, and what may be on them.
#pragma once

#include <string>
#include <vector>

#include "camvault/dns_sd/message.h"

struct sockaddr;

namespace camvault::dns_sd {

struct Network {
  Address own;
  unsigned prefix = 0;  // bits
};

struct Link {
  unsigned index = 0;
  std::string name;
  bool is_loopback = false;
  std::vector<Network> networks;
};

// Those of the names, or, without any, all that are up, know multicast and lead outside.
std::vector<Link> links_of(const std::vector<std::string>& names);

Address address_of(const sockaddr& from);

// Whether a host with this address can be met on the link itself: no loopback, multicast or broadcast
// address, none beyond a router. A name of the link leads nowhere else (RFC 6762 3), whatever an answer says.
bool is_on(const Link& link, const Address& address);
std::string text_of(const Link& link, const Address& address);

}  // namespace camvault::dns_sd
