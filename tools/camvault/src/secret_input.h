// Secrets come from standard input: neither arguments nor environment are anybody's business.
#pragma once

#include "camvault/base/secret.h"

namespace camvault::cli {

// All of standard input, without one line feed at its end; at most `limit` bytes, at least one. A terminal
// does not show what is typed.
Result<Secret> secret_from_input(std::size_t limit);
// The same, byte by byte as it came.
Result<Secret> data_from_input(std::size_t limit);

}  // namespace camvault::cli
