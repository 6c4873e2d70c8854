#include "camvault/keystore_engine/file_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace camvault::keystore_engine {

namespace {
// One writer at a time, so one name does. '~' is in no key's file name.
constexpr const char* kNewFile = "~new";

tl::unexpected<Error> fail_errno(std::string_view action, const std::string& name, int error) {
  const auto code = error == ENOENT                     ? Errc::not_found
                    : error == EEXIST                   ? Errc::exists
                    : error == EACCES || error == EPERM ? Errc::denied
                                                        : Errc::io;
  return fail(code, std::string(action) + " " + name + ": " + errno_text(error));
}

Status write_all(int fd, BytesView content) {
  while (!content.empty()) {
    const auto n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("cannot write", "a key file", errno);
    content = content.subspan(static_cast<std::size_t>(n));
  }
  return ok();
}

int rename_without_replacing(int folder, const char* from, const char* to) {
  if (::renameat2(folder, from, folder, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != ENOSYS && errno != EINVAL) return -1;
  // Some file systems cannot: link() does not replace either.
  if (::linkat(folder, from, folder, to, 0) != 0) return -1;
  ::unlinkat(folder, from, 0);
  return 0;
}
}  // namespace

void FileStore::step(std::string_view name) const {
  if (hook_) hook_(name);
}

Result<FileStore> FileStore::open(const std::filesystem::path& folder, StepHook hook) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno("cannot make", folder.string(), errno);
  UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return fail_errno("cannot open", folder.string(), errno);
  FileStore store(std::move(fd), std::move(hook));
  CAM_TRY_STATUS(store.remove_leftovers());
  return store;
}

Status FileStore::remove_leftovers() {
  if (::unlinkat(folder_.get(), kNewFile, 0) != 0 && errno != ENOENT) {
    return fail_errno("cannot remove", "an unfinished key file", errno);
  }
  return ok();
}

Result<std::vector<std::string>> FileStore::names() const {
  UniqueFd copy(::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!copy.valid()) return fail_errno("cannot open", "the folder of keys", errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(copy.get()), ::closedir);
  if (listing == nullptr) return fail_errno("cannot list", "the folder of keys", errno);
  copy.release();  // closedir closes it
  std::vector<std::string> out;
  for (;;) {
    errno = 0;
    const auto* entry = ::readdir(listing.get());
    if (entry == nullptr && errno != 0) return fail_errno("cannot list", "the folder of keys", errno);
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name == "." || name == ".." || name == kNewFile) continue;
    if (out.size() == kMaxFiles) return fail(Errc::limit, "more than 8192 files in the folder of keys");
    out.push_back(name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<Bytes> FileStore::read(const std::string& name) const {
  const UniqueFd fd(::openat(folder_.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid()) return fail_errno("cannot open", name, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("cannot look at", name, errno);
  if (!S_ISREG(info.st_mode)) return fail(Errc::malformed, name + " is not a regular file");
  Bytes out(kMaxFileSize + 1);
  std::size_t size = 0;
  while (size < out.size()) {
    const auto n = ::read(fd.get(), out.data() + size, out.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("cannot read", name, errno);
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  if (size > kMaxFileSize) return fail(Errc::malformed, name + " is longer than a key file can be");
  out.resize(size);
  return out;
}

Status FileStore::create(const std::string& name, BytesView content) {
  return write(name, content, Target::new_name);
}

Status FileStore::replace(const std::string& name, BytesView content) {
  return write(name, content, Target::old_name);
}

Status FileStore::write(const std::string& name, BytesView content, Target target) {
  step("create");
  CAM_TRY_STATUS(remove_leftovers());  // of a write that failed: disk full
  UniqueFd fd(::openat(folder_.get(), kNewFile, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return fail_errno("cannot make a file for", name, errno);
  auto status = [&]() -> Status {
    step("write first half");
    CAM_TRY_STATUS(write_all(fd.get(), content.first(content.size() / 2)));
    step("write second half");
    CAM_TRY_STATUS(write_all(fd.get(), content.subspan(content.size() / 2)));
    step("sync file");
    if (::fsync(fd.get()) != 0) return fail_errno("cannot sync", name, errno);
    step("rename");
    const int renamed = target == Target::new_name
                            ? rename_without_replacing(folder_.get(), kNewFile, name.c_str())
                            : ::renameat(folder_.get(), kNewFile, folder_.get(), name.c_str());
    if (renamed != 0) return fail_errno("cannot name", name, errno);
    return ok();
  }();
  if (!status) {
    ::unlinkat(folder_.get(), kNewFile, 0);
    return status;
  }
  step("sync folder");
  CAM_TRY_STATUS(sync_folder());
  step("created");
  return ok();
}

Status FileStore::remove(const std::string& name) {
  step("remove");
  if (::unlinkat(folder_.get(), name.c_str(), 0) != 0) return fail_errno("cannot remove", name, errno);
  step("sync folder after remove");
  CAM_TRY_STATUS(sync_folder());
  step("removed");
  return ok();
}

Status FileStore::sync_folder() {
  if (::fsync(folder_.get()) != 0) return fail_errno("cannot sync", "the folder of keys", errno);
  return ok();
}

}  // namespace camvault::keystore_engine
