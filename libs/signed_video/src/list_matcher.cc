#include "list_matcher.h"

#include <algorithm>
#include <cstring>

namespace camvault::signed_video {

namespace {

struct Anchored {
  std::array<std::uint8_t, 2 * crypto::kMaxDigestSize> bytes;
};

BytesView join(const crypto::Digest& anchor, const crypto::Digest& raw, Anchored& out) {
  std::memcpy(out.bytes.data(), anchor.bytes.data(), anchor.size);
  std::memcpy(out.bytes.data() + anchor.size, raw.bytes.data(), raw.size);
  return BytesView(out.bytes).first(std::size_t{anchor.size} + raw.size);
}

bool stands_alone(const Hashable& unit) {
  return unit.anchors || unit.sei;
}

// List slots sorted by their hash, so that a unit finds its slots in log time. Slots of equal hash keep list
// order.
class SlotIndex {
 public:
  SlotIndex(BytesView list, std::size_t size) : list_(list), size_(size), order_(list.size() / size) {
    for (std::uint32_t i = 0; i < order_.size(); ++i) order_[i] = i;
    std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
      const int c = std::memcmp(at(a), at(b), size_);
      return c != 0 ? c < 0 : a < b;
    });
    taken_.resize(order_.size());
  }

  // The slots with that hash, ascending.
  std::span<const std::uint32_t> find(const crypto::Digest& entry) const {
    const auto begin = std::lower_bound(order_.begin(), order_.end(), entry,
                                        [&](std::uint32_t slot, const crypto::Digest& wanted) {
                                          return std::memcmp(at(slot), wanted.bytes.data(), size_) < 0;
                                        });
    auto end = begin;
    if (begin != order_.end() && std::memcmp(at(*begin), entry.bytes.data(), size_) == 0) {
      end =
          std::upper_bound(begin, order_.end(), entry, [&](const crypto::Digest& wanted, std::uint32_t slot) {
            return std::memcmp(wanted.bytes.data(), at(slot), size_) < 0;
          });
    }
    return {order_.data() + (begin - order_.begin()), static_cast<std::size_t>(end - begin)};
  }

  // The first of `slots` in [low, high) that no unit has taken.
  std::uint32_t take(std::span<const std::uint32_t> slots, std::uint32_t low, std::uint32_t high) {
    for (auto it = std::lower_bound(slots.begin(), slots.end(), low); it != slots.end() && *it < high; ++it) {
      if (taken_[*it]) continue;
      taken_[*it] = true;
      return *it;
    }
    return kNoSlot;
  }

 private:
  const std::uint8_t* at(std::uint32_t slot) const { return list_.data() + slot * size_; }

  BytesView list_;
  std::size_t size_;
  std::vector<std::uint32_t> order_;
  std::vector<bool> taken_;
};

// Marks a longest strictly ascending run of slots, skipping units without one.
void mark_ascending(const std::vector<std::uint32_t>& slot, std::vector<bool>& in_order) {
  std::vector<std::size_t> ends;  // unit that ends the best run of each length
  std::vector<std::size_t> before(slot.size(), SIZE_MAX);
  for (std::size_t i = 0; i < slot.size(); ++i) {
    if (slot[i] == kNoSlot) continue;
    const auto it = std::lower_bound(ends.begin(), ends.end(), slot[i],
                                     [&](std::size_t unit, std::uint32_t s) { return slot[unit] < s; });
    if (it != ends.begin()) before[i] = *(it - 1);
    if (it == ends.end()) {
      ends.push_back(i);
    } else {
      *it = i;
    }
  }
  if (ends.empty()) return;
  for (auto unit = ends.back(); unit != SIZE_MAX; unit = before[unit]) in_order[unit] = true;
}

}  // namespace

crypto::Digest entry_of(const crypto::Engine& engine, crypto::HashAlg hash, const Hashable& unit,
                        const crypto::Digest& anchor) {
  if (stands_alone(unit)) return unit.raw;
  Anchored buffer;
  return engine.digest(hash, join(anchor, unit.raw, buffer));
}

void append_entries(const crypto::Engine& engine, crypto::HashAlg hash,
                    std::span<const Hashable* const> units, const crypto::Digest& anchor, Bytes& out) {
  constexpr std::size_t kBatch = 64;
  std::array<Anchored, kBatch> buffers;
  std::array<BytesView, kBatch> messages;
  std::array<crypto::Digest, kBatch> digests;
  for (std::size_t begin = 0; begin < units.size(); begin += kBatch) {
    const auto batch = units.subspan(begin, std::min(kBatch, units.size() - begin));
    std::size_t count = 0;
    for (const auto* unit : batch) {
      if (!stands_alone(*unit)) {
        messages[count] = join(anchor, unit->raw, buffers[count]);
        ++count;
      }
    }
    engine.digest_batch(hash, std::span(messages).first(count), std::span(digests).first(count));
    std::size_t next = 0;
    for (const auto* unit : batch)
      append(out, stands_alone(*unit) ? unit->raw.view() : digests[next++].view());
  }
}

Match match_list(const crypto::Engine& engine, crypto::HashAlg hash, std::span<const Wanted> units,
                 BytesView list, std::span<const crypto::Digest> anchors) {
  Match match;
  const auto size = crypto::digest_size(hash);
  match.slot.assign(units.size(), kNoSlot);
  match.in_order.assign(units.size(), false);
  match.found.assign(list.size() / size, false);
  SlotIndex index(list, size);
  std::vector<std::size_t> hits(anchors.size());
  std::vector<std::span<const std::uint32_t>> choices(units.size());
  const auto choices_under = [&](const Hashable& unit, const crypto::Digest& anchor) {
    Anchored buffer;
    return index.find(engine.digest(hash, join(anchor, unit.raw, buffer)));
  };
  for (std::size_t i = 0; i < units.size(); ++i) {
    const auto& [unit, own_anchor, elsewhere, is_twin] = units[i];
    if (is_twin) continue;
    if (stands_alone(*unit)) choices[i] = index.find(unit->raw);
    if (choices[i].empty() && own_anchor && !unit->sei) {
      choices[i] = choices_under(*unit, *own_anchor);
      const auto known = std::find(anchors.begin(), anchors.end(), *own_anchor);
      if (!choices[i].empty() && known != anchors.end())
        ++hits[static_cast<std::size_t>(known - anchors.begin())];
    }
    for (std::size_t a = 0; a < anchors.size() && choices[i].empty() && elsewhere && !unit->sei; ++a) {
      choices[i] = choices_under(*unit, anchors[a]);
      if (!choices[i].empty()) ++hits[a];
    }
    if (choices[i].size() == 1) match.slot[i] = index.take(choices[i], 0, kNoSlot);
  }
  // Pictures of a still scene can be equal byte by byte. They take the slots that fit between those that are
  // unlike.
  mark_ascending(match.slot, match.in_order);
  std::vector<std::uint32_t> next(units.size() + 1, kNoSlot);
  for (auto i = units.size(); i-- > 0;) next[i] = match.in_order[i] ? match.slot[i] : next[i + 1];
  std::uint32_t low = 0;
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (match.in_order[i]) low = match.slot[i] + 1;
    if (match.slot[i] != kNoSlot || choices[i].size() < 2) continue;
    match.slot[i] = index.take(choices[i], low, next[i]);
    if (match.slot[i] != kNoSlot) low = match.slot[i] + 1;
  }
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (match.slot[i] == kNoSlot && choices[i].size() > 1) match.slot[i] = index.take(choices[i], 0, kNoSlot);
    if (match.slot[i] == kNoSlot) continue;
    match.found[match.slot[i]] = true;
    ++match.matched;
  }
  match.in_order.assign(units.size(), false);
  mark_ascending(match.slot, match.in_order);
  const auto best = std::max_element(hits.begin(), hits.end());
  if (best != hits.end() && *best > 0) match.anchor = anchors[static_cast<std::size_t>(best - hits.begin())];
  return match;
}

}  // namespace camvault::signed_video
