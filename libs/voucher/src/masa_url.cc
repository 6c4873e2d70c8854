#include <algorithm>

#include "camvault/crypto_openssl/certificate_extensions.h"
#include "camvault/voucher/signed_voucher.h"

namespace camvault::voucher {

namespace {
constexpr std::uint8_t kIa5String = 0x16;
constexpr std::size_t kMaxUrl = 120;  // so that its length is one byte of DER
constexpr std::string_view kScheme = "https://";
constexpr std::string_view kPath = "/.well-known/brski";

// host or host:port, and nothing that could change where a request goes.
bool is_authority(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '-' || c == ':' || c == '[' || c == ']';
  });
}
}  // namespace

Result<std::string> masa_url(const crypto::Certificate& idevid) {
  const auto value = crypto_openssl::extension_value(idevid, kMasaUrl);
  if (!value) return fail(Errc::not_found, "the device's certificate names no service of its maker");
  if (value->size() < 3 || (*value)[0] != kIa5String || (*value)[1] != value->size() - 2 ||
      value->size() > kMaxUrl + 2)
    return fail(Errc::malformed, "the URL of the maker's service is no IA5String of at most 120 characters");
  auto text = as_text(BytesView(*value).subspan(2));
  if (text.starts_with(kScheme)) text.remove_prefix(kScheme.size());
  if (text.ends_with('/')) text.remove_suffix(1);
  if (text.ends_with(kPath)) text.remove_suffix(kPath.size());
  if (!is_authority(text)) return fail(Errc::malformed, "the URL of the maker's service is none");
  return std::string(kScheme) + std::string(text);
}

Result<Bytes> encode_masa_url(std::string_view url) {
  if (url.starts_with(kScheme)) url.remove_prefix(kScheme.size());
  if (url.ends_with('/')) url.remove_suffix(1);
  if (!is_authority(url) || url.size() > kMaxUrl)
    return fail(Errc::usage, "a MASA's URL is https://HOST[:PORT], at most 120 characters");
  // RFC 8995 2.3.2: the authority alone says all.
  Bytes out{kIa5String, static_cast<std::uint8_t>(url.size())};
  append(out, as_bytes(url));
  return out;
}

}  // namespace camvault::voucher
