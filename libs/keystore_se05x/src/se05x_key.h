// A key in the element, as the engine uses it.
#pragma once

#include <memory>

#include "key_set.h"

namespace camvault::keystore_se05x {

std::shared_ptr<const keystore_engine::BackendKey> make_key(std::shared_ptr<KeySet> keys, KeyType type,
                                                            ObjectId id);

}  // namespace camvault::keystore_se05x
