#include "bundle.h"

#include <algorithm>

#include "camvault/base/file.h"
#include "camvault/crypto_openssl/detached_signature.h"
#include "camvault/evidence/checksums.h"
#include "camvault/evidence/zip.h"

namespace camvault::cli {

namespace {
constexpr const char* kSums = "SHA256SUMS";
constexpr std::size_t kMaxSums = 1 << 20;
constexpr std::size_t kMaxReport = 256 << 20;
}  // namespace

Result<std::unique_ptr<ScratchFolder>> ScratchFolder::create() {
  auto name = (std::filesystem::temp_directory_path() / "camvault-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr)
    return fail(Errc::io, "no temporary folder can be made: " + errno_text(errno));
  return std::unique_ptr<ScratchFolder>(new ScratchFolder(name));
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

bool is_bundle(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return std::filesystem::exists(path / kSums, error);
  return evidence::looks_like_zip(path);
}

Result<Bundle> open_bundle(const crypto::Engine& engine, const std::filesystem::path& path) {
  Bundle bundle;
  bundle.folder = path;
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    CAM_TRY(bundle.scratch, ScratchFolder::create());
    bundle.folder = bundle.scratch->path();
    if (auto done = evidence::unpack_zip(path, bundle.folder); !done)
      return fail_in(path.string(), done.error());
  }
  auto text = read_file(bundle.folder / kSums, kMaxSums);
  if (!text) return fail(Errc::malformed, path.string() + " is no bundle: it has no SHA256SUMS");
  auto sums = evidence::read_checksums(as_text(*text));
  if (!sums) return fail_in(path.string(), sums.error());
  bundle.files = sums->size();
  CAM_TRY(bundle.problems, evidence::check_folder(engine, bundle.folder, *sums));
  const auto clip =
      std::find_if(sums->begin(), sums->end(), [](const auto& sum) { return sum.name.starts_with("clip."); });
  if (clip == sums->end())
    return fail(Errc::malformed, path.string() + " is no bundle of an export: it names no clip");
  bundle.clip = bundle.folder / clip->name;
  if (!std::filesystem::exists(bundle.clip, error))
    return fail(Errc::malformed, path.string() + ": " + clip->name + " is missing");
  const auto signature = read_file(bundle.folder / "report.json.p7s", 1 << 20);
  if (signature) {
    const auto report = read_file(bundle.folder / "report.json", kMaxReport);
    const auto found = report ? crypto_openssl::verify_detached(engine, *signature, *report)
                              : Result<crypto_openssl::DetachedSignature>(fail(Errc::malformed, "no report"));
    if (found) {
      bundle.report_signed_by = found->chain.front().subject;
    } else {
      bundle.problems.push_back("report.json.p7s: " + found.error().what);
    }
  }
  return bundle;
}

}  // namespace camvault::cli
