#pragma once

#include <memory>

#include "camvault/keystore_se05x/bus.h"

namespace camvault::keystore_se05x {

Result<std::unique_ptr<Bus>> open_i2c_bus(std::string_view device, unsigned address);

}  // namespace camvault::keystore_se05x
