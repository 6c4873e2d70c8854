// The Ethernet port as the kernel sees it.
#pragma once

#include <string>
#include <string_view>

#include "camvault/base/result.h"

namespace camvault::network {

// 1 to 15 printable characters without '/' and spaces (IFNAMSIZ).
bool is_interface_name(std::string_view text);

// The only interface with Ethernet frames that is no loopback; "eth0" if there are several. Errc::not_found.
Result<std::string> only_ethernet_interface();

// Whether a cable with a live other end is there.
Result<bool> has_carrier(const std::string& interface);
Status set_up(const std::string& interface, bool up);  // needs CAP_NET_ADMIN

}  // namespace camvault::network
