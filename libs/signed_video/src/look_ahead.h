// Everything that takes long and hangs on nothing but the bytes of units: done before the verifier comes to
// them, in the order in which they were given, by its own thread and by others. What comes of it is the same
// with any number of them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "recent.h"
#include "unit_batch.h"

namespace camvault::signed_video {

// SEIs that were in the stream already. Shared between threads.
class SeenSeis {
 public:
  bool contains(const crypto::Digest& digest) const;
  // False if it is there already.
  bool add(const crypto::Digest& digest);

 private:
  // A copy that comes later than that counts as out of order.
  static constexpr std::size_t kMost = 4096;
  struct Seen {};
  mutable std::mutex mutex_;
  Recent<Seen, kMost> seen_;
};

// The number that `jobs` asks for: itself, or for 0 as many as the process has cores; at most 64.
unsigned thread_count(unsigned jobs);

// Confined to the thread that made it.
class LookAhead {
 public:
  // Units of a batch: few, so that there is work for all threads soon and to the end.
  static constexpr std::size_t kUnits = 64;

  // `threads` in all, the caller's included. What is given must outlive it.
  LookAhead(codec::Codec codec, const crypto::Engine& engine, const SeenSeis& seen, unsigned threads);
  ~LookAhead();
  LookAhead(const LookAhead&) = delete;
  LookAhead& operator=(const LookAhead&) = delete;

  // One to be filled, with the algorithm of its hashes, or null while too many are under way. begin() hands
  // it to the threads, with the keys that its signatures are probably of.
  UnitBatch* next();
  void begin(KeysAhead keys);

  // The first one that was begun and not released, or null.
  UnitBatch* oldest();
  bool oldest_is_done() const;
  // Works until it is done.
  void finish_oldest();
  void release_oldest();

  // Begun so far, and released.
  std::uint64_t begun() const { return end_; }
  std::uint64_t released() const { return first_; }

 private:
  struct Claim;
  class Worker;

  UnitBatch& at(std::uint64_t number) { return *ring_[number % kBatches]; }
  const UnitBatch& at(std::uint64_t number) const { return *ring_[number % kBatches]; }
  bool claim(Claim& out);
  bool claim_locked(Claim& out);
  void look_at(UnitBatch& batch, std::size_t sei) const;
  void serve();
  void tell();
  void wait_for_others(const UnitBatch& batch);

  // So many wait for their turn, or are looked at.
  static constexpr std::size_t kBatches = 32;

  codec::Codec codec_;
  const crypto::Engine& engine_;
  const SeenSeis& seen_;
  std::vector<std::unique_ptr<UnitBatch>> ring_;
  std::size_t sei_bytes_ = 0;  // of the batches under way

  std::mutex mutex_;
  std::condition_variable work_comes_;
  std::condition_variable work_is_done_;
  std::uint64_t first_ = 0;  // batches [first_, end_) are under way; written by the owner under the lock
  std::uint64_t end_ = 0;
  std::uint64_t claimed_ = 0;  // everything before it is in somebody's hands, or done
  std::size_t claimed_seis_ = 0;
  std::size_t claimed_messages_ = 0;
  unsigned asleep_ = 0;
  std::atomic<bool> owner_waits_ = false;
  std::atomic<std::uint64_t> comes_ = 0;  // counts begin(): looked at before falling asleep
  std::atomic<bool> stopping_ = false;

  std::unique_ptr<Worker> own_;
  std::vector<std::thread> others_;  // no std::jthread: the browser's standard library has none
};

}  // namespace camvault::signed_video
