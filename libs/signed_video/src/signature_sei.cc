#include "camvault/signed_video/signature_sei.h"

#include "axis/message.h"
#include "camvault/signed_video/supplement.h"
#include "sei_message.h"

namespace camvault::signed_video {

bool is_signature_sei(codec::Codec codec, BytesView unit) {
  return (codec != codec::Codec::av1 && is_media_signing_sei(codec, unit)) ||
         is_supplement_sei(codec, unit) || axis::is_message(codec, unit);
}

bool is_certificate_sei(codec::Codec codec, BytesView unit) {
  if (codec == codec::Codec::av1 || !is_media_signing_sei(codec, unit)) return false;
  const auto message = read_sei_message(codec, unit);
  return message && message->certificate_sei;
}

}  // namespace camvault::signed_video
