// The page that operators see: one file, no scripts, nothing from elsewhere.
#pragma once

#include "authority.h"

namespace camvault::fleetd {

std::string status_page(const Authority& authority, const std::string& database, const Totals& totals,
                        const std::vector<CertificateRow>& newest, Timestamp now);

}  // namespace camvault::fleetd
