#include "process.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "camvault/base/file.h"
#include "camvault/base/log.h"
#include "config.h"

namespace camvault::keystored {

namespace {
constexpr const char* kDefaultUser = "camvault-keys";
constexpr rlim_t kEnoughToLock =
    256u << 20;  // the process touches about 30 MiB; a limit it could reach would stop it

struct Identity {
  uid_t uid;
  gid_t gid;
  std::string name;
};

std::optional<Identity> find_user(std::string_view name) {
  const auto uid = uid_of(name);
  if (!uid) return std::nullopt;
  // A uid without an entry (containers) gets the group of the same number.
  const auto* entry = ::getpwuid(*uid);
  return Identity{*uid, entry == nullptr ? *uid : entry->pw_gid, std::string(name)};
}

std::optional<Identity> user_to_become(std::optional<std::string_view> user) {
  if (::geteuid() != 0) return std::nullopt;
  return find_user(user.value_or(kDefaultUser));
}

Mechanism missing(std::string name, std::string detail) {
  return {std::move(name), false, std::move(detail)};
}
Mechanism active(std::string name, std::string detail) {
  return {std::move(name), true, std::move(detail)};
}
}  // namespace

bool is_sanitized() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return true;
#else
  return false;
#endif
#else
  return false;
#endif
}

void wait_for_randomness() {
  unsigned char byte = 0;
  if (::getrandom(&byte, 1, GRND_NONBLOCK) == 1 || errno != EAGAIN) return;
  log(LogLevel::warning, "the kernel has no random numbers yet: keystored waits for them");
  while (::getrandom(&byte, 1, 0) < 0 && errno == EINTR) {
  }
  log(LogLevel::info, "the kernel has random numbers now");
}

Status prepare_state_folder(const std::filesystem::path& folder, std::optional<std::string_view> user) {
  std::error_code error;
  std::filesystem::create_directories(folder.parent_path(), error);
  if (error) return fail(Errc::io, "cannot make " + folder.parent_path().string() + ": " + error.message());
  const bool made = ::mkdir(folder.c_str(), 0700) == 0;
  if (!made && errno != EEXIST)
    return fail(Errc::io, "cannot make " + folder.string() + ": " + errno_text(errno));
  const auto identity = user_to_become(user);
  if (made && identity && ::chown(folder.c_str(), identity->uid, identity->gid) != 0) {
    return fail(Errc::io, "cannot give away " + folder.string() + ": " + errno_text(errno));
  }
  struct stat info {};
  if (::lstat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode))
    return fail(Errc::denied, folder.string() + " is no folder");
  const auto owner = identity ? identity->uid : ::geteuid();
  if (info.st_uid != owner) {
    return fail(Errc::denied, folder.string() + " belongs to uid " + std::to_string(info.st_uid) +
                                  " and not to uid " + std::to_string(owner) + ", which keystored runs as");
  }
  if ((info.st_mode & 077u) != 0)
    return fail(Errc::denied, folder.string() + " is open to others: its mode must be 0700");
  return ok();
}

Result<Mechanism> become_own_user(const std::optional<std::string>& user) {
  constexpr const char* kName = "own_uid";
  if (::geteuid() != 0) {
    const auto uid = std::to_string(::geteuid());
    return missing(kName, "runs as uid " + uid +
                              ", which started it: other processes of that user share its rights to files");
  }
  const auto identity = user_to_become(user);
  if (!identity && user) return fail(Errc::not_found, "there is no user " + *user);
  if (!identity) return missing(kName, "runs as root: there is no user camvault-keys and --user names none");
  if (::setgroups(0, nullptr) != 0 || ::setresgid(identity->gid, identity->gid, identity->gid) != 0 ||
      ::setresuid(identity->uid, identity->uid, identity->uid) != 0) {
    return fail(Errc::denied, "cannot become user " + identity->name + ": " + errno_text(errno));
  }
  if (identity->uid == 0) return missing(kName, "runs as root, as --user says");
  if (::setuid(0) == 0) return fail(Errc::internal, "could become root again");
  return active(kName, "runs as uid " + std::to_string(identity->uid) + " and cannot return to root");
}

Mechanism drop_capabilities() {
  // capset(2); libcap would bring nothing but its names.
  __user_cap_header_struct header{};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capset, &header, none) != 0)
    return missing("capabilities", "cannot drop them: " + errno_text(errno));
  return active("capabilities", "none are left");
}

Mechanism forbid_core_dumps() {
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0)
    return missing("no_core_dumps", "cannot set the limit: " + errno_text(errno));
  return active("no_core_dumps", "a crash leaves no copy of memory");
}

Mechanism forbid_tracing() {
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    return missing("undumpable", "not possible: " + errno_text(errno));
  return active("undumpable", "only root can read or trace the memory of the process");
}

Mechanism lock_memory() {
  constexpr const char* kName = "locked_memory";
  if (is_sanitized()) return missing(kName, "left out in this sanitizer build");
  if (::geteuid() == 0) {
    const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_MEMLOCK, &unlimited);  // survives the change of uid; may fail in a container
  }
  rlimit limit{};
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  if (limit.rlim_cur < kEnoughToLock) {
    return missing(kName, "the limit for locked memory is " + std::to_string(limit.rlim_cur / 1024) +
                              " KiB: other memory than that of key objects may be swapped out");
  }
  if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
    return missing(kName, "not possible: " + errno_text(errno));
  return active(kName, "nothing of the process is swapped out");
}

Mechanism forbid_new_privileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return missing("no_new_privileges", "not possible: " + errno_text(errno));
  return active("no_new_privileges", "no program it could start would have more rights");
}

}  // namespace camvault::keystored
