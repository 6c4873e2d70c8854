#include "camvault/keystore/key_stub.h"

#include "camvault/base/byte_reader.h"
#include "camvault/base/pem.h"

namespace camvault::keystore {

namespace {
constexpr std::string_view kMark = "camvault";
constexpr std::uint8_t kUtf8 = 0x0c;
constexpr std::uint8_t kSequence = 0x30;

Bytes der_of(const KeyName& name) {
  Bytes content;
  for (const auto text : {kMark, std::string_view(name.text())}) {
    content.push_back(kUtf8);
    content.push_back(static_cast<std::uint8_t>(text.size()));  // a name has at most 127 bytes
    append(content, as_bytes(text));
  }
  Bytes out = {kSequence};
  if (content.size() >= 0x80) out.push_back(0x81);
  out.push_back(static_cast<std::uint8_t>(content.size()));
  append(out, content);
  return out;
}
}  // namespace

std::string write_key_stub(const KeyName& name) {
  return write_pem("CAMVAULT KEY", der_of(name));
}

Result<KeyName> read_key_stub(BytesView der) {
  // One form only: what is read must be what would be written for the name that stands at its end.
  const auto head = der_of(KeyName::parse("a/b").value()).size() - 3;
  if (der.size() < head) return fail(Errc::malformed, "no key stub");
  const auto text = as_text(der.subspan(head + (der.size() > 0x81 ? 1 : 0)));
  CAM_TRY(auto name, KeyName::parse(text));
  if (!equal(der_of(name), der)) return fail(Errc::malformed, "no key stub");
  return name;
}

}  // namespace camvault::keystore
