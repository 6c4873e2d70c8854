// What every fuzz target needs: a law that must hold, and the entry point that libFuzzer or replay_main.cc
// calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

// Also checked where assert() is compiled away.
inline void law(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "law broken: %s\n", what);
  std::abort();
}

// What a planted bug reads: unless somebody uses it, the compiler takes the reading out, and the bug with it.
inline void use(std::uint64_t value) {
  volatile std::uint64_t sink = value;
  static_cast<void>(sink);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
