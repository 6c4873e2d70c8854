#include "camvault/service/pem_files.h"

#include "camvault/base/file.h"

namespace camvault::service {

namespace {
constexpr std::size_t kMaxPem = 4 * 1024 * 1024;
}  // namespace

Result<std::vector<crypto::Certificate>> certificates_in(const crypto::Engine& engine,
                                                         const std::vector<std::filesystem::path>& files) {
  std::vector<crypto::Certificate> out;
  for (const auto& file : files) {
    CAM_TRY(const auto pem, read_file(file, kMaxPem));
    auto some = engine.certificates_from_pem(as_text(pem));
    if (!some) return fail_in(file.string(), some.error());
    out.insert(out.end(), some->begin(), some->end());
  }
  return out;
}

Result<std::vector<crypto::RevocationList>> lists_in(const crypto::Engine& engine,
                                                     const std::vector<std::filesystem::path>& files) {
  std::vector<crypto::RevocationList> out;
  for (const auto& file : files) {
    CAM_TRY(const auto data, read_file(file, kMaxPem));
    auto list = engine.crl_from_pem_or_der(data);
    if (!list) return fail_in(file.string(), list.error());
    out.push_back(std::move(*list));
  }
  return out;
}

}  // namespace camvault::service
