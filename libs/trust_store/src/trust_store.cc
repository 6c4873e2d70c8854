#include "camvault/trust_store/trust_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "camvault/base/file.h"

namespace camvault::trust_store {

namespace fs = std::filesystem;

namespace {
constexpr std::string_view kSuffix = ".pem";
constexpr std::size_t kFingerprint = 64;      // hex digits of SHA-256
constexpr std::size_t kShortFingerprint = 8;  // what a person has to type at least
constexpr std::size_t kMaxDamaged = 64;       // said; more are counted as one
constexpr std::size_t kMaxFolderEntries = 4 * kMaxAnchors;
constexpr Kind kKinds[] = {Kind::maker, Kind::owner, Kind::tsa};
// Half-written files of processes that were killed are swept when nobody can still be writing them.
constexpr auto kLeftover = std::chrono::hours(1);

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Status sync_folder(const fs::path& folder) {
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::fsync(fd.get()) != 0) {
    return fail(Errc::io, "cannot sync " + folder.string() + ": " + errno_text(errno));
  }
  return ok();
}

Result<std::vector<std::string>> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (names.size() == kMaxFolderEntries)
      return fail(Errc::limit, folder.string() + " holds too many files");
    names.push_back(at->path().filename().string());
  }
  if (error == std::errc::no_such_file_or_directory) return names;
  if (error) return fail(Errc::io, "cannot read " + folder.string() + ": " + error.message());
  std::sort(names.begin(), names.end());
  return names;
}

void sweep(const fs::path& folder) {
  const auto names = names_in(folder);
  if (!names) return;
  for (const auto& name : *names) {
    if (!name.starts_with('.')) continue;
    std::error_code ignored;
    const auto written = fs::last_write_time(folder / name, ignored);
    if (!ignored && fs::file_time_type::clock::now() - written > kLeftover)
      fs::remove(folder / name, ignored);
  }
}
}  // namespace

std::vector<crypto::Certificate> Content::of(Kind kind) const {
  std::vector<crypto::Certificate> out;
  for (const auto& anchor : anchors) {
    if (anchor.kind == kind) out.push_back(anchor.certificate);
  }
  return out;
}

fs::path TrustStore::folder_of(Kind kind) const {
  return folder_ / (std::string(to_string(kind)) + "s");
}

bool TrustStore::exists() const {
  std::error_code error;
  return !folder_.empty() && fs::is_directory(folder_, error);
}

Status TrustStore::load_kind(Kind kind, Content& content) const {
  const auto folder = folder_of(kind);
  CAM_TRY(const auto names, names_in(folder));
  const auto damaged = [&](const std::string& name, std::string why) {
    if (content.damaged.size() < kMaxDamaged) content.damaged.push_back({folder / name, std::move(why)});
  };
  std::size_t count = 0;
  for (const auto& name : names) {
    if (name.starts_with('.')) continue;  // being written, or left by a process that was killed
    const auto fingerprint = name.substr(0, kFingerprint);
    if (name.size() != kFingerprint + kSuffix.size() || !name.ends_with(kSuffix) || !is_hex(fingerprint)) {
      damaged(name, "not the name of an anchor (use camvault trust add)");
      continue;
    }
    if (++count > kMaxAnchors) return fail(Errc::limit, folder.string() + " holds more than 4096 anchors");
    struct stat info {};
    if (::stat((folder / name).c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {  // a pipe would hold us up
      damaged(name, "not a regular file");
      continue;
    }
    const auto bytes = read_file(folder / name, kMaxAnchorFile);
    if (!bytes) {
      damaged(name, bytes.error().what);
      continue;
    }
    auto anchor = read_anchor_file(engine_, kind, *bytes);
    if (!anchor) {
      damaged(name, anchor.error().what);
    } else if (anchor->certificate.sha256 != fingerprint) {
      damaged(name, "holds another certificate than its name says");
    } else {
      content.anchors.push_back(std::move(*anchor));
    }
  }
  return ok();
}

Result<Content> TrustStore::load() const {
  if (!exists()) return fail(Errc::not_found, "there is no trust store at " + folder_.string());
  Content content;
  for (const auto kind : kKinds) CAM_TRY_STATUS(load_kind(kind, content));
  return content;
}

Status TrustStore::add(const Anchor& anchor, std::string_view certificate_pem) {
  if (!is_label(anchor.label)) return fail(Errc::usage, "a label is one line of text of at most 100 bytes");
  if (folder_.empty()) return fail(Errc::usage, "no place for a trust store is known (HOME is not set)");
  const auto folder = folder_of(anchor.kind);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail(Errc::io, "cannot create " + folder.string() + ": " + error.message());
  sweep(folder);
  const auto file = folder / (anchor.certificate.sha256 + std::string(kSuffix));
  auto written = anchor;
  if (const auto before = read_file(file, kMaxAnchorFile)) {
    if (const auto old = read_anchor_file(engine_, anchor.kind, *before)) written.added = old->added;
  }
  const auto text = write_anchor_file(written, certificate_pem);
  const auto again =
      read_anchor_file(engine_, anchor.kind, as_bytes(text));  // what we could not read must not be there
  if (!again) return fail(Errc::usage, "the certificate's PEM text: " + again.error().what);
  if (again->certificate.der != anchor.certificate.der)
    return fail(Errc::usage, "PEM text of another certificate");
  CAM_TRY_STATUS(write_file_atomically(file, as_bytes(text)));
  return sync_folder(folder_);
}

Result<std::vector<Anchor>> TrustStore::remove(std::string_view fingerprint, std::optional<Kind> kind) {
  std::string wanted(fingerprint);
  std::transform(wanted.begin(), wanted.end(), wanted.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
  if (wanted.size() < kShortFingerprint || wanted.size() > kFingerprint || !is_hex(wanted)) {
    return fail(Errc::usage, "a fingerprint has 8 to 64 hex digits (camvault trust list shows them)");
  }
  CAM_TRY(const auto content, load());
  std::vector<Anchor> found;
  for (const auto& anchor : content.anchors) {
    if (kind && anchor.kind != *kind) continue;
    if (anchor.certificate.sha256.starts_with(wanted)) found.push_back(anchor);
  }
  if (found.empty())
    return fail(Errc::not_found, "no anchor in the trust store has the fingerprint " + wanted);
  for (const auto& anchor : found) {
    if (anchor.certificate.sha256 != found.front().certificate.sha256)
      return fail(Errc::usage,
                  "several anchors have fingerprints that begin with " + wanted + "; give more digits");
  }
  for (const auto& anchor : found) {
    const auto folder = folder_of(anchor.kind);
    const auto file = folder / (anchor.certificate.sha256 + std::string(kSuffix));
    if (::unlink(file.c_str()) != 0 && errno != ENOENT)
      return fail(Errc::io, "cannot remove " + file.string() + ": " + errno_text(errno));
    CAM_TRY_STATUS(sync_folder(folder));
    sweep(folder);
  }
  return found;
}

}  // namespace camvault::trust_store
