#include "axis/pem.h"

#include "camvault/base/pem.h"

namespace camvault::signed_video::axis {

namespace {
constexpr std::string_view kLabel = "PUBLIC KEY";
}

Result<Bytes> public_key_der(std::string_view pem) {
  CAM_TRY(auto blocks, read_pem(pem, kLabel));
  if (blocks.empty()) return fail(Errc::malformed, "no public key in PEM");
  return std::move(blocks.front());
}

std::string public_key_pem(BytesView der) {
  return write_pem(kLabel, der);
}

}  // namespace camvault::signed_video::axis
