#include "look_ahead.h"

#include <algorithm>
#include <chrono>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace camvault::signed_video {

namespace {

// SEIs that are read before their turn: several copies of them are in memory at the same time.
constexpr std::size_t kMaxSeiBytes = 2 << 20;
// What a thread takes at a time, so that it need not ask for each message and leaves enough to the others.
constexpr std::size_t kClaimMessages = 8;
constexpr std::size_t kClaimBytes = 64 << 10;
// Waking up takes a thread long, a millisecond on a virtual machine whose other processors are idle. So one
// that has nothing to do goes on looking for as long as it has just worked, within these limits, and never
// wastes more than half of its time.
constexpr auto kLeastLooking = std::chrono::microseconds(20);
constexpr auto kMostLooking = std::chrono::milliseconds(1);
// What others have in hand is done sooner than that, unless they were taken off their processor.
constexpr auto kOthersTake = std::chrono::microseconds(100);

using Clock = std::chrono::steady_clock;

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// True as soon as `there` is, false after `duration`.
template <class Condition>
bool look_for(Clock::duration duration, const Condition& there) {
  constexpr int kPauses = 50;  // between two looks at the clock
  const auto end = Clock::now() + duration;
  do {
    for (int i = 0; i < kPauses; ++i) {
      if (there()) return true;
      pause();
    }
  } while (Clock::now() < end);
  return false;
}

// Of a mutex that nobody holds longer than some dozen instructions.
std::unique_lock<std::mutex> lock_soon(std::mutex& mutex) {
  std::unique_lock lock(mutex, std::try_to_lock);
  if (!lock && !look_for(kLeastLooking, [&] { return lock.try_lock(); })) lock.lock();
  return lock;
}

// A message whose beginning and end are not in the cache would hold up those beside it; kernels ask for what
// lies between themselves.
constexpr std::size_t kFetchAhead = 8;
void fetch(BytesView message) {
  if (message.empty()) return;
  const auto size = std::min<std::size_t>(message.size(), 256);
  for (std::size_t at = 0; at < size; at += 64) __builtin_prefetch(message.data() + at);
  __builtin_prefetch(&message.back());
}

std::string key_of(const crypto::Digest& digest) {
  return std::string(as_text(digest.view()));
}

}  // namespace

bool SeenSeis::contains(const crypto::Digest& digest) const {
  const auto lock = lock_soon(mutex_);
  return seen_.find(key_of(digest)) != nullptr;
}

bool SeenSeis::add(const crypto::Digest& digest) {
  const auto lock = lock_soon(mutex_);
  auto key = key_of(digest);
  if (seen_.find(key) != nullptr) return false;
  seen_.remember(std::move(key), {});
  return true;
}

unsigned thread_count(unsigned jobs) {
  return std::clamp(jobs == 0 ? std::thread::hardware_concurrency() : jobs, 1u, kMaxJobs);
}

// Some messages of a batch in a row, or one SEI.
struct LookAhead::Claim {
  UnitBatch* batch = nullptr;
  bool is_sei = false;
  std::size_t begin = 0;
  std::size_t count = 0;
};

// What one thread has in hand.
class LookAhead::Worker {
 public:
  explicit Worker(LookAhead& ahead) : ahead_(ahead) {}

  // Goes on until something is done. False if there is nothing to do.
  bool step() {
    while (!lanes_ || lanes_->room() > 0) {
      if (claim_.count == 0 && !ahead_.claim(claim_)) break;
      auto& batch = *claim_.batch;
      if (claim_.is_sei) {
        claim_.count = 0;
        ahead_.look_at(batch, claim_.begin);
        return true;
      }
      if (lanes_ && hash_ != batch.hash) {
        while (!lanes_->idle()) lanes_->advance();
        lanes_.reset();
      }
      if (!lanes_) {
        hash_ = batch.hash;
        lanes_ = ahead_.engine_.lanes(hash_);
      }
      if (batch.messages.size() == 1 && lanes_->idle()) {  // nothing to stand beside it
        claim_.count = 0;
        batch.digests[0] = ahead_.engine_.digest(hash_, batch.messages[0]);
        batch.left.fetch_sub(1, std::memory_order_release);
        return true;
      }
      const auto i = claim_.begin++;
      --claim_.count;
      if (i + kFetchAhead < batch.messages.size()) fetch(batch.messages[i + kFetchAhead]);
      lanes_->give(batch.messages[i], batch.digests[i], batch.left);
    }
    if (!lanes_ || lanes_->idle()) return false;
    lanes_->advance();
    return true;
  }

 private:
  LookAhead& ahead_;
  Claim claim_;
  crypto::HashAlg hash_ = crypto::HashAlg::sha256;
  std::unique_ptr<crypto::DigestLanes> lanes_;
};

LookAhead::LookAhead(codec::Codec codec, const crypto::Engine& engine, const SeenSeis& seen, unsigned threads)
    : codec_(codec), engine_(engine), seen_(seen), own_(std::make_unique<Worker>(*this)) {
  for (std::size_t i = 0; i < kBatches; ++i) ring_.push_back(std::make_unique<UnitBatch>());
  for (unsigned i = 1; i < threads; ++i) others_.emplace_back([this] { serve(); });
}

LookAhead::~LookAhead() {
  {
    const std::lock_guard lock(mutex_);
    stopping_.store(true, std::memory_order_relaxed);
  }
  work_comes_.notify_all();
  for (auto& thread : others_) thread.join();
}

UnitBatch* LookAhead::next() {
  return end_ - first_ == kBatches ? nullptr : &at(end_);
}

void LookAhead::begin(KeysAhead keys) {
  auto& batch = at(end_);
  batch.keys = std::move(keys);
  for (std::size_t i = 0; i < batch.units.size(); ++i) {
    if (batch.carriers[i] != Carrier::onvif && batch.carriers[i] != Carrier::supplement) continue;
    const auto size = batch.units[i].bytes.size();
    if (sei_bytes_ + size > kMaxSeiBytes) continue;
    sei_bytes_ += size;
    batch.seis.push_back(i);
  }
  batch.found.resize(batch.seis.size());
  batch.left.store(batch.messages.size() + batch.seis.size(), std::memory_order_relaxed);
  bool wake = false;
  {
    const auto lock = lock_soon(mutex_);
    ++end_;
    comes_.fetch_add(1, std::memory_order_relaxed);
    wake = asleep_ > 0;
  }
  if (wake) work_comes_.notify_one();
}

UnitBatch* LookAhead::oldest() {
  return first_ == end_ ? nullptr : &at(first_);
}

bool LookAhead::oldest_is_done() const {
  return first_ != end_ && at(first_).left.load(std::memory_order_acquire) == 0;
}

void LookAhead::finish_oldest() {
  const auto& batch = at(first_);
  while (batch.left.load(std::memory_order_acquire) != 0) {
    if (!own_->step()) wait_for_others(batch);
  }
}

void LookAhead::release_oldest() {
  for (const auto place : at(first_).seis) sei_bytes_ -= at(first_).units[place].bytes.size();
  const auto lock = lock_soon(mutex_);
  if (claimed_ == first_) {
    ++claimed_;
    claimed_seis_ = claimed_messages_ = 0;
  }
  ++first_;
}

bool LookAhead::claim(Claim& out) {
  const auto lock = lock_soon(mutex_);
  return claim_locked(out);
}

bool LookAhead::claim_locked(Claim& out) {
  for (; claimed_ != end_; ++claimed_, claimed_seis_ = claimed_messages_ = 0) {
    auto& batch = at(claimed_);
    // Signatures first: they take long, and none should be left over for the end.
    if (claimed_seis_ < batch.seis.size()) {
      out = {&batch, true, claimed_seis_++, 1};
      return true;
    }
    const auto begin = claimed_messages_;
    std::size_t bytes = 0;
    while (claimed_messages_ < batch.messages.size() && claimed_messages_ - begin < kClaimMessages &&
           bytes < kClaimBytes) {
      bytes += batch.messages[claimed_messages_++].size();
    }
    if (claimed_messages_ == begin) continue;
    out = {&batch, false, begin, claimed_messages_ - begin};
    return true;
  }
  return false;
}

void LookAhead::look_at(UnitBatch& batch, std::size_t sei) const {
  const auto place = batch.seis[sei];
  const auto bytes = codec::without_trailing_zeros(batch.units[place].bytes);
  auto& found = batch.found[sei];
  found.whole = engine_.digest(crypto::HashAlg::sha256, bytes);
  if (!seen_.contains(found.whole)) {
    if (batch.carriers[place] == Carrier::onvif) {
      look_ahead(codec_, engine_, batch.keys, batch.hash, batch.units[place].bytes, found);
    } else {
      look_ahead_at_supplement(codec_, engine_, batch.keys, batch.units[place].bytes, found);
    }
  }
  batch.left.fetch_sub(1, std::memory_order_release);
}

void LookAhead::serve() {
  Worker worker(*this);
  const auto stops = [&] { return stopping_.load(std::memory_order_relaxed); };
  const auto owner_waits = [&] { return owner_waits_.load(std::memory_order_relaxed); };
  Clock::duration earned{};  // by working; looking costs it
  while (!stops()) {
    const auto begin = Clock::now();
    const auto seen = comes_.load(std::memory_order_relaxed);
    while (!stops() && worker.step()) {
      if (owner_waits()) tell();
    }
    const auto more = [&] { return stops() || comes_.load(std::memory_order_relaxed) != seen; };
    const auto end = Clock::now();
    earned = std::clamp<Clock::duration>(earned + (end - begin), kLeastLooking, kMostLooking);
    const bool comes = look_for(earned, [&] {
      if (owner_waits()) tell();
      return more();
    });
    earned -= Clock::now() - end;
    if (comes) continue;
    std::unique_lock lock(mutex_);
    if (owner_waits()) work_is_done_.notify_one();
    ++asleep_;
    work_comes_.wait(lock, more);
    --asleep_;
  }
}

void LookAhead::tell() {
  const std::lock_guard lock(mutex_);
  work_is_done_.notify_one();
}

// Others have what is left of the batch in hand.
void LookAhead::wait_for_others(const UnitBatch& batch) {
  const auto done = [&] { return batch.left.load(std::memory_order_acquire) == 0; };
  if (look_for(kOthersTake, done)) return;
  std::unique_lock lock(mutex_);
  owner_waits_.store(true, std::memory_order_relaxed);
  work_is_done_.wait(lock, done);
  owner_waits_.store(false, std::memory_order_relaxed);
}

}  // namespace camvault::signed_video
