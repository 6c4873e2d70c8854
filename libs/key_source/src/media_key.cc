#include "camvault/key_source/media_key.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

#include "camvault/base/file.h"
#include "camvault/keystore/key_name.h"

namespace camvault::key_source {

namespace {
constexpr std::size_t kMaxFile = 256 * 1024;
constexpr std::string_view kHead = "key: ";

// "media-signing-2.use" of "camera/media-signing-2": names of keys are names of files.
std::filesystem::path use_file(const std::filesystem::path& current, const std::string& key) {
  return current.parent_path() / (key.substr(key.find('/') + 1) + ".use");
}

Result<UniqueFd> lock(const std::filesystem::path& file, int how) {
  UniqueFd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid() && errno == ENOENT) return fail(Errc::not_found, file.string() + " is not there");
  if (!fd.valid()) return fail(Errc::io, file.string() + ": " + errno_text(errno));
  if (flock(fd.get(), how | LOCK_NB) != 0)
    return fail(errno == EWOULDBLOCK ? Errc::unavailable : Errc::io, file.string() + " is in use");
  return fd;
}
}  // namespace

Result<std::optional<MediaKey>> read_media_key(const std::filesystem::path& file) {
  const auto content = read_file(file, kMaxFile);
  if (!content && content.error().code == Errc::not_found) return std::optional<MediaKey>();
  if (!content) return tl::unexpected(content.error());
  auto text = as_text(*content);
  const auto end = text.find('\n');
  if (!text.starts_with(kHead) || end == std::string_view::npos)
    return fail(Errc::malformed, file.string() + " does not say whose certificate it is");
  MediaKey out;
  out.key = text.substr(kHead.size(), end - kHead.size());
  if (!keystore::KeyName::parse(out.key)) return fail(Errc::malformed, file.string() + " names no key");
  out.chain_pem = text.substr(end + 1);
  return std::optional(std::move(out));
}

Status write_media_key(const std::filesystem::path& file, const MediaKey& media_key) {
  return write_file_atomically(file,
                               as_bytes(std::string(kHead) + media_key.key + "\n" + media_key.chain_pem));
}

Status KeyUse::prepare(const std::filesystem::path& current, const std::string& key) {
  const auto file = use_file(current, key);
  const UniqueFd fd(open(file.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd.valid()) return fail(Errc::io, file.string() + ": " + errno_text(errno));
  return ok();
}

Result<KeyUse> KeyUse::begin(const std::filesystem::path& current, const std::string& key) {
  auto locked = lock(use_file(current, key), LOCK_SH);
  // Who retires it holds the lock for a moment and takes the file away: the key is as good as gone.
  if (!locked && locked.error().code == Errc::unavailable)
    return fail(Errc::not_found, "the key " + key + " is being taken away");
  if (!locked) return tl::unexpected(locked.error());
  struct stat now {};
  if (fstat(locked->get(), &now) != 0 || now.st_nlink == 0)
    return fail(Errc::not_found, "the key " + key + " was taken away");
  return KeyUse(std::move(*locked));
}

Result<KeyUse> KeyUse::retire(const std::filesystem::path& current, const std::string& key) {
  auto locked = lock(use_file(current, key), LOCK_EX);
  if (!locked && locked.error().code == Errc::not_found) return KeyUse(UniqueFd());
  if (!locked) return tl::unexpected(locked.error());
  return KeyUse(std::move(*locked));
}

void KeyUse::forget(const std::filesystem::path& current, const std::string& key) {
  std::error_code ignored;
  std::filesystem::remove(use_file(current, key), ignored);
}

}  // namespace camvault::key_source
