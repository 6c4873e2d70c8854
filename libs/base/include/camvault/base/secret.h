// A secret moves, never copies or prints, is wiped when it ends, and has one door: reveal().
// `git grep 'reveal('` lists all code that touches key bytes.
#pragma once

#include <cstddef>
#include <utility>

#include "camvault/base/bytes.h"

namespace camvault {

// Overwrites memory in a way the compiler does not remove.
void wipe(void* data, std::size_t size);

class Secret {
 public:
  Secret() = default;
  // Copies `bytes` into memory of its own. Locking and core-dump exclusion are the process's (keystored does
  // both); the caller wipes the original.
  explicit Secret(BytesView bytes);
  // Takes the bytes over and wipes the vector.
  static Secret absorb(Bytes&& bytes);
  // Room for a producer: `write` gets a mutable span of `size` bytes to fill.
  template <class Write>
  static Secret make(std::size_t size, Write&& write) {
    Secret secret(size);
    std::forward<Write>(write)(std::span<std::uint8_t>(secret.data_, size));
    return secret;
  }

  ~Secret();
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Secret clone() const;                // on purpose, and visible in review
  bool equals(BytesView other) const;  // constant time

  template <class Use>
  decltype(auto) reveal(Use&& use) const {
    return std::forward<Use>(use)(BytesView(data_, size_));
  }

 private:
  explicit Secret(std::size_t size);
  void release();

  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace camvault
