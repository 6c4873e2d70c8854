#include "camvault/signed_video/signature_sei.h"

#include "sei_message.h"

namespace camvault::signed_video {

bool is_signature_sei(codec::Codec codec, BytesView unit) {
  return is_media_signing_sei(codec, unit);
}

}  // namespace camvault::signed_video
