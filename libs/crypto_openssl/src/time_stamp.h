// RFC 3161 tokens.
#pragma once

#include "camvault/crypto/time_stamp.h"

namespace camvault::crypto_openssl {

crypto::TimeStampResult check_time_stamp(const crypto::TimeStampCheck& check);

}  // namespace camvault::crypto_openssl
