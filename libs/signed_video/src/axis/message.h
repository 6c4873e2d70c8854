// Axis Signed Video messages as values: bytes <-> values, no cryptography. There is no specification; this is
// what the framework of Axis Communications AB (v1.0 to v2.3) writes, see docs/formats/axis-signed-video.md.
//
// H.264 and H.265 carry a message in an SEI (unregistered user data), AV1 in an OBU_METADATA of type 25.
// Behind the UUID and a byte of flags come fields of tag, length and value; the signature is the last.
#pragma once

#include <array>

#include "sei_writer.h"

namespace camvault::signed_video::axis {

// "Signed Video...0"
inline constexpr std::array<std::uint8_t, 16> kUuid = {0x53, 0x69, 0x67, 0x6e, 0x65, 0x64, 0x20, 0x56,
                                                       0x69, 0x64, 0x65, 0x6f, 0x2e, 0x2e, 0x2e, 0x30};

enum class Tag : std::uint8_t {
  general = 1,
  public_key = 2,
  product_info = 3,
  hash_list = 4,
  signature = 5,
  arbitrary_data = 6,  // deprecated since v2.3.4
  crypto_info = 7,
  attestation = 129,
};

// The byte behind the UUID.
inline constexpr std::uint8_t kEscapedDocumentBit = 0x80;
inline constexpr std::uint8_t kGoldenBit = 0x40;          // keys and product only, like a certificate SEI
inline constexpr std::uint8_t kCurrentSchemeBits = 0x30;  // General holds a linked hash and a GOP hash

inline constexpr std::size_t kMaxPublicKeyPem = 4096;  // RSA-4096 takes some 800

// Quick look: is this unit an Axis Signed Video message? Decides by the UUID alone.
bool is_message(codec::Codec codec, BytesView unit);

// Reads one; `unit` satisfied is_message(). `format` says which scheme it follows. In a legacy message
// general->unit_count counts, as it says itself, the first unit of the next GOP as well.
Result<SeiMessage> read_message(codec::Codec codec, BytesView unit);

// A GOP hash begins with this byte.
inline constexpr std::uint8_t kGopSalt = 0x01;

// As SeiDraft, in Axis' form: its chains are not looked at.
struct Draft {
  SeiDraft common;
  std::string public_key;    // PEM; empty = leave it out
  std::string certificates;  // PEM, of that key and its intermediates; empty = leave them out
};
Result<SeiWriter> write_message(const Draft& draft, std::size_t signature_room);

}  // namespace camvault::signed_video::axis
