#include "sei_message.h"

#include <limits>

#include "camvault/base/byte_reader.h"
#include "camvault/codec/emulation.h"

namespace camvault::signed_video {

namespace {

std::size_t header_size(codec::Codec codec) {
  return codec == codec::Codec::h264 ? 1 : 2;
}

// ITU-T H.264 7.3.2.3.1: each 0xff byte adds 255, the first other byte ends the number.
Result<std::size_t> read_sei_number(ByteReader& in) {
  std::size_t value = 0;
  for (;;) {
    CAM_TRY(const auto byte, in.u8());
    value += byte;
    if (byte != 0xff) return value;
    if (value > kMaxSeiSize) return fail(Errc::limit, "SEI number longer than any SEI may be");
  }
}

std::optional<Timestamp> time_from_1601(std::uint64_t ticks) {
  if (ticks > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return Timestamp(Ticks(static_cast<std::int64_t>(ticks) - kTicksFrom1601To1970));
}

bool plausible(std::optional<Timestamp> time) {
  return time && *time >= from_unix_seconds(946'684'800) &&
         *time < from_unix_seconds(7'258'118'400);  // 2000 .. 2200
}

template <class T>
T byte_swapped(T value) {
  T swapped = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    swapped = static_cast<T>(swapped << 8 | (value >> (8 * i) & 0xff));
  return swapped;
}

Result<crypto::Digest> read_digest(ByteReader& in, std::size_t size) {
  CAM_TRY(const auto bytes, in.take(size));
  crypto::Digest digest;
  std::copy(bytes.begin(), bytes.end(), digest.bytes.begin());
  digest.size = static_cast<std::uint8_t>(size);
  return digest;
}

bool is_digest_size(std::size_t size) {
  return size == 32 || size == 48 || size == 64;
}

// 5.7.2.1
Result<General> read_general(BytesView value) {
  ByteReader in(value);
  General general;
  CAM_TRY(general.version, in.u8());
  if (general.version != 1 && general.version != 2)
    return fail(Errc::unsupported, "version of the General field");
  CAM_TRY(const auto spec, in.take(3));
  std::copy(spec.begin(), spec.end(), general.spec_version.begin());
  // Release 26.06 hashes all slice types. ONVIF's reference implementation (up to 25.12) leaves some out.
  general.hashes_all_types = general.spec_version == std::array<std::uint8_t, 3>{26, 6, 0};
  CAM_TRY(const auto partial, in.u8());
  general.partial = (partial & 1) != 0;
  CAM_TRY(const auto start, in.u64());
  std::uint64_t end = 0;
  if (general.version == 2) {
    CAM_TRY(end, in.u64());
  }
  CAM_TRY(general.counter, in.u32());
  CAM_TRY(general.unit_count, in.u16());
  // The text of the specification says little endian, its reference implementation writes big endian.
  // Whichever gives a time between 2000 and 2200 holds for the counter, too.
  const bool little = !plausible(time_from_1601(start)) && plausible(time_from_1601(byte_swapped(start)));
  general.start = time_from_1601(little ? byte_swapped(start) : start);
  if (general.version == 2) general.end = time_from_1601(little ? byte_swapped(end) : end);
  if (little) general.counter = byte_swapped(general.counter);
  const auto hashes = in.remaining();
  if (hashes % 2 != 0 || !is_digest_size(hashes / 2))
    return fail(Errc::malformed, "General field of odd length");
  CAM_TRY(general.gop_hash, read_digest(in, hashes / 2));
  CAM_TRY(general.linked_hash, read_digest(in, hashes / 2));
  return general;
}

struct HashOid {
  crypto::HashAlg alg;
  std::uint8_t last;  // byte of 2.16.840.1.101.3.4.2.x
};
constexpr HashOid kHashOids[] = {
    {crypto::HashAlg::sha256, 1}, {crypto::HashAlg::sha384, 2}, {crypto::HashAlg::sha512, 3}};
constexpr std::array<std::uint8_t, 10> kHashOidPrefix = {0x06, 0x09, 0x60, 0x86, 0x48,
                                                         0x01, 0x65, 0x03, 0x04, 0x02};

// ONVIF Security Baseline: sha{256,384,512}WithRSAEncryption (1.2.840.113549.1.1.11-13) and
// ecdsa-with-SHA{256,384,512} (1.2.840.10045.4.3.2-4).
std::optional<crypto::HashAlg> hash_from_signing_oid(BytesView der) {
  static constexpr std::uint8_t kRsa[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01};
  static constexpr std::uint8_t kEcdsa[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03};
  std::uint8_t first = 0;
  if (der.size() == sizeof kRsa + 1 && equal(der.first(sizeof kRsa), kRsa)) first = 11;
  if (der.size() == sizeof kEcdsa + 1 && equal(der.first(sizeof kEcdsa), kEcdsa)) first = 2;
  if (first == 0 || der.back() < first || der.back() > first + 2) return std::nullopt;
  return kHashOids[der.back() - first].alg;
}

Status expect_version(ByteReader& in) {
  CAM_TRY(const auto version, in.u8());
  if (version != kTlvVersion) return fail(Errc::unsupported, "version of a field in the SEI");
  return ok();
}

// 5.7.2.4
Result<CryptoInfo> read_crypto_info(BytesView value) {
  ByteReader in(value);
  CAM_TRY_STATUS(expect_version(in));
  CryptoInfo info;
  CAM_TRY(const auto hash_size, in.u8());
  CAM_TRY(const auto hash_oid, in.take(hash_size));
  info.hash = hash_from_oid(hash_oid);
  CAM_TRY(const auto signing_size, in.u8());
  CAM_TRY(const auto signing_oid, in.take(signing_size));
  info.signature_hash = hash_from_signing_oid(signing_oid);
  CAM_TRY(info.rsa_size, in.u16());
  CAM_TRY_STATUS(in.finish());
  return info;
}

Result<std::string> read_text(ByteReader& in) {
  CAM_TRY(const auto size, in.u8());
  CAM_TRY(const auto bytes, in.take(size));
  return std::string(as_text(bytes));
}

// 5.7.2.5
Result<Vendor> read_vendor(BytesView value) {
  ByteReader in(value);
  CAM_TRY_STATUS(expect_version(in));
  Vendor vendor;
  CAM_TRY(vendor.firmware, read_text(in));
  CAM_TRY(vendor.serial, read_text(in));
  CAM_TRY(vendor.manufacturer, read_text(in));
  CAM_TRY_STATUS(in.finish());
  return vendor;
}

// 5.7.2.6
Result<CertificateChain> read_chain(BytesView value) {
  ByteReader in(value);
  CAM_TRY_STATUS(expect_version(in));
  CAM_TRY(const auto user, in.u8());
  return CertificateChain{(user & 1) != 0, std::string(as_text(in.rest()))};
}

// 5.7.2.3: the field has room for the largest signature; its first bytes are the signature.
Result<Bytes> read_signature(BytesView value) {
  ByteReader in(value);
  CAM_TRY_STATUS(expect_version(in));
  CAM_TRY(const auto size, in.u16());
  CAM_TRY(const auto signature, in.take(size));
  return to_bytes(signature);
}

Status read_list(BytesView value, SeiMessage& message) {
  ByteReader in(value);
  CAM_TRY_STATUS(expect_version(in));
  message.hash_list = to_bytes(in.rest());
  return ok();
}

template <class T>
Status set_once(std::optional<T>& target, Result<T> value) {
  if (target) return fail(Errc::malformed, "a field stands twice in the SEI");
  CAM_TRY(target, std::move(value));
  return ok();
}

Status read_field(std::uint8_t tag, BytesView value, SeiMessage& message) {
  switch (static_cast<Tag>(tag)) {
    case Tag::general:
      return set_once(message.general, read_general(value));
    case Tag::hash_list:
      if (message.hash_list) return fail(Errc::malformed, "two hash lists in one SEI");
      return read_list(value, message);
    case Tag::signature:
      return set_once(message.signature, read_signature(value));
    case Tag::crypto_info:
      return set_once(message.crypto, read_crypto_info(value));
    case Tag::vendor_info:
      return set_once(message.vendor, read_vendor(value));
    case Tag::certificate_chain: {
      if (message.chains.size() == 2) return fail(Errc::malformed, "more than two certificate chains");
      CAM_TRY(auto chain, read_chain(value));
      message.chains.push_back(std::move(chain));
      return ok();
    }
    case Tag::arbitrary_data:
      return ok();
  }
  return ok();  // 5.7: fields of later versions are skipped; the signature covers them
}

}  // namespace

std::string_view to_string(Format format) {
  switch (format) {
    case Format::onvif:
      return "ONVIF Media Signing";
    case Format::axis:
      return "Axis Signed Video";
    case Format::axis_legacy:
      return "Axis Signed Video (legacy)";
  }
  return "unknown";
}

std::optional<crypto::HashAlg> hash_from_oid(BytesView der) {
  if (der.size() != kHashOidPrefix.size() + 1 || !equal(der.first(kHashOidPrefix.size()), kHashOidPrefix))
    return std::nullopt;
  for (const auto& known : kHashOids) {
    if (der.back() == known.last) return known.alg;
  }
  return std::nullopt;
}

Bytes oid_of(crypto::HashAlg hash) {
  Bytes oid = to_bytes(kHashOidPrefix);
  for (const auto& known : kHashOids) {
    if (known.alg == hash) oid.push_back(known.last);
  }
  return oid;
}

// 5.7.1, reserved bit 0x40: the signature speaks about the escaped or the plain bytes. An escape byte that
// stands before the Signature field because of zeros in front of it belongs to that field, not to the
// document.
Bytes in_document_domain(BytesView plain, bool escaped) {
  return escaped ? codec::escape(plain, {.zeros_before = 0, .ends_unit = false}) : to_bytes(plain);
}

Result<SeiPayload> locate_user_data(codec::Codec codec, BytesView unit) {
  ByteReader in(unit);
  CAM_TRY_STATUS(in.skip(header_size(codec)));
  CAM_TRY(const auto type, in.u8());
  if (type != kUserDataUnregistered) return fail(Errc::unsupported, "not user data");
  CAM_TRY(const auto size, read_sei_number(in));
  return SeiPayload{in.position(), size};
}

Result<Bytes> unescaped_sei(BytesView unit, const SeiPayload& payload) {
  // Some files hold SEIs without emulation prevention. The payload size tells: it counts bytes without
  // escapes.
  Bytes plain = unit.size() - payload.begin == payload.size + 1 ? to_bytes(unit) : codec::unescape(unit);
  if (plain.size() < payload.begin || plain.size() - payload.begin < payload.size + 1)
    return fail(Errc::malformed, "signature SEI is cut short");
  if (plain.size() - payload.begin != payload.size + 1 || plain.back() != kSeiStopByte)
    return fail(Errc::malformed, "signature SEI is not alone in its unit");
  return plain;
}

bool is_well_formed_sei(codec::Codec codec, BytesView unit) {
  const auto plain = codec::unescape(unit);
  ByteReader in(plain);
  if (!in.skip(header_size(codec))) return false;
  while (in.remaining() > 1) {
    const auto type = read_sei_number(in);
    const auto size = type ? read_sei_number(in) : Result<std::size_t>(std::size_t{0});
    if (!type || !size || !in.skip(*size)) return false;
  }
  return plain.back() == kSeiStopByte && in.remaining() == 1;
}

bool is_media_signing_sei(codec::Codec codec, BytesView unit) {
  const auto info = codec::classify(codec, unit);
  if (info.kind != codec::UnitKind::sei) return false;
  const auto payload = locate_user_data(codec, unit);
  // No escape byte can stand inside the UUID: 00 is followed by 5b, and it has no other zero.
  return payload && unit.size() - payload->begin >= kMediaSigningUuid.size() &&
         equal(unit.subspan(payload->begin, kMediaSigningUuid.size()), kMediaSigningUuid);
}

Result<SeiMessage> read_sei_message(codec::Codec codec, BytesView unit) {
  unit = codec::without_trailing_zeros(unit);
  if (unit.size() > kMaxSeiSize) return fail(Errc::limit, "Media Signing SEI longer than 4 MiB");
  CAM_TRY(const auto payload, locate_user_data(codec, unit));
  CAM_TRY(const auto plain, unescaped_sei(unit, payload));
  ByteReader in(BytesView(plain).subspan(payload.begin, payload.size));
  CAM_TRY_STATUS(in.skip(kMediaSigningUuid.size()));
  CAM_TRY(const auto reserved, in.u8());
  if ((reserved & kMoreReservedBytesBit) != 0)
    return fail(Errc::unsupported, "Media Signing SEI of a later version");

  SeiMessage message;
  message.certificate_sei = (reserved & kCertificateSeiBit) != 0;
  message.escaped_document = (reserved & kEscapedDocumentBit) != 0;
  std::size_t document_end = plain.size();
  for (std::size_t count = 0; !in.at_end(); ++count) {
    if (count == kMaxTlvs) return fail(Errc::limit, "more than 64 fields in one SEI");
    if (message.signature) return fail(Errc::malformed, "fields behind the signature");
    const auto field_begin = payload.begin + in.position();
    CAM_TRY(const auto tag, in.u8());
    CAM_TRY(const auto size, in.u16());
    CAM_TRY(const auto value, in.take(size));
    CAM_TRY_STATUS(read_field(tag, value, message));
    if (tag == static_cast<std::uint8_t>(Tag::signature)) document_end = field_begin;
  }
  if (message.hash_list) {
    if (!message.general) return fail(Errc::malformed, "hash list without a General field");
    if (message.hash_list->size() % message.general->gop_hash.size != 0) {
      return fail(Errc::malformed, "hash list of a length that is no multiple of the hash size");
    }
  }
  const auto document = BytesView(plain).first(document_end);
  message.document = in_document_domain(document, message.escaped_document);
  if (!message.is_signed()) message.whole = in_document_domain(plain, message.escaped_document);
  return message;
}

}  // namespace camvault::signed_video
