#include <algorithm>

#include "camvault/trust_store/anchor.h"

namespace camvault::trust_store {

namespace {
constexpr std::string_view kForm = "# Camvault trust anchor, version ";
constexpr std::string_view kVersion = "1";
constexpr std::string_view kLabel = "# label: ";
constexpr std::string_view kAdded = "# added: ";
constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----\n";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----\n";

// Takes one line that begins with `key` off the front and returns the rest of it.
Result<std::string_view> take_line(std::string_view& text, std::string_view key) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos || !text.starts_with(key)) {
    return fail(Errc::malformed, "not a trust anchor's file");
  }
  const auto value = text.substr(key.size(), end - key.size());
  text.remove_prefix(end + 1);
  return value;
}

// Bytes of a well-formed UTF-8 character that is no control character; 0 if the text does not begin with one.
std::size_t character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto lead = byte(0);
  if (lead < 0x80) return lead < 0x20 || lead == 0x7f ? 0 : 1;
  const std::size_t size = lead >= 0xc2 && lead < 0xe0   ? 2
                           : lead >= 0xe0 && lead < 0xf0 ? 3
                           : lead >= 0xf0 && lead < 0xf5 ? 4
                                                         : 0;
  if (size == 0 || size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool bad_second = (lead == 0xc2 && byte(1) < 0xa0) ||  // C1 controls
                          (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f) ||
                          (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f);
  return bad_second ? 0 : size;
}
}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::maker:
      return "maker";
    case Kind::owner:
      return "owner";
    case Kind::tsa:
      return "tsa";
  }
  return "?";
}

Result<Kind> kind_from_string(std::string_view text) {
  for (const auto kind : {Kind::maker, Kind::owner, Kind::tsa}) {
    if (text == to_string(kind)) return kind;
  }
  return fail(Errc::usage, "a trust anchor is a maker, an owner or a tsa");
}

bool is_label(std::string_view text) {
  if (text.size() > kMaxLabel) return false;
  while (!text.empty()) {
    const auto size = character(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string write_anchor_file(const Anchor& anchor, std::string_view certificate_pem) {
  std::string out;
  out.append(kForm).append(kVersion).append("\n");
  out.append(kLabel).append(anchor.label).append("\n");
  out.append(kAdded).append(to_iso8601(anchor.added)).append("\n");
  out.append(certificate_pem);
  return out;
}

Result<Anchor> read_anchor_file(const crypto::Engine& engine, Kind kind, BytesView content) {
  if (content.size() > kMaxAnchorFile) return fail(Errc::limit, "longer than 128 KiB");
  auto text = as_text(content);
  CAM_TRY(const auto version, take_line(text, kForm));
  if (version != kVersion) return fail(Errc::unsupported, "a trust anchor's file of another version");
  Anchor anchor;
  anchor.kind = kind;
  CAM_TRY(const auto label, take_line(text, kLabel));
  if (!is_label(label)) return fail(Errc::malformed, "the label of a trust anchor");
  anchor.label = label;
  CAM_TRY(const auto added, take_line(text, kAdded));
  CAM_TRY(anchor.added, from_iso8601(added));
  // Nothing stands around the certificate: what a person sees in the file is what is trusted.
  if (!text.starts_with(kBegin) || !text.ends_with(kEnd)) {
    return fail(Errc::malformed, "a trust anchor's file holds a header and one certificate, nothing else");
  }
  CAM_TRY(auto certificates, engine.certificates_from_pem(text, 1));
  const auto inner = text.substr(kBegin.size(), text.size() - kBegin.size() - kEnd.size());
  if (inner.find("-----") != std::string_view::npos) {
    return fail(Errc::malformed, "a trust anchor's file holds more than one PEM block");
  }
  anchor.certificate = std::move(certificates.front());
  return anchor;
}

}  // namespace camvault::trust_store
