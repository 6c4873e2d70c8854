#include "landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "camvault/base/file.h"

namespace camvault::keystored {

namespace {
// The numbers of uapi/linux/landlock.h, up to ABI 6: Debian 12's headers end at ABI 2.
constexpr long kCreateRuleset = 444;  // the same on all architectures
constexpr long kAddRule = 445;
constexpr long kRestrictSelf = 446;
constexpr std::uint32_t kAskVersion = 1;
constexpr int kPathBeneath = 1;

constexpr std::uint64_t kWriteFile = 1u << 1;
constexpr std::uint64_t kReadFile = 1u << 2;
constexpr std::uint64_t kReadDir = 1u << 3;
constexpr std::uint64_t kRemoveFile = 1u << 5;
constexpr std::uint64_t kMakeReg = 1u << 8;
constexpr std::uint64_t kAllOfAbi1 = (1u << 13) - 1;
constexpr std::uint64_t kRefer = 1u << 13;     // ABI 2
constexpr std::uint64_t kTruncate = 1u << 14;  // ABI 3
constexpr std::uint64_t kIoctlDev = 1u << 15;  // ABI 5
constexpr std::uint64_t kAllNet = 3;           // ABI 4: bind and connect TCP
constexpr std::uint64_t kAllScopes = 3;        // ABI 6: abstract Unix sockets and signals of others

struct RulesetAttr {
  std::uint64_t handled_access_fs;
  std::uint64_t handled_access_net;
  std::uint64_t scoped;
};

struct __attribute__((packed)) PathBeneathAttr {
  std::uint64_t allowed_access;
  std::int32_t parent_fd;
};

keystore::Mechanism missing(const std::string& why) {
  return {"landlock", false, why};
}

// What one rule gives; a file (in contrast to a folder) must not be given rights to entries, says the kernel.
bool allow(const UniqueFd& ruleset, const UniqueFd& place, std::uint64_t rights) {
  const PathBeneathAttr rule{.allowed_access = rights, .parent_fd = place.get()};
  return ::syscall(kAddRule, ruleset.get(), kPathBeneath, &rule, 0) == 0;
}

std::uint64_t rights_of(const keystore_engine::SandboxNeeds::Path& path, bool is_folder) {
  std::uint64_t rights = kReadFile;
  if (is_folder) rights |= kReadDir;
  if (path.write) rights |= kWriteFile | kTruncate;
  if (path.write && is_folder) rights |= kRemoveFile | kMakeReg;
  if (path.device) rights |= kIoctlDev;
  return rights;
}

// In the words of the status line.
std::string allow_needs(const UniqueFd& ruleset, std::uint64_t handled,
                        const keystore_engine::SandboxNeeds& needs) {
  std::string words;
  for (const auto& path : needs.paths) {
    const UniqueFd place(::open(path.path.c_str(), O_PATH | O_CLOEXEC));
    struct stat info {};
    const bool done = place.valid() && ::fstat(place.get(), &info) == 0 &&
                      allow(ruleset, place, rights_of(path, S_ISDIR(info.st_mode)) & handled);
    words += done ? ", " + path.path.string() : ", not " + path.path.string() + " (it is not there)";
  }
  return words;
}
}  // namespace

keystore::Mechanism restrict_files(const std::filesystem::path& state_folder,
                                   const keystore_engine::SandboxNeeds& needs) {
  const long abi = ::syscall(kCreateRuleset, nullptr, 0, kAskVersion);
  if (abi < 1) return missing("this kernel does not have it, or it is switched off: " + errno_text(errno));
  RulesetAttr attr{.handled_access_fs = kAllOfAbi1, .handled_access_net = 0, .scoped = 0};
  std::size_t size = 8;
  if (abi >= 2) attr.handled_access_fs |= kRefer;
  if (abi >= 3) attr.handled_access_fs |= kTruncate;
  if (abi >= 5) attr.handled_access_fs |= kIoctlDev;
  if (abi >= 4) {
    attr.handled_access_net = kAllNet;
    size = 16;
  }
  if (abi >= 6) {
    attr.scoped = kAllScopes;
    size = 24;
  }
  const UniqueFd ruleset(static_cast<int>(::syscall(kCreateRuleset, &attr, size, 0)));
  if (!ruleset.valid()) return missing("no rules can be made: " + errno_text(errno));
  const UniqueFd folder(::open(state_folder.c_str(), O_PATH | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW));
  if (!allow(ruleset, folder,
             (kWriteFile | kReadFile | kReadDir | kRemoveFile | kMakeReg | kTruncate) &
                 attr.handled_access_fs)) {
    return missing("the state folder cannot be allowed: " + errno_text(errno));
  }
  const auto more = allow_needs(ruleset, attr.handled_access_fs, needs);
  if (::syscall(kRestrictSelf, ruleset.get(), 0) != 0)
    return missing("cannot be put in force: " + errno_text(errno));
  return {"landlock", true,
          "ABI " + std::to_string(abi) + ": only files below " + state_folder.string() + more +
              (abi >= 4 ? ", no TCP" : "") + (abi >= 6 ? ", no signals to others" : "")};
}

}  // namespace camvault::keystored
