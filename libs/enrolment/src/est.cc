#include "camvault/enrolment/est.h"

#include <array>

#include "camvault/base/base64.h"
#include "camvault/base/byte_reader.h"

namespace camvault::enrolment {

namespace {
struct Named {
  EstOperation operation;
  std::string_view path;
};
constexpr std::array<Named, 5> kOperations = {{{EstOperation::cacerts, "cacerts"},
                                               {EstOperation::simpleenroll, "simpleenroll"},
                                               {EstOperation::simplereenroll, "simplereenroll"},
                                               {EstOperation::csrattrs, "csrattrs"},
                                               {EstOperation::serverkeygen, "serverkeygen"}}};
constexpr std::uint8_t kSequence = 0x30;
constexpr std::uint8_t kObjectIdentifier = 0x06;
constexpr std::size_t kMaxObjectIdentifier = 64;
// 1.2.840.113549.1.9.7
const Bytes kChallengePassword = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x07};

// X.690 8.1.3 with shortest lengths; at most 64 KiB.
Result<std::size_t> read_length(ByteReader& in) {
  CAM_TRY(const auto first, in.u8());
  if (first < 0x80) return std::size_t{first};
  if (first == 0x81) {
    CAM_TRY(const auto length, in.u8());
    if (length < 0x80) return fail(Errc::malformed, "DER length");
    return std::size_t{length};
  }
  if (first != 0x82) return fail(Errc::malformed, "DER length");
  CAM_TRY(const auto length, in.u16());
  if (length < 0x100) return fail(Errc::malformed, "DER length");
  return std::size_t{length};
}

Result<ByteReader> enter(ByteReader& in, std::uint8_t tag) {
  CAM_TRY(const auto found, in.u8());
  if (found != tag) return fail(Errc::malformed, "DER tag");
  CAM_TRY(const auto length, read_length(in));
  return in.sub(length);
}

// The whole element.
Result<Bytes> read_oid(ByteReader& in) {
  CAM_TRY(auto content, enter(in, kObjectIdentifier));
  const auto value = content.rest();
  if (value.empty() || value.size() > kMaxObjectIdentifier) return fail(Errc::malformed, "object identifier");
  Bytes out = {kObjectIdentifier, static_cast<std::uint8_t>(value.size())};
  append(out, value);
  return out;
}
}  // namespace

std::string_view path_of(EstOperation operation) {
  for (const auto& known : kOperations) {
    if (known.operation == operation) return known.path;
  }
  return {};
}

std::string_view label_of(std::string_view path) {
  if (!operation_of(path)) return {};
  path.remove_prefix(kEstPath.size() + 1);
  const auto slash = path.find('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::optional<EstOperation> operation_of(std::string_view path) {
  if (!path.starts_with(kEstPath)) return std::nullopt;
  path.remove_prefix(kEstPath.size());
  if (!path.starts_with('/')) return std::nullopt;
  path.remove_prefix(1);
  if (const auto slash = path.find('/'); slash != std::string_view::npos) {
    if (slash == 0 || slash > 64) return std::nullopt;
    path.remove_prefix(slash + 1);
  }
  for (const auto& known : kOperations) {
    if (known.path == path) return known.operation;
  }
  return std::nullopt;
}

// CsrAttrs ::= SEQUENCE SIZE (0..MAX) OF CHOICE { oid, attribute SEQUENCE { type, values SET } }
Result<CsrAttributes> read_csr_attributes(BytesView der) {
  CsrAttributes out;
  if (der.size() > kMaxEstBody) return fail(Errc::limit, "CSR attributes longer than 64 KiB");
  ByteReader in(der);
  CAM_TRY(auto list, enter(in, kSequence));
  CAM_TRY_STATUS(in.finish());
  for (std::size_t count = 0; !list.at_end(); ++count) {
    if (count == kMaxAttributes) return fail(Errc::limit, "more than 64 CSR attributes");
    auto ahead = list;
    CAM_TRY(const auto tag, ahead.u8());
    Bytes oid;
    if (tag == kSequence) {
      CAM_TRY(auto attribute, enter(list, kSequence));
      CAM_TRY(oid, read_oid(attribute));
      CAM_TRY_STATUS(enter(attribute, 0x31));
      CAM_TRY_STATUS(attribute.finish());
    } else {
      CAM_TRY(oid, read_oid(list));
    }
    if (oid == kChallengePassword) {
      out.challenge_password = true;
    } else {
      out.others.push_back(std::move(oid));
    }
  }
  return out;
}

Bytes encode_csr_attributes(const CsrAttributes& attributes) {
  Bytes list;
  if (attributes.challenge_password) append(list, kChallengePassword);
  for (const auto& oid : attributes.others) append(list, oid);
  Bytes out = {kSequence};
  if (list.size() >= 0x100) {
    out.push_back(0x82);
    out.push_back(static_cast<std::uint8_t>(list.size() >> 8));
  } else if (list.size() >= 0x80) {
    out.push_back(0x81);
  }
  out.push_back(static_cast<std::uint8_t>(list.size()));
  append(out, list);
  return out;
}

std::string encode_body(BytesView der) {
  constexpr std::size_t kLine = 64;
  const auto text = write_base64(der);
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += kLine) out += text.substr(i, kLine) + "\n";
  return out;
}

Result<Bytes> decode_body(BytesView body) {
  if (body.size() > kMaxEstBody) return fail(Errc::limit, "an EST message longer than 64 KiB");
  return read_base64(as_text(body));
}

std::string binding_text(BytesView channel_binding) {
  return write_base64(channel_binding);
}

}  // namespace camvault::enrolment
