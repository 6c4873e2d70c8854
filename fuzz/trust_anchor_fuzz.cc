// Files of the trust store. Laws: what is accepted is one certificate, its label is one line of text, and it
// reads the same when it is written again.
#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/trust_store/anchor.h"
#include "fuzz.h"

namespace {

using namespace camvault;
using namespace camvault::trust_store;

#ifdef CAMVAULT_PLANTED_BUG
// Planted: the label's end is looked for without asking whether there is one.
std::size_t planted_label_size(BytesView file) {
  const auto text = as_text(file);
  const auto at = text.find("# label: ");
  if (at == std::string_view::npos) return 0;
  std::size_t size = 0;
  while (text.data()[at + 9 + size] != '\n') ++size;
  return size;
}
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_label_size(input));
#endif
  static const auto engine = crypto_openssl::make_openssl_engine();
  const auto anchor = read_anchor_file(*engine, Kind::tsa, input);
  if (!anchor) return 0;
  law(is_label(anchor->label), "a label is one line of text");
  law(anchor->certificate.sha256.size() == 64, "an anchor has a fingerprint");
  const auto again = write_anchor_file(*anchor, crypto_openssl::certificate_pem(anchor->certificate));
  const auto back = read_anchor_file(*engine, Kind::tsa, as_bytes(again));
  law(back.has_value() && back->label == anchor->label && back->added == anchor->added &&
          back->certificate.der == anchor->certificate.der,
      "an accepted anchor reads the same when it is written again");
  return 0;
}
