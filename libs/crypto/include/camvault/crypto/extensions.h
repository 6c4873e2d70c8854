// Certificate extensions of our own. Their identifiers are UUIDs that nobody has to register, cut into small
// arcs below 1.2.840.113556.1.8000.2554: parsers with arcs of 32 bits (python3-cryptography 38) refuse a
// certificate that has one of 2.25.UUID.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace camvault::crypto {

// In a signing certificate: this camera writes a supplement (signed_video/supplement.h) before every signed
// SEI, and nothing signs with this key that does not. Who takes supplements away is found out. Not critical:
// others may ignore it. The UUID is that of the supplement's SEI, 5dd644f4-f457-4d2f-8680-fe9b3ea9a1a8.
inline constexpr std::string_view kMediaSupplementOid =
    "1.2.840.113556.1.8000.2554.24022.17652.62551.19759.34432.16685886.11116968";
inline constexpr std::array<std::uint8_t, 36> kMediaSupplementOidDer = {
    0x06, 0x22, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x14, 0x01, 0xbe, 0x40, 0x93,
    0x7a, 0x81, 0xbb, 0x56, 0x81, 0x89, 0x74, 0x83, 0xe8, 0x57, 0x81, 0x9a,
    0x2f, 0x82, 0x8d, 0x00, 0x87, 0xfa, 0xb6, 0x3e, 0x85, 0xa6, 0xc3, 0x28};
// SEQUENCE { version INTEGER (1) }. Later versions promise more, never less.
inline constexpr std::array<std::uint8_t, 5> kMediaSupplementPolicyDer = {0x30, 0x03, 0x02, 0x01, 0x01};

// In a signing certificate: the SHA-256 of the SubjectPublicKeyInfo of the key with which this device's
// keystore attests others (docs/formats/attestation.md), as an OCTET STRING. Whoever issued the certificate
// vouches for it. Not critical. The UUID is b0c6a5a2-9f0d-4c53-8f8b-6d3f1a7e2c94.
inline constexpr std::string_view kAttestationKeyOid =
    "1.2.840.113556.1.8000.2554.45254.42402.40717.19539.36747.7159578.8268948";
inline constexpr std::array<std::uint8_t, 36> kAttestationKeyOidDer = {
    0x06, 0x22, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x14, 0x01, 0xbe, 0x40, 0x93,
    0x7a, 0x82, 0xe1, 0x46, 0x82, 0xcb, 0x22, 0x82, 0xbe, 0x0d, 0x81, 0x98,
    0x53, 0x82, 0x9f, 0x0b, 0x83, 0xb4, 0xfe, 0x1a, 0x83, 0xf8, 0xd9, 0x14};

}  // namespace camvault::crypto
