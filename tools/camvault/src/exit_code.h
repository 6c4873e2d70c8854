// What the program tells the shell. 0, 1 and 2 are answers; the rest means that there is none (sysexits.h
// numbers).
#pragma once

#include "camvault/base/result.h"

namespace camvault::cli {

inline constexpr int kYes = 0;
inline constexpr int kNo = 1;
inline constexpr int kPartly = 2;
inline constexpr int kUsage = 64;
inline constexpr int kUnreadableInput = 65;
inline constexpr int kServiceMissing = 69;
inline constexpr int kOurBug = 70;
inline constexpr int kCannotWrite = 74;
inline constexpr int kNotPermitted = 77;
inline constexpr int kInterrupted = 130;

// Prints "camvault: ..." to standard error, one harmless line, and returns `code`.
int complain(int code, std::string_view what);

// What went wrong while reading something the user named.
int complain_about_input(const Error& error);
// What went wrong while asking a service (keystored) or doing anything else.
int complain_about(const Error& error);

}  // namespace camvault::cli
