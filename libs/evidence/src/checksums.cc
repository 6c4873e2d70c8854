#include "camvault/evidence/checksums.h"

#include <algorithm>
#include <set>

#include "camvault/base/file.h"

namespace camvault::evidence {

namespace {
constexpr std::size_t kDigits = 64;
constexpr std::size_t kMaxName = 200;
}  // namespace

Result<std::string> sha256_of_file(const crypto::Engine& engine, const std::filesystem::path& path) {
  CAM_TRY(const auto file, MappedFile::open(path));
  static constexpr std::size_t kPiece = 1 << 20;
  const auto hasher = engine.hasher(crypto::HashAlg::sha256);
  const auto bytes = file.bytes();
  for (std::size_t at = 0; at < bytes.size(); at += kPiece)
    hasher->update(bytes.subspan(at, std::min(kPiece, bytes.size() - at)));
  return to_hex(hasher->finish().view());
}

bool is_plain_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxName) return false;
  bool begins = true;
  for (const char c : name) {
    const bool letter =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (begins ? !letter : !letter && c != '.' && c != '/') return false;
    begins = c == '/';
  }
  return !begins;
}

std::string write_checksums(const std::vector<Checksum>& sums) {
  std::string text;
  for (const auto& sum : sums) text += sum.sha256 + "  " + sum.name + "\n";
  return text;
}

Result<std::vector<Checksum>> read_checksums(std::string_view text) {
  std::vector<Checksum> sums;
  std::set<std::string> names;
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return fail(Errc::malformed, "the list of checksums is cut short");
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line.size() < kDigits + 3 || line.substr(kDigits, 2) != "  " || !from_hex(line.substr(0, kDigits)) ||
        !is_plain_name(line.substr(kDigits + 2)))
      return fail(Errc::malformed, "the list of checksums holds a line that is none");
    Checksum sum{std::string(line.substr(kDigits + 2)), std::string(line.substr(0, kDigits))};
    if (!names.insert(sum.name).second)
      return fail(Errc::malformed, "the list of checksums names a file twice");
    if (sums.size() == kMaxFiles) return fail(Errc::limit, "a list of more than 1000 checksums");
    sums.push_back(std::move(sum));
  }
  return sums;
}

Result<std::vector<std::string>> check_folder(const crypto::Engine& engine,
                                              const std::filesystem::path& folder,
                                              const std::vector<Checksum>& sums) {
  std::vector<std::string> problems;
  std::set<std::string> listed{"SHA256SUMS"};
  for (const auto& sum : sums) {
    listed.insert(sum.name);
    std::error_code error;
    const auto path = folder / sum.name;
    // A link could show another file now than it did then.
    if (!std::filesystem::is_regular_file(std::filesystem::symlink_status(path, error))) {
      problems.push_back(sum.name + ": missing");
      continue;
    }
    const auto found = sha256_of_file(engine, path);
    if (!found) return fail_in(sum.name, found.error());
    if (*found != sum.sha256) problems.push_back(sum.name + ": changed");
  }
  std::error_code error;
  std::size_t seen = 0;
  for (std::filesystem::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (++seen > 2 * kMaxFiles) return fail(Errc::limit, "a bundle of more than 2000 files");
    if (at->is_directory(error)) continue;
    const auto name = std::filesystem::relative(at->path(), folder, error).generic_string();
    if (!listed.contains(name)) problems.push_back(name + ": not listed");
  }
  if (error) return fail(Errc::io, folder.string() + ": " + error.message());
  std::sort(problems.begin(), problems.end());
  return problems;
}

}  // namespace camvault::evidence
