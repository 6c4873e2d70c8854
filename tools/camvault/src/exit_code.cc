#include "exit_code.h"

#include <cstdio>

#include "camvault/report/text.h"

namespace camvault::cli {

int complain(int code, std::string_view what) {
  const auto line = "camvault: " + report::printable(what, 2000) + "\n";
  std::fputs(line.c_str(), stderr);
  return code;
}

int complain_about_input(const Error& error) {
  switch (error.code) {
    case Errc::internal:
      return complain(kOurBug, error.what + " (this is a bug in camvault, please report it)");
    case Errc::usage:
      return complain(kUsage, error.what);
    default:
      return complain(kUnreadableInput, error.what);
  }
}

int complain_about(const Error& error) {
  switch (error.code) {
    case Errc::malformed:
    case Errc::unsupported:
    case Errc::limit:
    case Errc::not_found:
    case Errc::invalid:
      return complain(kUnreadableInput, error.what);
    case Errc::usage:
    case Errc::exists:
      return complain(kUsage, error.what);
    case Errc::denied:
      return complain(kNotPermitted, error.what);
    case Errc::unavailable:
      return complain(kServiceMissing, error.what);
    case Errc::io:
      return complain(kCannotWrite, error.what);
    case Errc::internal:
      break;
  }
  return complain(kOurBug, error.what + " (this is a bug in camvault, please report it)");
}

}  // namespace camvault::cli
