#include "camvault/network/link.h"

#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "camvault/base/file.h"
#include "camvault/base/owned.h"

namespace camvault::network {

namespace {
Result<UniqueFd> any_socket() {
  UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fail(Errc::io, "no socket: " + errno_text(errno));
  return fd;
}

Result<ifreq> request_for(const std::string& interface) {
  if (!is_interface_name(interface)) return fail(Errc::usage, "not the name of a network interface");
  ifreq request{};
  std::memcpy(request.ifr_name, interface.data(), interface.size());
  return request;
}

Status ask(int fd, unsigned long what, ifreq& request, const std::string& interface) {
  if (ioctl(fd, what, &request) == 0) return ok();
  const auto code = errno == ENODEV ? Errc::not_found : errno == EPERM ? Errc::denied : Errc::io;
  return fail(code, interface + ": " + errno_text(errno));
}
}  // namespace

bool is_interface_name(std::string_view text) {
  return !text.empty() && text.size() < IFNAMSIZ && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c > 0x20 && c < 0x7f && c != '/' && c != '"'; });
}

Result<std::string> only_ethernet_interface() {
  CAM_TRY(const auto fd, any_socket());
  const Owned<struct if_nameindex, if_freenameindex> names(if_nameindex());
  if (names == nullptr) return fail(Errc::io, "no list of network interfaces: " + errno_text(errno));
  std::vector<std::string> found;
  for (const auto* one = names.get(); one->if_index != 0; ++one) {
    const std::string name = one->if_name;
    auto request = request_for(name);
    if (!request || !ask(fd.get(), SIOCGIFHWADDR, *request, name)) continue;
    if (request->ifr_hwaddr.sa_family == ARPHRD_ETHER) found.push_back(name);
  }
  if (found.size() == 1) return found.front();
  if (std::find(found.begin(), found.end(), "eth0") != found.end()) return std::string("eth0");
  return fail(Errc::not_found, found.empty()
                                   ? "there is no Ethernet interface"
                                   : "there are several Ethernet interfaces and none is eth0: name one");
}

Result<bool> has_carrier(const std::string& interface) {
  CAM_TRY(const auto fd, any_socket());
  CAM_TRY(auto request, request_for(interface));
  CAM_TRY_STATUS(ask(fd.get(), SIOCGIFFLAGS, request, interface));
  return (request.ifr_flags & IFF_UP) != 0 && (request.ifr_flags & IFF_RUNNING) != 0;
}

Status set_up(const std::string& interface, bool up) {
  CAM_TRY(const auto fd, any_socket());
  CAM_TRY(auto request, request_for(interface));
  CAM_TRY_STATUS(ask(fd.get(), SIOCGIFFLAGS, request, interface));
  const auto flags = static_cast<short>(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
  if (flags == request.ifr_flags) return ok();
  request.ifr_flags = flags;
  return ask(fd.get(), SIOCSIFFLAGS, request, interface);
}

}  // namespace camvault::network
