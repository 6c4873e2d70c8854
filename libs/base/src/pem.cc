#include "camvault/base/pem.h"

namespace camvault {

namespace {
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kLine = 64;

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

std::string boundary(const char* word, std::string_view label) {
  return std::string("-----") + word + " " + std::string(label) + "-----";
}

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
      return fail(Errc::malformed, "PEM that is no base64");
    }
    bits = bits << 6 | (c == '=' ? 0 : static_cast<std::uint32_t>(value));
    if (++count % 4 != 0) continue;
    for (int shift = 16; shift >= 0; shift -= 8)
      out.push_back(static_cast<std::uint8_t>(bits >> shift & 0xff));
    bits = 0;
  }
  if (count % 4 != 0 || padding > 2 || out.size() < padding)
    return fail(Errc::malformed, "PEM that is cut short");
  out.resize(out.size() - padding);
  return out;
}
}  // namespace

Result<std::vector<Bytes>> read_pem(std::string_view text, std::string_view label, std::size_t limit) {
  const auto begin_line = boundary("BEGIN", label);
  const auto end_line = boundary("END", label);
  std::vector<Bytes> blocks;
  for (;;) {
    const auto begin = text.find(begin_line);
    if (begin == std::string_view::npos) return blocks;
    text.remove_prefix(begin + begin_line.size());
    const auto end = text.find(end_line);
    if (end == std::string_view::npos) return fail(Errc::malformed, "PEM that does not end");
    if (blocks.size() == limit) return fail(Errc::limit, "PEM with too many blocks");
    CAM_TRY(auto content, read_base64(text.substr(0, end)));
    blocks.push_back(std::move(content));
    text.remove_prefix(end + end_line.size());
  }
}

std::string write_pem(std::string_view label, BytesView content) {
  std::string text;
  for (std::size_t i = 0; i < content.size(); i += 3) {
    const auto at = [&](std::size_t k) {
      return i + k < content.size() ? std::uint32_t{content[i + k]} : 0U;
    };
    const auto bits = at(0) << 16 | at(1) << 8 | at(2);
    for (std::size_t k = 0; k < 4; ++k)
      text += i + k > content.size() ? '=' : kAlphabet[bits >> (18 - 6 * k) & 0x3f];
  }
  std::string pem = boundary("BEGIN", label);
  for (std::size_t i = 0; i < text.size(); i += kLine) pem += "\n" + text.substr(i, kLine);
  return pem + "\n" + boundary("END", label) + "\n";
}

}  // namespace camvault
