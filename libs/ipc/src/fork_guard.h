// A connection speaks for the process that opened it: the kernel tells keystored that one's uid
// (SO_PEERCRED). A child that inherited it would speak with its parent's rights - an nginx worker with those
// of its master, which is root. So children get none: they are shut in the child before fork() returns there.
#pragma once

namespace camvault::ipc {

// False if there are too many already (kMaxGuarded) or the process cannot have the handler.
inline constexpr int kMaxGuarded = 256;
bool shut_in_children(int descriptor);
// Before the descriptor is closed by the process that opened it.
void no_longer_shut(int descriptor);

}  // namespace camvault::ipc
