#pragma once

#include <memory>

#include "camvault/keystore_se05x/bus.h"

namespace camvault::keystore_se05x {

// "unix:PATH", "tcp:PORT", "pty:PATH".
Result<std::unique_ptr<Bus>> open_simulator_bus(std::string_view address);

}  // namespace camvault::keystore_se05x
