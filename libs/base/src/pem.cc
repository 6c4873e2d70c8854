#include "camvault/base/pem.h"

#include "camvault/base/base64.h"

namespace camvault {

namespace {
constexpr std::size_t kLine = 64;

std::string boundary(const char* word, std::string_view label) {
  return std::string("-----") + word + " " + std::string(label) + "-----";
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
  const auto text = write_base64(content);
  std::string pem = boundary("BEGIN", label);
  for (std::size_t i = 0; i < text.size(); i += kLine) pem += "\n" + text.substr(i, kLine);
  return pem + "\n" + boundary("END", label) + "\n";
}

}  // namespace camvault
