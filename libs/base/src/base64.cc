#include "camvault/base/base64.h"

namespace camvault {

namespace {
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}
}  // namespace

Result<Bytes> read_base64(std::string_view text) {
  Bytes out;
  std::uint32_t bits = 0;
  std::size_t count = 0;
  std::size_t padding = 0;
  for (const char c : text) {
    if (is_space(c)) continue;
    const auto value = kAlphabet.find(c);
    if (c == '=') {
      ++padding;
    } else if (value == std::string_view::npos || padding > 0) {
      return fail(Errc::malformed, "not base64");
    }
    bits = bits << 6 | (c == '=' ? 0 : static_cast<std::uint32_t>(value));
    if (++count % 4 != 0) continue;
    for (int shift = 16; shift >= 0; shift -= 8)
      out.push_back(static_cast<std::uint8_t>(bits >> shift & 0xff));
    bits = 0;
  }
  if (count % 4 != 0 || padding > 2 || out.size() < padding)
    return fail(Errc::malformed, "base64 that is cut short");
  out.resize(out.size() - padding);
  return out;
}
std::string write_base64(BytesView content) {
  std::string text;
  for (std::size_t i = 0; i < content.size(); i += 3) {
    const auto at = [&](std::size_t k) {
      return i + k < content.size() ? std::uint32_t{content[i + k]} : 0U;
    };
    const auto bits = at(0) << 16 | at(1) << 8 | at(2);
    for (std::size_t k = 0; k < 4; ++k)
      text += i + k > content.size() ? '=' : kAlphabet[bits >> (18 - 6 * k) & 0x3f];
  }
  return text;
}

}  // namespace camvault
