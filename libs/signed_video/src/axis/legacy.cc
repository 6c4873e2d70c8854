#include "axis/legacy.h"

#include <algorithm>

namespace camvault::signed_video::axis {

namespace {

crypto::Digest of_pair(const crypto::Engine& engine, crypto::HashAlg hash, BytesView a, BytesView b) {
  std::array<std::uint8_t, 2 * crypto::kMaxDigestSize> both{};
  std::copy(a.begin(), a.end(), both.begin());
  std::copy(b.begin(), b.end(), both.begin() + static_cast<std::ptrdiff_t>(a.size()));
  return engine.digest(hash, BytesView(both).first(a.size() + b.size()));
}

}  // namespace

bool adapt_legacy(const crypto::Engine& engine, crypto::HashAlg hash, const SeiMessage& message,
                  CheckDigest check, GopSei& sei) {
  auto& general = sei.general;
  if (general.unit_count < 2) return false;
  --general.unit_count;
  const auto size = crypto::digest_size(hash);
  if (!message.axis.signs_gop) {
    // The list is signed; what it says about the GOP itself is what a GOP hash would.
    auto& list = *sei.list;
    sei.closing.size = static_cast<std::uint8_t>(size);
    std::copy_n(list.end() - static_cast<std::ptrdiff_t>(size), size, sei.closing.bytes.begin());
    list.resize(list.size() - size);
    Bytes salted{kGopSalt};
    append(salted, list);
    general.gop_hash = engine.digest(hash, salted);
    return true;
  }
  const auto document = engine.digest(hash, message.document);
  general.gop_hash = document;  // only tells SEIs apart
  sei.proves = [&engine, hash, size, document, check = std::move(check)](BytesView entries) {
    const std::uint8_t salt = kGopSalt;
    auto running = engine.digest(hash, BytesView(&salt, 1));
    for (; entries.size() >= size; entries = entries.subspan(size))
      running = of_pair(engine, hash, running.view(), entries.first(size));
    return check(of_pair(engine, hash, running.view(), document.view()));
  };
  return true;
}

}  // namespace camvault::signed_video::axis
