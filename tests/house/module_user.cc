// Compiled by nobody: it gives CMake a target that has only what the module shows its users.
static_assert(true);
