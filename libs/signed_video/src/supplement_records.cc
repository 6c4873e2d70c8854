// Records that others put into supplements, and the certificate extension that announces them.
#include "camvault/base/byte_reader.h"
#include "camvault/base/byte_writer.h"
#include "camvault/crypto/extensions.h"
#include "camvault/signed_video/supplement.h"

namespace camvault::signed_video {

namespace {

constexpr std::uint8_t kSequence = 0x30;
constexpr std::uint8_t kBoolean = 0x01;
constexpr std::uint8_t kOctetString = 0x04;
constexpr std::uint8_t kExtensions = 0xa3;  // [3] EXPLICIT in TBSCertificate

struct Element {
  std::uint8_t tag = 0;
  BytesView content;
  BytesView whole;
};

// One element of DER; lengths of up to four bytes.
Result<Element> next_element(ByteReader& in, BytesView area) {
  const auto begin = in.position();
  Element element;
  CAM_TRY(element.tag, in.u8());
  CAM_TRY(const auto first, in.u8());
  std::size_t size = first;
  if (first >= 0x80) {
    if (first == 0x80 || first > 0x84) return fail(Errc::malformed, "length in DER");
    size = 0;
    for (int i = 0; i < first - 0x80; ++i) {
      CAM_TRY(const auto byte, in.u8());
      size = size << 8 | byte;
    }
  }
  CAM_TRY(element.content, in.take(size));
  element.whole = area.subspan(begin, in.position() - begin);
  return element;
}

Result<bool> find_announcement(BytesView der) {
  ByteReader file(der);
  CAM_TRY(const auto certificate, next_element(file, der));
  ByteReader outer(certificate.content);
  CAM_TRY(const auto to_be_signed, next_element(outer, certificate.content));
  ByteReader fields(to_be_signed.content);
  while (!fields.at_end()) {
    CAM_TRY(const auto field, next_element(fields, to_be_signed.content));
    if (field.tag != kExtensions) continue;
    ByteReader wrapped(field.content);
    CAM_TRY(const auto list, next_element(wrapped, field.content));
    if (list.tag != kSequence) return false;
    ByteReader all(list.content);
    while (!all.at_end()) {
      CAM_TRY(const auto extension, next_element(all, list.content));
      ByteReader in(extension.content);
      CAM_TRY(const auto oid, next_element(in, extension.content));
      if (!equal(oid.whole, crypto::kMediaSupplementOidDer)) continue;
      CAM_TRY(auto value, next_element(in, extension.content));
      if (value.tag == kBoolean) {
        CAM_TRY(value, next_element(in, extension.content));
      }
      // Later versions promise more, never less.
      return value.tag == kOctetString && !value.content.empty() && value.content[0] == kSequence;
    }
  }
  return false;
}

}  // namespace

std::string_view name_of_record(std::uint16_t type) {
  switch (static_cast<RecordType>(type)) {
    case RecordType::session:
      return "session";
    case RecordType::gop:
      return "gop";
    case RecordType::parameter_sets:
      return "parameter_sets";
    case RecordType::units:
      return "units";
    case RecordType::track:
      return "track";
    case RecordType::time_stamp:
      return "time_stamp";
    case RecordType::attestation:
      return "attestation";
    case RecordType::next_key:
      return "next_key";
    case RecordType::previous:
      return "previous";
    case RecordType::signature:
      return "signature";
  }
  return "unknown";
}

bool announces_supplement(const crypto::Certificate& certificate) {
  const auto found = find_announcement(certificate.der);
  return found && *found;
}

Result<Bytes> encode_record(const TimeStampRecord& record) {
  if (record.token.empty() || record.token.size() > kMaxRecordSize - record.signature_sha256.size())
    return fail(Errc::limit, "time stamp too long for a supplement");
  ByteWriter out;
  out.raw(record.signature_sha256);
  out.raw(record.token);
  return out.take();
}

Result<TimeStampRecord> read_time_stamp_record(BytesView value) {
  ByteReader in(value);
  TimeStampRecord record;
  CAM_TRY(const auto hash, in.take(record.signature_sha256.size()));
  std::copy(hash.begin(), hash.end(), record.signature_sha256.begin());
  record.token = to_bytes(in.rest());
  if (record.token.empty()) return fail(Errc::malformed, "time stamp record without a token");
  return record;
}

Bytes encode_record(const NextKeyRecord& record) {
  return {record.certificate_sha256.begin(), record.certificate_sha256.end()};
}

Result<NextKeyRecord> read_next_key_record(BytesView value) {
  ByteReader in(value);
  NextKeyRecord record;
  CAM_TRY(const auto hash, in.take(record.certificate_sha256.size()));
  CAM_TRY_STATUS(in.finish());
  std::copy(hash.begin(), hash.end(), record.certificate_sha256.begin());
  return record;
}

Result<Bytes> encode_record(const AttestationRecord& record) {
  if (record.backend.empty() || record.backend.size() > 32)
    return fail(Errc::usage, "the name of a backend has 1 to 32 bytes");
  if (record.nonce.size() > 255) return fail(Errc::limit, "a nonce has at most 255 bytes");
  if (record.evidence.size() > kMaxRecordSize - 512) return fail(Errc::limit, "evidence too long");
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(record.backend.size()));
  out.raw(as_bytes(record.backend));
  out.u8(static_cast<std::uint8_t>(record.nonce.size()));
  out.raw(record.nonce);
  out.raw(record.evidence);
  return out.take();
}

Result<AttestationRecord> read_attestation_record(BytesView value) {
  ByteReader in(value);
  AttestationRecord record;
  CAM_TRY(const auto name_size, in.u8());
  if (name_size == 0 || name_size > 32) return fail(Errc::malformed, "name of a backend");
  CAM_TRY(const auto name, in.take(name_size));
  record.backend = as_text(name);
  CAM_TRY(const auto nonce_size, in.u8());
  CAM_TRY(const auto nonce, in.take(nonce_size));
  record.nonce = to_bytes(nonce);
  record.evidence = to_bytes(in.rest());
  return record;
}

}  // namespace camvault::signed_video
