// Giving up what the process does not need, one mechanism at a time. Each reports whether it is at work; none
// that is missing on this machine stops the service.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "camvault/keystore/keystore.h"

namespace camvault::keystored {

using keystore::Mechanism;

// True in builds with AddressSanitizer or ThreadSanitizer, whose run time needs what the sandbox takes away.
bool is_sanitized();

// Early in a camera's first start the kernel has no randomness yet: says so, and waits. No key is made
// before.
void wait_for_randomness();

// Makes the folder and its parents, owned by the user that the service becomes, mode 0700.
Status prepare_state_folder(const std::filesystem::path& folder, std::optional<std::string_view> user);

// As root: becomes `user`, else "camvault-keys" if there is one. Errc::not_found if `user` was named and is
// unknown.
Result<Mechanism> become_own_user(const std::optional<std::string>& user);
Mechanism drop_capabilities();
Mechanism forbid_core_dumps();  // RLIMIT_CORE 0
// PR_SET_DUMPABLE 0: no other process of the same user reads or traces this one. Again after a change of uid.
Mechanism forbid_tracing();
Mechanism lock_memory();  // while the process still may
Mechanism forbid_new_privileges();

}  // namespace camvault::keystored
