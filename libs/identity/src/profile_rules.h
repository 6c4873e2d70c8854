// What the standards that a profile claims to follow ask of it.
#pragma once

#include "camvault/identity/profile.h"

namespace camvault::identity {

Result<ProfileRules> profile_rules_from_string(std::string_view text);
// Errc::invalid with the rule that is broken.
Status check_rules(const CertificateRules& rules);

}  // namespace camvault::identity
