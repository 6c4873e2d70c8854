#include "sha2_lanes.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <functional>

#include "sha2_constants.h"
#include "sha2_kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace camvault::crypto_openssl {

using crypto::Digest;
using crypto::HashAlg;

std::string_view to_string(Lanes lanes) {
  switch (lanes) {
    case Lanes::none:
      return "one by one";
    case Lanes::sha_x2:
      return "SHA instructions, two at a time";
    case Lanes::avx2:
      return "AVX2";
    case Lanes::avx512:
      return "AVX-512";
    case Lanes::simd128:
      return "128-bit registers of WebAssembly";
  }
  return {};
}

#if defined(__x86_64__) || defined(__wasm_simd128__)

namespace {

// Messages that are put in order at a time: bounds the memory on the stack.
constexpr int kWindowBits = 10;
constexpr std::size_t kWindow = 1u << kWindowBits;
#if defined(__x86_64__)
// With so many messages left or fewer, pairs with SHA instructions are faster than a 512-bit register that is
// mostly empty.
constexpr std::size_t kFewForWide = 7;

bool processor_has_sha() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return false;
  const bool ssse3 = (c >> 9 & 1) != 0;
  const bool sse41 = (c >> 19 & 1) != 0;
  if (!ssse3 || !sse41 || __get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  return (b >> 29 & 1) != 0;
}

struct Processor {
  bool sha = processor_has_sha();
  bool avx2 = __builtin_cpu_supports("avx2") != 0;  // asks the system, too, whether it saves the registers
  bool avx512 = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0;
};

const Processor& processor() {
  static const Processor found;
  return found;
}
#endif

constexpr std::uint32_t big_endian(std::uint32_t word) {
  return __builtin_bswap32(word);
}
constexpr std::uint64_t big_endian(std::uint64_t word) {
  return __builtin_bswap64(word);
}

template <class Word>
struct Begin {
  const std::array<Word, 8>& state;
  std::uint8_t digest_size;
};

// Messages on their way, one in each lane: whole blocks first, then the rest with the padding and the length.
template <class Word, std::size_t kLanes>
class LaneSet {
 public:
  LaneSet(Compress<Word> wide, Compress<Word> pair, std::size_t few, Begin<Word> begin)
      : wide_(wide), pair_(pair), few_(few), begin_(begin) {
    blocks_.fill(kIdle);
    left_.fill(nullptr);
  }

  static constexpr std::size_t size() { return kLanes; }
  std::size_t active() const { return active_; }

  void give(BytesView message, Digest& out, std::atomic<std::size_t>& left) {
    assert(active_ < kLanes);
    const auto free = std::find(blocks_.begin(), blocks_.end(), kIdle);
    const auto lane = static_cast<std::size_t>(free - blocks_.begin());
    left_[lane] = &left;
    start(lane, message, out);
  }

  void advance() {
    for (const auto before = active_; active_ == before;) {
      if (active_ <= few_) {
        step_pair();
      } else {
        step_wide();
      }
    }
  }

  void run(std::span<const BytesView> messages, std::span<Digest> out) {
    std::array<std::uint64_t, kWindow> order;
    for (std::size_t first = 0; first < messages.size(); first += kWindow) {
      const auto count = std::min(kWindow, messages.size() - first);
      for (std::size_t i = 0; i < count; ++i)
        order[i] = std::uint64_t{messages[first + i].size()} << kWindowBits | (kWindow - 1 - i);
      // The long ones first: the short ones then fill what is left, and all lanes end at about the same time.
      const auto begin = order.begin();
      const auto end = begin + static_cast<std::ptrdiff_t>(count);
      if (!std::is_sorted(begin, end, std::greater<>())) std::sort(begin, end, std::greater<>());
      for (std::size_t i = 0; i < count;) {
        for (std::size_t lane = 0; lane < kLanes && i < count; ++lane) {
          if (blocks_[lane] < kIdle) continue;
          if (i + kLanes < count) prefetch(messages[first + place_of(order[i + kLanes])]);
          const auto message = first + place_of(order[i++]);
          start(lane, messages[message], out[message]);
        }
        if (i < count) step_wide();
      }
    }
    while (active_ > few_) step_wide();
    while (active_ > 0) step_pair();
  }

 private:
  static constexpr std::size_t kBlock = 16 * sizeof(Word);
  static constexpr std::size_t kLengthBytes = 2 * sizeof(Word);
  // Short messages are copied whole, so that they run in one go.
  static constexpr std::size_t kTail = 3 * kBlock;
  // Blocks of a lane without a message: more than any has, even when some are taken off.
  static constexpr std::size_t kIdle = SIZE_MAX / 2;

  static std::size_t place_of(std::uint64_t key) {
    return kWindow - 1 - static_cast<std::size_t>(key % kWindow);
  }

  // A message that is not in the cache would hold up all lanes. Kernels ask for the bytes further on
  // themselves.
  static void prefetch(BytesView message) {
    const auto size = std::min<std::size_t>(message.size(), 256);
    for (std::size_t at = 0; at < size; at += 64) __builtin_prefetch(message.data() + at);
  }

  void start(std::size_t lane, BytesView message, Digest& digest) {
    for (std::size_t row = 0; row < 8; ++row) state_[row * kLanes + lane] = begin_.state[row];
    out_[lane] = &digest;
    ++active_;
    auto& tail = tail_[lane];
    const auto copied = message.size() + 1 + kLengthBytes <= kTail ? message.size() : message.size() % kBlock;
    const auto tail_size = (copied + 1 + kLengthBytes + kBlock - 1) / kBlock * kBlock;
    if (copied > 0) std::memcpy(tail.data(), message.data() + (message.size() - copied), copied);
    std::memset(tail.data() + copied, 0, tail_size - copied);
    tail[copied] = 0x80;  // FIPS 180-4, 5.1
    const auto bits = big_endian(static_cast<std::uint64_t>(message.size()) * 8);
    std::memcpy(tail.data() + tail_size - sizeof bits, &bits, sizeof bits);
    next_[lane] = message.data();
    blocks_[lane] = (message.size() - copied) / kBlock;
    tail_blocks_[lane] = tail_size / kBlock;
    if (blocks_[lane] == 0) go_on(lane);
  }

  // The lane has read what was at next_.
  void go_on(std::size_t lane) {
    if (tail_blocks_[lane] > 0) {
      next_[lane] = tail_[lane].data();
      blocks_[lane] = std::exchange(tail_blocks_[lane], 0);
      return;
    }
    std::array<Word, 8> words;
    for (std::size_t row = 0; row < 8; ++row) words[row] = big_endian(state_[row * kLanes + lane]);
    auto& digest = *out_[lane];
    std::memcpy(digest.bytes.data(), words.data(), begin_.digest_size);
    digest.size = begin_.digest_size;
    blocks_[lane] = kIdle;
    --active_;
    if (auto* left = std::exchange(left_[lane], nullptr)) left->fetch_sub(1, std::memory_order_release);
  }

  // All lanes, as far as the shortest goes. Idle ones look at a message that is there; nobody reads their
  // state.
  void step_wide() {
    std::size_t shortest = 0;
    for (std::size_t lane = 1; lane < kLanes; ++lane)
      shortest = blocks_[lane] < blocks_[shortest] ? lane : shortest;
    const auto count = blocks_[shortest];
    if (active_ < kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        if (blocks_[lane] < kIdle) continue;
        next_[lane] = next_[shortest];
        blocks_[lane] = kIdle + count;
      }
    }
    wide_(state_.data(), next_.data(), count);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      next_[lane] += count * kBlock;
      blocks_[lane] -= count;
    }
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      if (blocks_[lane] == 0) go_on(lane);
    }
  }

  // The two messages with the most left; the last one beside itself.
  void step_pair() {
    std::size_t first = kLanes;
    std::size_t second = kLanes;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      if (blocks_[lane] >= kIdle) continue;
      if (first == kLanes || left(lane) > left(first)) {
        second = std::exchange(first, lane);
      } else if (second == kLanes || left(lane) > left(second)) {
        second = lane;
      }
    }
    assert(first != kLanes);
    const bool alone = second == kLanes;
    if (alone) second = first;
    const auto count = std::min(blocks_[first], blocks_[second]);
    std::array<Word, 16> state;
    for (std::size_t row = 0; row < 8; ++row) {
      state[2 * row] = state_[row * kLanes + first];
      state[2 * row + 1] = state_[row * kLanes + second];
    }
    const std::array<const std::uint8_t*, 2> next = {next_[first], next_[second]};
    pair_(state.data(), next.data(), count);
    for (std::size_t row = 0; row < 8; ++row) {
      state_[row * kLanes + first] = state[2 * row];
      state_[row * kLanes + second] = state[2 * row + 1];
    }
    take_off(first, count);
    if (!alone) take_off(second, count);
  }

  void take_off(std::size_t lane, std::size_t count) {
    next_[lane] += count * kBlock;
    blocks_[lane] -= count;
    if (blocks_[lane] == 0) go_on(lane);
  }

  std::size_t left(std::size_t lane) const { return blocks_[lane] + tail_blocks_[lane]; }

  alignas(64) std::array<Word, 8 * kLanes> state_;
  std::array<std::array<std::uint8_t, kTail>, kLanes> tail_;
  std::array<const std::uint8_t*, kLanes> next_;
  std::array<std::size_t, kLanes> blocks_;       // that can be read at next_
  std::array<std::size_t, kLanes> tail_blocks_;  // 0: the tail is being read
  std::array<Digest*, kLanes> out_;
  std::array<std::atomic<std::size_t>*, kLanes> left_;  // null: nobody counts
  std::size_t active_ = 0;
  Compress<Word> wide_;
  Compress<Word> pair_;  // null only if few_ is 0
  std::size_t few_;      // so many messages, or fewer, are taken two at a time
  Begin<Word> begin_;
};

// Calls use() with a function that makes empty lanes.
#if defined(__x86_64__)

template <class Use>
auto with_sha256(Lanes lanes, Use&& use) {
  const Begin<std::uint32_t> begin{kSha256Begin, 32};
  const auto pair = processor().sha ? sha256_x2_sha : nullptr;
  const auto few = pair != nullptr ? kFewForWide : 0;
  if (lanes == Lanes::avx512)
    return use([&] { return LaneSet<std::uint32_t, 16>(sha256_x16_avx512, pair, few, begin); });
  if (lanes == Lanes::avx2)
    return use([&] { return LaneSet<std::uint32_t, 8>(sha256_x8_avx2, nullptr, 0, begin); });
  return use([&] { return LaneSet<std::uint32_t, 2>(sha256_x2_sha, sha256_x2_sha, 1, begin); });
}

template <class Use>
auto with_sha512(Lanes lanes, Begin<std::uint64_t> begin, Use&& use) {
  if (lanes == Lanes::avx512)
    return use([&] { return LaneSet<std::uint64_t, 8>(sha512_x8_avx512, nullptr, 0, begin); });
  return use([&] { return LaneSet<std::uint64_t, 4>(sha512_x4_avx2, nullptr, 0, begin); });
}

#else

template <class Use>
auto with_sha256(Lanes, Use&& use) {
  return use([] { return LaneSet<std::uint32_t, 4>(sha256_x4_simd128, nullptr, 0, {kSha256Begin, 32}); });
}

template <class Use>
auto with_sha512(Lanes, Begin<std::uint64_t> begin, Use&& use) {
  return use([&] { return LaneSet<std::uint64_t, 2>(sha512_x2_simd128, nullptr, 0, begin); });
}

#endif

template <class Use>
auto with_lanes(Lanes lanes, HashAlg alg, Use&& use) {
  switch (alg) {
    case HashAlg::sha384:
      return with_sha512(lanes, {kSha384Begin, 48}, use);
    case HashAlg::sha512:
      return with_sha512(lanes, {kSha512Begin, 64}, use);
    case HashAlg::sha256:
      break;
  }
  return with_sha256(lanes, use);
}

template <class Set>
class StreamedLanes final : public crypto::DigestLanes {
 public:
  template <class Make>
  explicit StreamedLanes(const Make& make) : set_(make()) {}
  std::size_t room() const override { return Set::size() - set_.active(); }
  bool idle() const override { return set_.active() == 0; }
  void give(BytesView message, Digest& out, std::atomic<std::size_t>& left) override {
    set_.give(message, out, left);
  }
  void advance() override { set_.advance(); }

 private:
  Set set_;
};

}  // namespace

#if defined(__x86_64__)

bool supports(Lanes lanes, HashAlg alg) {
  switch (lanes) {
    case Lanes::none:
      return true;
    case Lanes::sha_x2:
      return processor().sha && alg == HashAlg::sha256;
    case Lanes::avx2:
      return processor().avx2;
    case Lanes::avx512:
      return processor().avx512;
    case Lanes::simd128:
      return false;
  }
  return false;
}

Lanes best_lanes(HashAlg alg, std::size_t messages) {
  if (messages < 2) return Lanes::none;
  if (processor().avx512) return Lanes::avx512;
  if (alg == HashAlg::sha256 && processor().sha) return Lanes::sha_x2;
  // Half empty registers are no faster than OpenSSL, which then has AVX2, too.
  if (processor().avx2 && messages > 2) return Lanes::avx2;
  return Lanes::none;
}

#else

bool supports(Lanes lanes, HashAlg) {
  return lanes == Lanes::none || lanes == Lanes::simd128;
}

Lanes best_lanes(HashAlg, std::size_t messages) {
  return messages < 2 ? Lanes::none : Lanes::simd128;
}

#endif

void sha2_lanes(Lanes lanes, HashAlg alg, std::span<const BytesView> messages, std::span<Digest> out) {
  assert(lanes != Lanes::none && supports(lanes, alg) && messages.size() == out.size());
  with_lanes(lanes, alg, [&](const auto& make) { make().run(messages, out); });
}

std::unique_ptr<crypto::DigestLanes> stream_lanes(Lanes lanes, HashAlg alg) {
  assert(lanes != Lanes::none && supports(lanes, alg));
  return with_lanes(lanes, alg, [](const auto& make) -> std::unique_ptr<crypto::DigestLanes> {
    return std::make_unique<StreamedLanes<decltype(make())>>(make);
  });
}

#else

bool supports(Lanes lanes, HashAlg) {
  return lanes == Lanes::none;
}
Lanes best_lanes(HashAlg, std::size_t) {
  return Lanes::none;
}
void sha2_lanes(Lanes, HashAlg, std::span<const BytesView>, std::span<Digest>) {}
std::unique_ptr<crypto::DigestLanes> stream_lanes(Lanes, HashAlg) {
  return nullptr;
}

#endif

}  // namespace camvault::crypto_openssl
