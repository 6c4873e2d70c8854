#include "axis/pem.h"

namespace camvault::signed_video::axis {

namespace {

constexpr std::string_view kBegin = "-----BEGIN PUBLIC KEY-----";
constexpr std::string_view kEnd = "-----END PUBLIC KEY-----";
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kLine = 64;

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

}  // namespace

Result<Bytes> public_key_der(std::string_view pem) {
  const auto begin = pem.find(kBegin);
  if (begin == std::string_view::npos) return fail(Errc::malformed, "no public key in PEM");
  pem.remove_prefix(begin + kBegin.size());
  const auto end = pem.find(kEnd);
  if (end == std::string_view::npos) return fail(Errc::malformed, "a public key in PEM that does not end");
  Bytes der;
  std::uint32_t bits = 0;
  std::size_t count = 0;
  std::size_t padding = 0;
  for (const char c : pem.substr(0, end)) {
    if (is_space(c)) continue;
    const auto value = kAlphabet.find(c);
    if (c == '=') {
      ++padding;
    } else if (value == std::string_view::npos || padding > 0) {
      return fail(Errc::malformed, "a public key in PEM that is no base64");
    }
    bits = bits << 6 | (c == '=' ? 0 : static_cast<std::uint32_t>(value));
    if (++count % 4 != 0) continue;
    for (int shift = 16; shift >= 0; shift -= 8)
      der.push_back(static_cast<std::uint8_t>(bits >> shift & 0xff));
    bits = 0;
  }
  if (count % 4 != 0 || padding > 2 || der.size() < padding)
    return fail(Errc::malformed, "a public key in PEM that is cut short");
  der.resize(der.size() - padding);
  return der;
}

std::string public_key_pem(BytesView der) {
  std::string text;
  for (std::size_t i = 0; i < der.size(); i += 3) {
    const auto at = [&](std::size_t k) { return i + k < der.size() ? std::uint32_t{der[i + k]} : 0U; };
    const auto bits = at(0) << 16 | at(1) << 8 | at(2);
    for (std::size_t k = 0; k < 4; ++k)
      text += i + k > der.size() ? '=' : kAlphabet[bits >> (18 - 6 * k) & 0x3f];
  }
  std::string pem(kBegin);
  for (std::size_t i = 0; i < text.size(); i += kLine) pem += "\n" + text.substr(i, kLine);
  return pem + "\n" + std::string(kEnd) + "\n";
}

}  // namespace camvault::signed_video::axis
