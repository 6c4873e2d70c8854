// The one place that names the PKCS#11 header: OASIS' names, p11-kit's copy (its compatible mode).
#pragma once

#include <p11-kit/pkcs11.h>

#include <string>

#include "camvault/base/result.h"

namespace camvault::keystore_pkcs11 {

// "CKR_DEVICE_ERROR", or the number.
std::string name_of(CK_RV rv);

// True if the token, its session or the library's state is gone: what was opened has to be opened again.
bool means_gone(CK_RV rv);

// What a caller can do about it, with the function's name in front of the reason.
tl::unexpected<Error> fail_with(const char* function, CK_RV rv);

// Blank-padded, not terminated and from a token: printable ASCII is kept, blanks at the end go.
std::string text_of(const unsigned char* field, std::size_t size);
template <std::size_t N>
std::string text_of(const unsigned char (&field)[N]) {
  return text_of(field, N);
}

}  // namespace camvault::keystore_pkcs11
