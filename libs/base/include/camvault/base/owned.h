// Objects of C libraries with owners: `Owned<EVP_PKEY, EVP_PKEY_free>`.
#pragma once

#include <memory>

namespace camvault {

template <auto Free>
struct FreeBy {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

// Freed by the function that its library names; nullptr is not passed to it.
template <class T, auto Free>
using Owned = std::unique_ptr<T, FreeBy<Free>>;

}  // namespace camvault
