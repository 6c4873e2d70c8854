// The check of what modules sign themselves.
#pragma once

#include "camvault/attestation/check.h"

namespace camvault::attestation {

Finding check_module(const crypto::Engine& engine, const Check& check);

}  // namespace camvault::attestation
