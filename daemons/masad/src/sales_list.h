// Who bought which device: lines "SERIAL DOMAINID", domain id in base64 as the audit log has it; # for
// remarks.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "camvault/base/result.h"

namespace camvault::masad {

using SalesList = std::map<std::string, std::string>;

inline constexpr std::size_t kMaxSalesList = 128 * 1024 * 1024;  // bytes; a million devices
// Errc::malformed with the line; a device that stands there twice is one.
Result<SalesList> read_sales_list(const std::filesystem::path& file);

}  // namespace camvault::masad
