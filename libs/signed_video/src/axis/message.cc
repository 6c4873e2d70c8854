#include "axis/message.h"

#include <algorithm>
#include <limits>

#include "camvault/base/byte_reader.h"
#include "camvault/base/byte_writer.h"
#include "camvault/codec/obu.h"

namespace camvault::signed_video::axis {

namespace {

constexpr std::uint32_t kUserPrivateMetadata = 25;  // AV1 6.7.1: 6 to 31 are unregistered user private
constexpr std::size_t kMaxPublicKeyVersion = 2;

bool is_digest_size(std::size_t size) {
  return size == 32 || size == 48 || size == 64;
}

Result<crypto::Digest> read_digest(ByteReader& in, std::size_t size) {
  CAM_TRY(const auto bytes, in.take(size));
  crypto::Digest digest;
  std::copy(bytes.begin(), bytes.end(), digest.bytes.begin());
  digest.size = static_cast<std::uint8_t>(size);
  return digest;
}

Result<std::uint8_t> read_version(ByteReader& in, std::uint8_t newest) {
  CAM_TRY(const auto version, in.u8());
  if (version < 1 || version > newest) return fail(Errc::unsupported, "version of a field in the message");
  return version;
}

// Microseconds since 1970. What does not fit our clock is no time.
std::optional<Timestamp> time_from_microseconds(std::uint64_t raw) {
  const auto microseconds = static_cast<std::int64_t>(raw);
  constexpr auto kLargest = std::numeric_limits<std::int64_t>::max() / 10;
  if (microseconds > kLargest || microseconds < -kLargest) return std::nullopt;
  return Timestamp(Ticks(microseconds * 10));
}

Result<General> read_general(BytesView value, bool legacy) {
  ByteReader in(value);
  General general;
  general.format = legacy ? Format::axis_legacy : Format::axis;
  CAM_TRY(general.version, read_version(in, legacy ? 2 : 4));
  if (!legacy && general.version < 3) return fail(Errc::malformed, "General field without hashes");
  CAM_TRY(general.counter, in.u32());
  CAM_TRY(general.unit_count, in.u16());
  CAM_TRY(const auto software, in.take(3));
  std::copy(software.begin(), software.end(), general.spec_version.begin());
  if (general.version >= 2) {
    CAM_TRY(const auto flags, in.u8());
    general.partial = !legacy && (flags & 2) != 0;
    if ((flags & 1) != 0) {
      CAM_TRY(const auto start, in.u64());
      general.start = time_from_microseconds(start);
      if (general.version >= 4) {
        CAM_TRY(const auto end, in.u64());
        general.end = time_from_microseconds(end);
      }
    }
  }
  if (!legacy) {
    const auto hashes = in.remaining();
    if (hashes % 2 != 0 || !is_digest_size(hashes / 2))
      return fail(Errc::malformed, "General field of odd length");
    CAM_TRY(general.linked_hash, read_digest(in, hashes / 2));
    CAM_TRY(general.gop_hash, read_digest(in, hashes / 2));
  }
  CAM_TRY_STATUS(in.finish());
  return general;
}

// Version 1 has a byte for the algorithm, which the key names itself; some writers end it with a NUL.
Result<std::string> read_public_key(BytesView value) {
  ByteReader in(value);
  CAM_TRY(const auto version, read_version(in, kMaxPublicKeyVersion));
  if (version == 1) CAM_TRY_STATUS(in.skip(1));
  auto pem = as_text(in.rest());
  while (!pem.empty() && pem.back() == '\0') pem.remove_suffix(1);
  if (pem.empty() || pem.size() > kMaxPublicKeyPem)
    return fail(Errc::malformed, "public key of no plausible size");
  return std::string(pem);
}

// Version 1 counts a NUL at the end of each text.
Result<std::string> read_text(ByteReader& in) {
  CAM_TRY(const auto size, in.u8());
  CAM_TRY(const auto bytes, in.take(size));
  auto text = as_text(bytes);
  while (!text.empty() && text.back() == '\0') text.remove_suffix(1);
  return std::string(text);
}

Result<Vendor> read_product(BytesView value) {
  ByteReader in(value);
  CAM_TRY_STATUS(read_version(in, 2));
  Vendor product;
  CAM_TRY_STATUS(read_text(in));  // hardware id
  CAM_TRY(product.firmware, read_text(in));
  CAM_TRY(product.serial, read_text(in));
  CAM_TRY(product.manufacturer, read_text(in));
  CAM_TRY_STATUS(read_text(in));  // address
  CAM_TRY_STATUS(in.finish());
  return product;
}

Result<Bytes> read_list(BytesView value) {
  ByteReader in(value);
  CAM_TRY_STATUS(read_version(in, 1));
  return to_bytes(in.rest());
}

struct Signature {
  Bytes bytes;
  bool of_gop = false;
};

// The field has room for the largest signature; its first bytes are the signature, and a filling follows
// (ones; zeros by older writers). Nothing signs the field itself: what could be altered in it unseen is
// refused.
Result<Signature> read_signature(BytesView value) {
  ByteReader in(value);
  CAM_TRY(const auto version, read_version(in, 2));
  CAM_TRY(const auto trouble, in.u8());
  if (trouble != 0) return fail(Errc::unsupported, "the camera had trouble when it made the message");
  Signature signature;
  if (version == 1) {
    CAM_TRY(const auto kind, in.u8());
    if (kind > 1) return fail(Errc::unsupported, "signature about something unknown");
    signature.of_gop = kind == 0;
  }
  CAM_TRY(const auto size, in.u16());
  CAM_TRY(const auto bytes, in.take(size));
  signature.bytes = to_bytes(bytes);
  const auto filling = in.rest();
  const auto is_filling = [&](std::uint8_t byte) { return byte <= 1 && byte == filling.front(); };
  if (!std::all_of(filling.begin(), filling.end(), is_filling))
    return fail(Errc::malformed, "something behind the signature");
  return signature;
}

Result<CryptoInfo> read_crypto_info(BytesView value) {
  ByteReader in(value);
  CAM_TRY_STATUS(read_version(in, 1));
  CAM_TRY(const auto size, in.u8());
  CAM_TRY(const auto oid, in.take(size));
  CAM_TRY_STATUS(in.finish());
  CryptoInfo info;
  info.hash = hash_from_oid(oid);
  if (!info.hash) return fail(Errc::unsupported, "hash algorithm that is not known");
  return info;
}

Status read_attestation(BytesView value, AxisFields& fields) {
  ByteReader in(value);
  CAM_TRY_STATUS(read_version(in, 1));
  CAM_TRY(const auto size, in.u8());
  CAM_TRY(const auto attestation, in.take(size));
  fields.has_attestation = true;
  fields.attestation = to_bytes(attestation);
  auto chain = as_text(in.rest());
  while (!chain.empty() && chain.back() == '\0') chain.remove_suffix(1);
  fields.attestation_chain = std::string(chain);
  return ok();
}

Status read_field(std::uint8_t tag, BytesView value, bool legacy, SeiMessage& message) {
  switch (static_cast<Tag>(tag)) {
    case Tag::general: {
      CAM_TRY(message.general, read_general(value, legacy));
      return ok();
    }
    case Tag::public_key: {
      CAM_TRY(message.axis.public_key, read_public_key(value));
      return ok();
    }
    case Tag::product_info: {
      CAM_TRY(message.vendor, read_product(value));
      return ok();
    }
    case Tag::hash_list: {
      CAM_TRY(message.hash_list, read_list(value));
      return ok();
    }
    case Tag::signature: {
      CAM_TRY(auto signature, read_signature(value));
      message.signature = std::move(signature.bytes);
      message.axis.signs_gop = signature.of_gop;
      return ok();
    }
    case Tag::crypto_info: {
      CAM_TRY(message.crypto, read_crypto_info(value));
      return ok();
    }
    case Tag::attestation:
      return read_attestation(value, message.axis);
    case Tag::arbitrary_data:
      return ok();
  }
  return fail(Errc::unsupported, "field of an unknown kind");
}

std::size_t length_size(std::uint8_t tag) {
  return tag == static_cast<std::uint8_t>(Tag::general) || tag == static_cast<std::uint8_t>(Tag::crypto_info)
             ? 1
             : 2;
}

// The unit in the domain that its fields are read in, and where UUID, flags and fields stand in it.
struct Envelope {
  Bytes plain;
  SeiPayload payload;
};

Result<SeiPayload> locate_in_obu(BytesView unit) {
  CAM_TRY(const auto header, codec::read_obu_header(unit));
  if (header.type != codec::ObuType::metadata || header.has_extension || !header.has_size)
    return fail(Errc::unsupported, "not a metadata OBU with a size");
  CAM_TRY(const auto type, codec::read_leb128(unit.subspan(header.payload_offset)));
  const auto behind_type = header.payload_offset + type.size;
  if (type.value != kUserPrivateMetadata || unit.size() <= behind_type || unit[behind_type] != kSeiStopByte)
    return fail(Errc::unsupported, "not user private metadata");
  // metadata_type, a byte 0x80, the message, and the stop byte.
  if (header.payload_size < type.size + 2) return fail(Errc::malformed, "metadata OBU too short");
  return SeiPayload{behind_type + 1, header.payload_size - type.size - 2};
}

Result<SeiPayload> locate(codec::Codec codec, BytesView unit) {
  return codec == codec::Codec::av1 ? locate_in_obu(unit) : locate_user_data(codec, unit);
}

Result<Envelope> open_envelope(codec::Codec codec, BytesView unit) {
  CAM_TRY(const auto payload, locate(codec, unit));
  if (codec != codec::Codec::av1) {
    CAM_TRY(auto plain, unescaped_sei(unit, payload));
    return Envelope{std::move(plain), payload};
  }
  if (unit.size() - payload.begin != payload.size + 1 || unit.back() != kSeiStopByte)
    return fail(Errc::malformed, "signature metadata of another size than it says");
  return Envelope{to_bytes(unit), payload};
}

// What must fit together once all fields are read.
Status check_fields(SeiMessage& message, bool legacy) {
  if (!message.crypto) {
    // SHA-256 unless something else is named; a message may leave out what an earlier one has said.
    CryptoInfo info;
    const auto size = message.general ? message.general->gop_hash.size : 0;
    info.hash = size == 64   ? crypto::HashAlg::sha512
                : size == 48 ? crypto::HashAlg::sha384
                             : crypto::HashAlg::sha256;
    if (message.general) message.crypto = info;
  }
  if (message.general) {
    const auto digest_size = crypto::digest_size(*message.crypto->hash);
    if (!legacy && message.general->gop_hash.size != digest_size)
      return fail(Errc::malformed, "hashes of another size than the algorithm's");
    if (message.hash_list && message.hash_list->size() % digest_size != 0)
      return fail(Errc::malformed, "hash list of a length that is no multiple of the hash size");
  } else if (message.hash_list) {
    return fail(Errc::malformed, "hash list without a General field");
  }
  if (!legacy) {
    if (message.axis.signs_gop) return fail(Errc::malformed, "signature of the legacy kind");
    return ok();
  }
  if (!message.general) return fail(Errc::malformed, "legacy message without a General field");
  if (!message.is_signed()) return fail(Errc::malformed, "legacy message without a signature");
  if (message.general->unit_count == 0) return fail(Errc::malformed, "legacy message about no units");
  if (message.axis.signs_gop) {
    if (message.hash_list) return fail(Errc::malformed, "hash list beside a GOP signature");
    return ok();
  }
  const auto digest_size = crypto::digest_size(*message.crypto->hash);
  if (!message.hash_list || message.hash_list->empty())
    return fail(Errc::malformed, "legacy message without its hash list");
  if (message.hash_list->size() / digest_size != message.general->unit_count)
    return fail(Errc::malformed, "hash list of another length than the message says");
  return ok();
}

}  // namespace

bool is_message(codec::Codec codec, BytesView unit) {
  if (codec::classify(codec, unit).kind != codec::UnitKind::sei) return false;
  const auto payload = locate(codec, unit);
  // No escape byte can stand inside the UUID: it has no zeros.
  return payload && unit.size() - payload->begin >= kUuid.size() &&
         equal(unit.subspan(payload->begin, kUuid.size()), kUuid);
}

Result<SeiMessage> read_message(codec::Codec codec, BytesView unit) {
  unit = codec::without_trailing_zeros(unit);
  if (unit.size() > kMaxSeiSize) return fail(Errc::limit, "Signed Video message longer than 4 MiB");
  CAM_TRY(const auto envelope, open_envelope(codec, unit));
  const auto& [plain, payload] = envelope;
  ByteReader in(BytesView(plain).subspan(payload.begin, payload.size));
  CAM_TRY_STATUS(in.skip(kUuid.size()));
  CAM_TRY(const auto flags, in.u8());
  const bool golden = (flags & kGoldenBit) != 0;
  const bool legacy = (flags & kCurrentSchemeBits) == 0 && !golden;
  if (!legacy && (flags & kCurrentSchemeBits) != kCurrentSchemeBits && !golden)
    return fail(Errc::unsupported, "Signed Video message of an unknown scheme");

  SeiMessage message;
  message.format = legacy ? Format::axis_legacy : Format::axis;
  message.certificate_sei = golden;
  message.escaped_document = codec != codec::Codec::av1 && (flags & kEscapedDocumentBit) != 0;
  std::array<bool, 256> seen{};
  std::size_t document_end = plain.size();
  while (!in.at_end()) {
    if (message.signature) return fail(Errc::malformed, "fields behind the signature");
    const auto field_begin = payload.begin + in.position();
    CAM_TRY(const auto tag, in.u8());
    if (std::exchange(seen[tag], true)) return fail(Errc::malformed, "a field stands twice in the message");
    std::size_t size = 0;
    if (length_size(tag) == 1) {
      CAM_TRY(size, in.u8());
    } else {
      CAM_TRY(size, in.u16());
    }
    CAM_TRY(const auto value, in.take(size));
    CAM_TRY_STATUS(read_field(tag, value, legacy, message));
    if (tag == static_cast<std::uint8_t>(Tag::signature)) document_end = field_begin;
  }
  CAM_TRY_STATUS(check_fields(message, legacy));
  if (golden && (message.general || message.hash_list))
    return fail(Errc::malformed, "golden message that speaks about pictures");
  // The framework hashes all types of OBU that hold pictures, but leaves some types of NAL unit out.
  if (message.general) message.general->hashes_all_types = codec == codec::Codec::av1 && !legacy;
  const auto document = BytesView(plain).first(document_end);
  message.document = in_document_domain(document, message.escaped_document);
  if (!message.is_signed()) message.whole = in_document_domain(plain, message.escaped_document);
  return message;
}

// Writing

namespace {

constexpr std::uint8_t kGeneralVersion = 4;
constexpr std::uint8_t kPublicKeyVersion = 2;
constexpr std::uint8_t kProductVersion = 2;
constexpr std::uint8_t kListVersion = 1;
constexpr std::uint8_t kSignatureVersion = 2;
constexpr std::uint8_t kCryptoVersion = 1;
constexpr std::uint8_t kAttestationVersion = 1;
// The framework reads its own version from here; Axis Signed Video as of v2.3.8.
constexpr std::array<std::uint8_t, 3> kWrittenVersion = {2, 3, 8};

Status write_field(ByteWriter& out, Tag tag, BytesView value) {
  const auto raw = static_cast<std::uint8_t>(tag);
  out.u8(raw);
  if (value.size() > (length_size(raw) == 1 ? 0xffU : 0xffffU))
    return fail(Errc::limit, "field too long for the message");
  if (length_size(raw) == 1) {
    out.u8(static_cast<std::uint8_t>(value.size()));
  } else {
    out.u16(static_cast<std::uint16_t>(value.size()));
  }
  out.raw(value);
  return ok();
}

std::uint64_t microseconds(Timestamp time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count() / 10);
}

Bytes general_value(const General& general) {
  ByteWriter out;
  out.u8(kGeneralVersion);
  out.u32(general.counter);
  out.u16(general.unit_count);
  out.raw(kWrittenVersion);
  const bool has_times = general.start && general.end;
  out.u8(static_cast<std::uint8_t>((has_times ? 1 : 0) | (general.partial ? 2 : 0)));
  if (has_times) {
    out.u64(microseconds(*general.start));
    out.u64(microseconds(*general.end));
  }
  out.raw(general.linked_hash.view());
  out.raw(general.gop_hash.view());
  return out.take();
}

Bytes versioned(std::uint8_t version, BytesView rest) {
  Bytes value{version};
  append(value, rest);
  return value;
}

Result<Bytes> product_value(const Vendor& product) {
  ByteWriter out;
  out.u8(kProductVersion);
  const std::string none;
  for (const auto* text : {&none, &product.firmware, &product.serial, &product.manufacturer, &none}) {
    if (text->size() > 255) return fail(Errc::usage, "product information is limited to 255 bytes a field");
    out.u8(static_cast<std::uint8_t>(text->size()));
    out.raw(as_bytes(*text));
  }
  return out.take();
}

Result<Bytes> fields_of(const Draft& draft) {
  ByteWriter out;
  const auto& common = draft.common;
  if (!draft.public_key.empty()) {
    CAM_TRY_STATUS(
        write_field(out, Tag::public_key, versioned(kPublicKeyVersion, as_bytes(draft.public_key))));
  }
  if (common.vendor) {
    CAM_TRY(const auto value, product_value(*common.vendor));
    CAM_TRY_STATUS(write_field(out, Tag::product_info, value));
  }
  if (common.hash) {
    auto oid = oid_of(*common.hash);
    oid.insert(oid.begin(), static_cast<std::uint8_t>(oid.size()));
    CAM_TRY_STATUS(write_field(out, Tag::crypto_info, versioned(kCryptoVersion, oid)));
  }
  if (!draft.certificates.empty()) {
    // No statement of a secure element: the first certificate is the key's own.
    Bytes value{kAttestationVersion, 0};
    append(value, as_bytes(draft.certificates));
    CAM_TRY_STATUS(write_field(out, Tag::attestation, value));
  }
  if (common.general) CAM_TRY_STATUS(write_field(out, Tag::general, general_value(*common.general)));
  if (!common.hash_list.empty())
    CAM_TRY_STATUS(write_field(out, Tag::hash_list, versioned(kListVersion, common.hash_list)));
  return out.take();
}

}  // namespace

Result<SeiWriter> write_message(const Draft& draft, std::size_t signature_room) {
  CAM_TRY(const auto fields, fields_of(draft));
  const auto& common = draft.common;
  const bool av1 = common.codec == codec::Codec::av1;
  SeiWriter::Parts parts;
  parts.escaped_document = common.escaped_document && !av1;
  parts.escaped_stream = !av1;
  parts.signature_tag = static_cast<std::uint8_t>(Tag::signature);
  parts.signature_head = {kSignatureVersion, 0};
  parts.signature_room = signature_room;
  const auto payload_size =
      kUuid.size() + 1 + fields.size() + signature_field_size(parts.signature_head.size(), signature_room);
  ByteWriter out;
  if (av1) {
    out.u8(0x2a);  // OBU_METADATA with a size field
    out.raw(codec::leb128(static_cast<std::uint32_t>(payload_size + 3)));
    out.u8(kUserPrivateMetadata);
    out.u8(kSeiStopByte);
  } else {
    out.raw(sei_head(common.codec, common.after_last_slice, payload_size));
  }
  out.raw(kUuid);
  out.u8(static_cast<std::uint8_t>(kCurrentSchemeBits | (parts.escaped_document ? kEscapedDocumentBit : 0) |
                                   (common.certificate_sei ? kGoldenBit : 0)));
  out.raw(fields);
  parts.plain = out.take();
  return SeiWriter::assemble(std::move(parts));
}

}  // namespace camvault::signed_video::axis
