// Which units of the stream are the ones a signed hash list speaks of, and in which order?
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "camvault/crypto/engine.h"

namespace camvault::signed_video {

inline constexpr std::uint32_t kNoSlot = 0xffffffff;

// What the matcher knows of a unit.
struct Hashable {
  crypto::Digest raw;    // H(unit)
  bool anchors = false;  // first slice of an IDR picture
  bool sei = false;      // unsigned Media Signing SEI
};

// The list entry of a unit in a GOP with that anchor (5.4).
crypto::Digest entry_of(const crypto::Engine& engine, crypto::HashAlg hash, const Hashable& unit,
                        const crypto::Digest& anchor);

// Concatenated entries of a run of units, as a GOP hash is made of.
void append_entries(const crypto::Engine& engine, crypto::HashAlg hash,
                    std::span<const Hashable* const> units, const crypto::Digest& anchor, Bytes& out);

struct Match {
  std::vector<std::uint32_t> slot;  // by unit: its place in the list, or kNoSlot
  std::vector<bool> in_order;       // by unit: part of the longest run of slots that ascends
  std::vector<bool> found;          // by slot: some unit is it
  std::size_t matched = 0;
  crypto::Digest anchor;  // the anchor under which most units matched
};

// A unit that is looked for in a list.
struct Wanted {
  const Hashable* unit = nullptr;
  std::optional<crypto::Digest> anchor;  // of the GOP it stands in
  bool elsewhere = true;  // may belong to a GOP with another anchor: its IDR picture was lost or changed
  bool is_twin = false;   // of another GOP that is known to be meant by another list: matches nothing
};

// Matches units (in stream order) with the entries of `list`. Each unit is tried with the anchor of its GOP,
// then, if it may belong elsewhere, with each of `anchors`. Equal pictures take the places that fit the
// others; a unit that repeats an entry is matched once. Takes O((units * anchors + list) log list).
Match match_list(const crypto::Engine& engine, crypto::HashAlg hash, std::span<const Wanted> units,
                 BytesView list, std::span<const crypto::Digest> anchors);

}  // namespace camvault::signed_video
