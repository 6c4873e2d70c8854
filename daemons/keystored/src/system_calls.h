// seccomp(2): the system calls that serving requests needs. Any other one kills the process.
#pragma once

#include "camvault/keystore/keystore.h"

namespace camvault::keystored {

// For all threads of the process (they exist already: no more can be started). In sanitizer builds only what
// matters most is forbidden (sockets, tracing, other processes' memory), since their run time needs the rest.
keystore::Mechanism restrict_system_calls();

}  // namespace camvault::keystored
