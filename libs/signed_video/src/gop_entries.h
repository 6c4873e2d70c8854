// The hash list of the running (partial) GOP on the signer's side. Units are copied and hashed side by side
// where the engine can do that, which takes a third of the time that one after the other takes; their digests
// are there when the GOP ends. An engine that hashes one at a time gets them as they are.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <vector>

#include "camvault/crypto/engine.h"
#include "list_matcher.h"

namespace camvault::signed_video {

class GopEntries {
 public:
  GopEntries(const crypto::Engine& engine, crypto::HashAlg hash);

  std::size_t count() const { return units_.size(); }
  bool has_anchor() const { return has_anchor_; }
  // Units before the first GOP are hashed with zeros in place of its anchor.
  void take_zeros_as_anchor();

  // A slice, or what is hashed like one. `anchors`: 5.4, the first slice of the GOP. `begins_picture`: its
  // digest is wanted in Closed::pictures. The bytes are not needed afterwards.
  void add(BytesView unit, bool anchors, bool begins_picture);
  void add(const crypto::Digest& raw, bool anchors, bool begins_picture);
  // An unsigned SEI: an entry by itself.
  void add_sei(const crypto::Digest& whole);

  struct Closed {
    Bytes list;  // the entries, one behind the other
    crypto::Digest first;
    std::vector<crypto::Digest> pictures;  // in their order
  };
  // The GOP ends; the next one begins empty.
  Closed close();

 private:
  // Bytes of a unit that is being hashed.
  struct Copy {
    Bytes bytes;
    const Hashable* of = nullptr;  // null: free
  };

  Hashable& place(bool anchors, bool begins_picture);
  void hash_later(BytesView unit, Hashable& at);

  // With fewer lanes the copy takes what the lanes give.
  static constexpr std::size_t kFewLanes = 4;
  // Larger ones are hashed alone: bounds the memory of the copies to 16 MB.
  static constexpr std::size_t kLargeUnit = 1 << 20;

  const crypto::Engine& engine_;
  crypto::HashAlg hash_;
  std::deque<Hashable> units_;  // places that stay: digests are written there
  std::vector<std::size_t> picture_begins_;
  crypto::Digest anchor_;
  bool has_anchor_ = false;
  std::vector<Copy> copies_;
  std::atomic<std::size_t> left_ = 0;
  std::unique_ptr<crypto::DigestLanes> lanes_;  // null: none that help. Ends before what it points to.
};

}  // namespace camvault::signed_video
