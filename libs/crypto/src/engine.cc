#include "camvault/crypto/engine.h"

namespace camvault::crypto {

Result<OcspResponse> Engine::ocsp_from_der(BytesView) const {
  return fail(Errc::unsupported, "this build cannot read OCSP responses");
}

TimeStampResult Engine::check_time_stamp(const TimeStampCheck&) const {
  TimeStampResult result;
  result.reason = "this build cannot read time stamps";
  return result;
}

}  // namespace camvault::crypto
