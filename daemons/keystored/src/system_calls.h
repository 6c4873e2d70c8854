// seccomp(2): the system calls that serving requests needs. Any other one kills the process.
#pragma once

#include "camvault/keystore/keystore.h"
#include "camvault/keystore_engine/backend.h"

namespace camvault::keystored {

// For all threads of the process (they exist already: no more can be started). In sanitizer builds only what
// matters most is forbidden (sockets, tracing, other processes' memory), since their run time needs the rest.
// Backends that talk to a local socket may make Unix stream sockets; those with a foreign library get a few
// more calls for files, and an error instead of death for what libraries try in passing (syslog, terminal
// settings).
keystore::Mechanism restrict_system_calls(const keystore_engine::SandboxNeeds& needs = {});

}  // namespace camvault::keystored
