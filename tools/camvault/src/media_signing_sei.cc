#include "media_signing_sei.h"

#include "camvault/base/byte_reader.h"

namespace camvault::cli {

namespace {
constexpr std::uint8_t kUuid[] = {0x00, 0x5b, 0xc9, 0x3f, 0x2d, 0x71, 0x5e, 0x95,
                                  0xad, 0xa4, 0x79, 0x6f, 0x90, 0x87, 0x7a, 0x6f};
constexpr std::uint8_t kUserDataUnregistered = 5;
constexpr int kMaxSizeBytes = 4096;  // a message of a megabyte; longer numbers are no signature of anybody
}  // namespace

bool is_media_signing_sei(codec::Codec codec, BytesView unit) {
  if (codec::classify(codec, unit).kind != codec::UnitKind::sei) return false;
  ByteReader in(unit);
  if (!in.skip(codec == codec::Codec::h264 ? 1 : 2)) return false;
  const auto type = in.u8();
  if (!type || *type != kUserDataUnregistered) return false;
  // ITU-T H.264 7.3.2.3.1: bytes of 0xFF and one other make the size.
  for (int i = 0; i < kMaxSizeBytes; ++i) {
    const auto byte = in.u8();
    if (!byte) return false;
    if (*byte == 0xFF) continue;
    const auto uuid = in.take(sizeof kUuid);
    return uuid && equal(*uuid, kUuid);
  }
  return false;
}

}  // namespace camvault::cli
