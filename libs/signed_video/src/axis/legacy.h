// Axis' legacy scheme (versions 1.x) in the terms of the current one. A legacy SEI speaks about the units of
// its GOP and the first unit of the next one, hashed as if it belonged to the GOP that ends; that links the
// two. The very first SEI of a stream comes with its first picture and speaks about that alone.
#pragma once

#include "coverage.h"

namespace camvault::signed_video::axis {

// Signature over this digest good? Asked when the units are there.
using CheckDigest = std::function<bool(const crypto::Digest& digest)>;

// Fills `sei` from a legacy message whose fields fit each other (read_message); `sei.general` and `sei.list`
// hold the message's. False if it makes no claim of its own: the first SEI of a stream.
bool adapt_legacy(const crypto::Engine& engine, crypto::HashAlg hash, const SeiMessage& message,
                  CheckDigest check, GopSei& sei);

}  // namespace camvault::signed_video::axis
