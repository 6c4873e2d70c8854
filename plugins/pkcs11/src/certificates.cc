#include "certificates.h"

#include "camvault/base/file.h"
#include "camvault/base/pem.h"
#include "camvault/key_source/root_layout.h"
#include "camvault/keystore/key_name.h"

namespace camvault::pkcs11_module {

namespace {
constexpr std::string_view kBlanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

void read_line(std::string_view line, CertificateFiles& files) {
  line = trimmed(line.substr(0, line.find('#')));
  const auto blank = line.find_first_of(kBlanks);
  if (blank == std::string_view::npos) return;
  const std::filesystem::path file(trimmed(line.substr(blank)));
  const auto name = keystore::KeyName::parse(line.substr(0, blank));
  if (name && file.is_absolute()) files[name->text()] = file;
}
}  // namespace

CertificateFiles certificate_files(const std::filesystem::path& root) {
  const key_source::RootLayout layout{root};
  CertificateFiles files = {{"camera/idevid", layout.device_identity_chain()},
                            {"camera/media-signing", layout.media_signing_chain()}};
  const auto content = read_file(root / "etc/camvault/certificates", kMaxMapFile);
  if (!content) return files;
  auto text = as_text(*content);
  for (std::size_t lines = 0; !text.empty() && lines < kMaxMapLines; ++lines) {
    const auto end = text.find('\n');
    read_line(text.substr(0, end), files);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return files;
}

std::vector<Bytes> read_chain(const std::filesystem::path& file) {
  const auto content = read_file(file, kMaxChainFile);
  if (!content) return {};
  auto chain = read_pem(as_text(*content), "CERTIFICATE", kMaxChain);
  return chain ? std::move(*chain) : std::vector<Bytes>{};
}

}  // namespace camvault::pkcs11_module
