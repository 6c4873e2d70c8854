#include "sei_writer.h"

#include "camvault/base/byte_writer.h"
#include "camvault/codec/emulation.h"

namespace camvault::signed_video {

namespace {

std::uint64_t ticks_since_1601(Timestamp time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count() + kTicksFrom1601To1970);
}

Status write_field(ByteWriter& out, Tag tag, BytesView value) {
  if (value.size() > 0xffff) return fail(Errc::limit, "field too long for an SEI");
  out.u8(static_cast<std::uint8_t>(tag));
  out.u16(static_cast<std::uint16_t>(value.size()));
  out.raw(value);
  return ok();
}

Bytes general_value(const General& general) {
  ByteWriter out;
  out.u8(2);
  out.raw(general.spec_version);
  out.u8(general.partial ? 1 : 0);
  out.u64(ticks_since_1601(general.start.value_or(Timestamp{})));
  out.u64(ticks_since_1601(general.end.value_or(Timestamp{})));
  out.u32(general.counter);
  out.u16(general.unit_count);
  out.raw(general.gop_hash.view());
  out.raw(general.linked_hash.view());
  return out.take();
}

Bytes crypto_value(crypto::HashAlg hash) {
  ByteWriter out;
  out.u8(kTlvVersion);
  const auto oid = oid_of(hash);
  out.u8(static_cast<std::uint8_t>(oid.size()));
  out.raw(oid);
  out.u8(0);  // signing OID: may be left out (5.7.2.4); the certificate names the key
  out.u16(0);
  return out.take();
}

Result<Bytes> vendor_value(const Vendor& vendor) {
  ByteWriter out;
  out.u8(kTlvVersion);
  for (const auto* text : {&vendor.firmware, &vendor.serial, &vendor.manufacturer}) {
    if (text->size() > 255) return fail(Errc::usage, "vendor information is limited to 255 bytes a field");
    out.u8(static_cast<std::uint8_t>(text->size()));
    out.raw(as_bytes(*text));
  }
  return out.take();
}

Bytes chain_value(const CertificateChain& chain) {
  ByteWriter out;
  out.u8(kTlvVersion);
  out.u8(chain.user_provisioned ? 1 : 0);
  out.raw(as_bytes(chain.pem));
  return out.take();
}

Bytes list_value(BytesView list) {
  ByteWriter out;
  out.u8(kTlvVersion);
  out.raw(list);
  return out.take();
}

Result<Bytes> fields_of(const SeiDraft& draft) {
  ByteWriter out;
  if (draft.hash) CAM_TRY_STATUS(write_field(out, Tag::crypto_info, crypto_value(*draft.hash)));
  if (draft.vendor) {
    CAM_TRY(const auto value, vendor_value(*draft.vendor));
    CAM_TRY_STATUS(write_field(out, Tag::vendor_info, value));
  }
  for (const auto& chain : draft.chains) {
    CAM_TRY_STATUS(write_field(out, Tag::certificate_chain, chain_value(chain)));
  }
  if (draft.general) CAM_TRY_STATUS(write_field(out, Tag::general, general_value(*draft.general)));
  if (!draft.hash_list.empty()) CAM_TRY_STATUS(write_field(out, Tag::hash_list, list_value(draft.hash_list)));
  return out.take();
}

// Tag, length and the signature's size, around what Parts::signature_head holds.
constexpr std::size_t kSignatureOverhead = 1 + 2 + 2;

}  // namespace

Bytes sei_head(codec::Codec codec, bool after_last_slice, std::size_t payload_size) {
  ByteWriter out;
  if (codec == codec::Codec::h264) {
    out.u8(0x06);
  } else {
    out.u16(after_last_slice ? 0x5001 : 0x4e01);  // suffix or prefix SEI, layer 0, temporal id 0
  }
  out.u8(kUserDataUnregistered);
  for (; payload_size >= 0xff; payload_size -= 0xff) out.u8(0xff);
  out.u8(static_cast<std::uint8_t>(payload_size));
  return out.take();
}

std::size_t signature_field_size(std::size_t head, std::size_t room) {
  return room == 0 ? 0 : kSignatureOverhead + head + room;
}

Result<SeiWriter> SeiWriter::create(const SeiDraft& draft, std::size_t signature_room) {
  CAM_TRY(const auto fields, fields_of(draft));
  Parts parts;
  parts.escaped_document = draft.escaped_document;
  parts.signature_tag = static_cast<std::uint8_t>(Tag::signature);
  parts.signature_head = {kTlvVersion};
  parts.signature_room = signature_room;
  const auto payload_size = kMediaSigningUuid.size() + 1 + fields.size() +
                            signature_field_size(parts.signature_head.size(), signature_room);
  ByteWriter out;
  out.raw(sei_head(draft.codec, draft.after_last_slice, payload_size));
  out.raw(kMediaSigningUuid);
  out.u8(static_cast<std::uint8_t>((draft.certificate_sei ? kCertificateSeiBit : 0) |
                                   (draft.escaped_document ? kEscapedDocumentBit : 0)));
  out.raw(fields);
  parts.plain = out.take();
  return assemble(std::move(parts));
}

SeiWriter SeiWriter::assemble(Parts parts) {
  SeiWriter writer;
  writer.document = in_document_domain(parts.plain, parts.escaped_document);
  writer.parts_ = std::move(parts);
  return writer;
}

Bytes SeiWriter::in_stream(BytesView plain) const {
  return parts_.escaped_stream ? codec::escape(plain) : to_bytes(plain);
}

Result<Bytes> SeiWriter::finish(BytesView signature) const {
  const auto room = parts_.signature_room;
  if (signature.empty() || signature.size() > room) {
    return fail(Errc::internal, "signature does not fit the room left for it");
  }
  ByteWriter out;
  out.raw(parts_.plain);
  out.u8(parts_.signature_tag);
  out.u16(static_cast<std::uint16_t>(parts_.signature_head.size() + 2 + room));
  out.raw(parts_.signature_head);
  out.u16(static_cast<std::uint16_t>(signature.size()));
  out.raw(signature);
  out.fill(room - signature.size(), 0x01);  // never a run of zeros that would need escapes
  out.u8(kSeiStopByte);
  return in_stream(out.view());
}

Result<Bytes> SeiWriter::finish_unsigned() const {
  if (parts_.signature_room != 0) return fail(Errc::internal, "this SEI has room for a signature");
  auto plain = parts_.plain;
  plain.push_back(kSeiStopByte);
  return in_stream(plain);
}

Bytes SeiWriter::whole_unsigned() const {
  auto plain = parts_.plain;
  plain.push_back(kSeiStopByte);
  return in_document_domain(plain, parts_.escaped_document);
}

}  // namespace camvault::signed_video
