// Certificate extensions of our own. Arcs are 2.25.N (ITU-T X.667): N is a UUID, and nobody has to register
// it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace camvault::crypto {

// In a signing certificate: this camera writes a supplement (signed_video/supplement.h) before every signed
// SEI, and nothing signs with this key that does not. Who takes supplements away is found out. Not critical:
// others may ignore it. The UUID is that of the supplement's SEI, 5dd644f4-f457-4d2f-8680-fe9b3ea9a1a8.
inline constexpr std::string_view kMediaSupplementOid = "2.25.124730753746868214528269632333238870440";
inline constexpr std::array<std::uint8_t, 22> kMediaSupplementOidDer = {
    0x06, 0x14, 0x69, 0x81, 0xbb, 0xd6, 0xa2, 0xbd, 0x9e, 0xc5, 0xba,
    0xb4, 0xdf, 0x86, 0xc0, 0xbf, 0xd3, 0xb3, 0xf5, 0xa6, 0xc3, 0x28};
// SEQUENCE { version INTEGER (1) }. Later versions promise more, never less.
inline constexpr std::array<std::uint8_t, 5> kMediaSupplementPolicyDer = {0x30, 0x03, 0x02, 0x01, 0x01};

// In a signing certificate: the SHA-256 of the SubjectPublicKeyInfo of the key with which this device's
// keystore attests others (docs/formats/attestation.md), as an OCTET STRING. Whoever issued the certificate
// vouches for it. Not critical. The UUID is b0c6a5a2-9f0d-4c53-8f8b-6d3f1a7e2c94.
inline constexpr std::string_view kAttestationKeyOid = "2.25.234975561517906212376486515737530084500";
inline constexpr std::array<std::uint8_t, 22> kAttestationKeyOidDer = {
    0x06, 0x14, 0x69, 0x82, 0xe1, 0xc6, 0xd2, 0xe8, 0xd3, 0xf0, 0xea,
    0xb1, 0xa7, 0x8f, 0xc5, 0xdb, 0xa7, 0xf1, 0xd3, 0xf8, 0xd9, 0x14};

}  // namespace camvault::crypto
