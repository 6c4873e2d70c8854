#include "camvault/base/secret.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace camvault {

void wipe(void* data, std::size_t size) {
  if (size != 0) ::explicit_bzero(data, size);
}

Secret::Secret(std::size_t size) : size_(size) {
  if (size == 0) return;
  data_ = static_cast<std::uint8_t*>(std::calloc(1, size));
  if (data_ == nullptr) throw std::bad_alloc();  // nobody can go on without memory for a key
}

Secret::Secret(BytesView bytes) : Secret(bytes.size()) {
  if (data_ != nullptr) std::memcpy(data_, bytes.data(), bytes.size());
}

Secret Secret::absorb(Bytes&& bytes) {
  Secret secret{BytesView(bytes)};
  wipe(bytes.data(), bytes.size());
  bytes.clear();
  return secret;
}

void Secret::release() {
  if (data_ != nullptr) {
    wipe(data_, size_);
    std::free(data_);
  }
  data_ = nullptr;
  size_ = 0;
}

Secret::~Secret() {
  release();
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Secret Secret::clone() const {
  return Secret(BytesView(data_, size_));
}

bool Secret::equals(BytesView other) const {
  return equal_constant_time(BytesView(data_, size_), other);
}

}  // namespace camvault
