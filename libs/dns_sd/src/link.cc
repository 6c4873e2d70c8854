#include "link.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "camvault/base/owned.h"

namespace camvault::dns_sd {

namespace {
constexpr std::size_t kMaxLinks = 16;
constexpr std::size_t kMaxNetworks = 16;  // of a link

std::size_t size_of(const Address& address) {
  return address.is_v6 ? 16 : 4;
}

bool bit(const Address& address, unsigned index) {
  return (address.bytes[index / 8] >> (7 - index % 8) & 1) != 0;
}

bool shares_prefix(const Address& a, const Address& b, unsigned prefix) {
  for (unsigned i = 0; i < prefix; ++i) {
    if (bit(a, i) != bit(b, i)) return false;
  }
  return true;
}

// Of what is behind the prefix: all of it is ones, or all of it is zeros.
bool is_edge(const Address& address, unsigned prefix) {
  const auto bits = static_cast<unsigned>(size_of(address) * 8);
  if (address.is_v6 || prefix + 2 > bits) return false;
  for (unsigned i = prefix + 1; i < bits; ++i) {
    if (bit(address, i) != bit(address, prefix)) return false;
  }
  return true;
}

bool is_link_local_v6(const Address& address) {
  return address.is_v6 && address.bytes[0] == 0xfe && (address.bytes[1] & 0xc0) == 0x80;
}

bool is_loopback(const Address& address) {
  if (!address.is_v6) return address.bytes[0] == 127;
  return std::all_of(address.bytes.begin(), address.bytes.end() - 1, [](auto byte) { return byte == 0; }) &&
         address.bytes.back() == 1;
}

unsigned prefix_of(const sockaddr* mask) {
  if (mask == nullptr) return 0;
  const auto address = address_of(*mask);
  int ones = 0;
  for (std::size_t i = 0; i < size_of(address); ++i) ones += std::popcount(address.bytes[i]);
  return static_cast<unsigned>(ones);
}

bool is_wanted(const ifaddrs& entry, const std::vector<std::string>& names) {
  if (!names.empty()) return std::find(names.begin(), names.end(), entry.ifa_name) != names.end();
  constexpr unsigned kFlags = IFF_UP | IFF_MULTICAST;
  return (entry.ifa_flags & kFlags) == kFlags && (entry.ifa_flags & (IFF_LOOPBACK | IFF_POINTOPOINT)) == 0;
}
}  // namespace

Address address_of(const sockaddr& from) {
  Address out;
  if (from.sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &from, sizeof v6);
    out.is_v6 = true;
    std::memcpy(out.bytes.data(), &v6.sin6_addr, 16);
  } else {
    sockaddr_in v4{};
    std::memcpy(&v4, &from, sizeof v4);
    std::memcpy(out.bytes.data(), &v4.sin_addr, 4);
  }
  return out;
}

std::vector<Link> links_of(const std::vector<std::string>& names) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  const Owned<ifaddrs, freeifaddrs> owner(list);
  std::vector<Link> out;
  for (const auto* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || !is_wanted(*entry, names)) continue;
    const auto family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    auto link =
        std::find_if(out.begin(), out.end(), [&](const auto& l) { return l.name == entry->ifa_name; });
    if (link == out.end()) {
      if (out.size() == kMaxLinks) continue;
      out.push_back(
          {::if_nametoindex(entry->ifa_name), entry->ifa_name, (entry->ifa_flags & IFF_LOOPBACK) != 0, {}});
      link = out.end() - 1;
    }
    if (link->networks.size() < kMaxNetworks)
      link->networks.push_back({address_of(*entry->ifa_addr), prefix_of(entry->ifa_netmask)});
  }
  return out;
}

bool is_on(const Link& link, const Address& address) {
  if (address.bytes[0] == (address.is_v6 ? 0xff : 0)) return false;  // multicast; "this" network
  if (is_loopback(address) && !link.is_loopback) return false;
  return std::any_of(link.networks.begin(), link.networks.end(), [&](const Network& network) {
    if (network.own.is_v6 != address.is_v6) return false;
    if (is_link_local_v6(address)) return is_link_local_v6(network.own);
    return network.prefix != 0 && shares_prefix(network.own, address, network.prefix) &&
           !is_edge(address, network.prefix);
  });
}

std::string text_of(const Link& link, const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(address.is_v6 ? AF_INET6 : AF_INET, address.bytes.data(), text.data(), text.size());
  return text.data() + (is_link_local_v6(address) ? "%" + link.name : std::string());
}

}  // namespace camvault::dns_sd
