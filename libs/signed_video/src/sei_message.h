// ONVIF Media Signing SEI messages (specification 26.06, 5.7 to 5.11) as values: bytes -> values, no
// cryptography; sei_writer.h is the way back. Where the specification's text and ONVIF's reference
// implementation differ (byte order of times and counter), what the reference writes is written, and both are
// read.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "camvault/base/bytes.h"
#include "camvault/base/time.h"
#include "camvault/codec/unit.h"
#include "camvault/crypto/hash.h"
#include "camvault/crypto/key.h"

namespace camvault::signed_video {

// 5.7.1: the UUID that marks a Media Signing SEI.
inline constexpr std::array<std::uint8_t, 16> kMediaSigningUuid = {
    0x00, 0x5b, 0xc9, 0x3f, 0x2d, 0x71, 0x5e, 0x95, 0xad, 0xa4, 0x79, 0x6f, 0x90, 0x87, 0x7a, 0x6f};

enum class Tag : std::uint8_t {
  general = 1,
  hash_list = 2,
  signature = 3,
  crypto_info = 4,
  vendor_info = 5,
  certificate_chain = 6,
  arbitrary_data = 7,
};

// Reserved byte behind the UUID.
inline constexpr std::uint8_t kCertificateSeiBit = 0x80;
inline constexpr std::uint8_t kEscapedDocumentBit = 0x40;  // emulation prevention was applied before hashing
inline constexpr std::uint8_t kMoreReservedBytesBit = 0x01;

inline constexpr std::uint8_t kUserDataUnregistered = 5;  // ITU-T H.264 D.1.7, H.265 D.2.7
inline constexpr std::uint8_t kSeiStopByte = 0x80;        // rbsp_trailing_bits() behind whole bytes
inline constexpr std::uint8_t kTlvVersion = 1;
inline constexpr std::int64_t kTicksFrom1601To1970 = 116'444'736'000'000'000;

inline constexpr std::uint16_t kUnknownUnitCount =
    0xffff;                                  // the reference writes it for GOPs past its list limit
inline constexpr std::size_t kMaxTlvs = 64;  // seven tags exist; two of them may repeat
inline constexpr std::size_t kMaxSeiSize = 4 * 1024 * 1024;  // 64 TLVs of 64 KiB
inline constexpr std::size_t kMaxListEntries = 65'535 / 32;  // what a 16-bit TLV length can hold

enum class Format : std::uint8_t {
  onvif,        // ONVIF Media Signing
  axis,         // Axis Signed Video, current scheme
  axis_legacy,  // Axis Signed Video as written by versions 1.x
};
std::string_view to_string(Format format);  // for people: "ONVIF Media Signing", ...

struct General {
  Format format = Format::onvif;
  bool hashes_all_types = false;  // the signer says that it hashes every type of slice
  std::uint8_t version = 2;
  std::array<std::uint8_t, 3> spec_version{};
  bool partial = false;            // more parts of this GOP follow
  std::optional<Timestamp> start;  // first picture of the (partial) GOP; none if the field is out of range
  std::optional<Timestamp> end;    // first picture of the next one, exclusive; version 2
  std::uint32_t counter = 0;
  std::uint16_t unit_count = 0;
  crypto::Digest gop_hash;
  crypto::Digest linked_hash;
};

struct CryptoInfo {
  std::optional<crypto::HashAlg> hash;            // none: an algorithm we do not know
  std::optional<crypto::HashAlg> signature_hash;  // when the signing OID names one
  std::uint16_t rsa_size = 0;
};

struct Vendor {
  std::string firmware;
  std::string serial;
  std::string manufacturer;
};

struct CertificateChain {
  bool user_provisioned = false;
  std::string pem;
};

// What only Axis Signed Video has.
struct AxisFields {
  std::string public_key;         // PEM, as it stands in the SEI; empty: left out
  bool has_attestation = false;   // the fields below are there
  Bytes attestation;              // empty: the key is the one of the first certificate
  std::string attestation_chain;  // PEM, without the root
  bool signs_gop = false;         // legacy: the signature speaks about the units as well as the document
};

struct SeiMessage {
  Format format = Format::onvif;
  AxisFields axis;
  bool certificate_sei = false;
  bool escaped_document = false;
  std::optional<General> general;
  std::optional<Bytes> hash_list;  // entries of general->gop_hash.size bytes each
  std::optional<CryptoInfo> crypto;
  std::optional<Vendor> vendor;
  std::vector<CertificateChain> chains;
  std::optional<Bytes> signature;  // actual bytes, without padding
  Bytes document;                  // what the signature speaks about
  Bytes whole;  // the unit up to its stop byte in the document's domain: hashed when unsigned

  bool is_signed() const { return signature.has_value(); }
  std::size_t list_size() const {
    return hash_list && general && general->gop_hash.size != 0 ? hash_list->size() / general->gop_hash.size
                                                               : 0;
  }
};

// Where the user data of an SEI stand; the payload may reach past the end of the unit.
struct SeiPayload {
  std::size_t begin = 0;  // in the unit
  std::size_t size = 0;
};
// The first message of an H.264 or H.265 SEI unit, if it is unregistered user data.
Result<SeiPayload> locate_user_data(codec::Codec codec, BytesView unit);
// The unit without emulation prevention, if its user data are alone in it.
Result<Bytes> unescaped_sei(BytesView unit, const SeiPayload& payload);
// The bytes that a signature speaks about: escaped ones or plain ones.
Bytes in_document_domain(BytesView plain, bool escaped);

// The hash algorithm that a DER object identifier names.
std::optional<crypto::HashAlg> hash_from_oid(BytesView der);
Bytes oid_of(crypto::HashAlg hash);

// Does the unit hold whole SEI messages and nothing else (ITU-T H.264 7.3.2.3)? A slice with a changed type
// does not.
bool is_well_formed_sei(codec::Codec codec, BytesView unit);

// Quick look: is this unit a Media Signing SEI? Decides by the UUID alone.
bool is_media_signing_sei(codec::Codec codec, BytesView unit);

// Reads one; `unit` satisfied is_media_signing_sei().
Result<SeiMessage> read_sei_message(codec::Codec codec, BytesView unit);

}  // namespace camvault::signed_video
