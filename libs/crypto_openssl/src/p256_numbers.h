// Numbers of 256 bits and arithmetic modulo the two numbers of P-256. Nothing here is secret, and nothing
// here runs in constant time: for verifying only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace camvault::crypto_openssl::p256 {

__extension__ using Wide = unsigned __int128;
using Number = std::array<std::uint64_t, 4>;  // least significant word first

// SP 800-186, 3.2.1.3: the field and the order of the group.
inline constexpr Number kP = {0xffffffffffffffff, 0x00000000ffffffff, 0x0000000000000000, 0xffffffff00000001};
inline constexpr Number kN = {0xf3b9cac2fc632551, 0xbce6faada7179e84, 0xffffffffffffffff, 0xffffffff00000000};

constexpr bool is_zero(const Number& a) {
  return (a[0] | a[1] | a[2] | a[3]) == 0;
}

constexpr bool less(const Number& a, const Number& b) {
  for (int i = 3; i >= 0; --i) {
    const auto at = static_cast<std::size_t>(i);
    if (a[at] != b[at]) return a[at] < b[at];
  }
  return false;
}

// a + b + carry and a - b - borrow, each with the next carry. GCC makes good code of the latter only from
// intrinsics.
constexpr std::uint64_t add_word(std::uint64_t a, std::uint64_t b, unsigned char& carry) {
#if defined(__x86_64__)
  if (!std::is_constant_evaluated()) {
    unsigned long long out = 0;
    carry = _addcarry_u64(carry, a, b, &out);
    return out;
  }
#endif
  const Wide sum = Wide{a} + b + carry;
  carry = static_cast<unsigned char>(sum >> 64);
  return static_cast<std::uint64_t>(sum);
}
constexpr std::uint64_t subtract_word(std::uint64_t a, std::uint64_t b, unsigned char& borrow) {
#if defined(__x86_64__)
  if (!std::is_constant_evaluated()) {
    unsigned long long out = 0;
    borrow = _subborrow_u64(borrow, a, b, &out);
    return out;
  }
#endif
  const Wide difference = Wide{a} - b - borrow;
  borrow = static_cast<unsigned char>(difference >> 64 & 1);
  return static_cast<std::uint64_t>(difference);
}

// a + b; the carry is returned.
constexpr unsigned char add(const Number& a, const Number& b, Number& out) {
  unsigned char carry = 0;
  out[0] = add_word(a[0], b[0], carry);
  out[1] = add_word(a[1], b[1], carry);
  out[2] = add_word(a[2], b[2], carry);
  out[3] = add_word(a[3], b[3], carry);
  return carry;
}

// a - b; the borrow is returned.
constexpr unsigned char subtract(const Number& a, const Number& b, Number& out) {
  unsigned char borrow = 0;
  out[0] = subtract_word(a[0], b[0], borrow);
  out[1] = subtract_word(a[1], b[1], borrow);
  out[2] = subtract_word(a[2], b[2], borrow);
  out[3] = subtract_word(a[3], b[3], borrow);
  return borrow;
}

// a * b + c + carry; the higher word becomes the carry. Cannot overflow.
constexpr std::uint64_t multiply_add(std::uint64_t a, std::uint64_t b, std::uint64_t c,
                                     std::uint64_t& carry) {
  const Wide sum = Wide{a} * b + c + carry;
  carry = static_cast<std::uint64_t>(sum >> 64);
  return static_cast<std::uint64_t>(sum);
}

#if defined(__x86_64__)
inline const bool kHasMulx = __builtin_cpu_supports("bmi2") != 0;
#endif

// Without a branch that would be guessed wrong half of the time.
constexpr Number choose(bool first, const Number& a, const Number& b) {
  const std::uint64_t mask = 0 - static_cast<std::uint64_t>(first);
  Number out{};
  for (std::size_t i = 0; i < 4; ++i) out[i] = b[i] ^ ((a[i] ^ b[i]) & mask);
  return out;
}

// Arithmetic modulo an odd number of 256 bits whose highest bit is set, in Montgomery form: x stands for x *
// 2^256. All values are below the modulus.
template <const Number& kM>
struct Modulo {
  static constexpr bool kIsField = &kM == &kP;
  static constexpr std::uint64_t kFactor = [] {  // -1 / kM modulo 2^64
    std::uint64_t inverse = 1;
    for (int i = 0; i < 6; ++i) inverse *= 2 - kM[0] * inverse;
    return ~inverse + 1;
  }();

  static constexpr Number plus(const Number& a, const Number& b) {
    Number sum{};
    const auto carry = add(a, b, sum);
    Number reduced{};
    return choose(subtract(sum, kM, reduced) > carry, sum, reduced);
  }

  static constexpr Number minus(const Number& a, const Number& b) {
    Number difference{};
    const auto borrow = subtract(a, b, difference);
    add(difference, choose(borrow != 0, kM, Number{}), difference);
    return difference;
  }

  // a * b / 2^256, by Montgomery's method, word by word.
  static constexpr Number times(const Number& a, const Number& b) {
#if defined(__x86_64__)
    if (!std::is_constant_evaluated() && kHasMulx) return times_mulx(a, b);
#endif
    std::uint64_t t0 = 0, t1 = 0, t2 = 0, t3 = 0, t4 = 0;
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) {
      const auto word = b[i];
      std::uint64_t carry = 0;
      t0 = multiply_add(a[0], word, t0, carry);
      t1 = multiply_add(a[1], word, t1, carry);
      t2 = multiply_add(a[2], word, t2, carry);
      t3 = multiply_add(a[3], word, t3, carry);
      const Wide top = Wide{t4} + carry;
      t4 = static_cast<std::uint64_t>(top);
      const auto t5 = static_cast<std::uint64_t>(top >> 64);
      // Adds the multiple of the modulus that makes the lowest word zero, and drops that word.
      const std::uint64_t multiple = t0 * kFactor;
      carry = 0;
      if constexpr (kIsField) {
        // The modulus is 2^256 - 2^224 + 2^192 + 2^96 - 1: its two lower words need no multiplication.
        const Wide low = (Wide{multiple} << 32) + t1;
        t0 = static_cast<std::uint64_t>(low);
        const Wide middle = Wide{t2} + static_cast<std::uint64_t>(low >> 64);
        t1 = static_cast<std::uint64_t>(middle);
        carry = static_cast<std::uint64_t>(middle >> 64);
      } else {
        multiply_add(multiple, kM[0], t0, carry);
        t0 = multiply_add(multiple, kM[1], t1, carry);
        t1 = multiply_add(multiple, kM[2], t2, carry);
      }
      t2 = multiply_add(multiple, kM[3], t3, carry);
      const Wide high = Wide{t4} + carry;
      t3 = static_cast<std::uint64_t>(high);
      t4 = t5 + static_cast<std::uint64_t>(high >> 64);
    }
    const Number product = {t0, t1, t2, t3};
    Number reduced{};
    return choose(subtract(product, kM, reduced) > t4, product, reduced);
  }

#if defined(__x86_64__)
  // The same with the carries in the flags, which GCC 12 does not manage: a third of its instructions. The
  // sum in five words never overflows before the reduction: a * word < 2^320 - 2^288, and what stood there is
  // below 2^257.
  static Number times_mulx(const Number& a, const Number& b) {
    std::uint64_t t0 = 0, t1 = 0, t2 = 0, t3 = 0, t4 = 0;
    row_mulx(a, b[0], t0, t1, t2, t3, t4);
    row_mulx(a, b[1], t1, t2, t3, t4, t0);
    row_mulx(a, b[2], t2, t3, t4, t0, t1);
    row_mulx(a, b[3], t3, t4, t0, t1, t2);
    const Number product = {t4, t0, t1, t2};
    Number reduced{};
    return choose(subtract(product, kM, reduced) > t3, product, reduced);
  }

  // t += a * word, and the multiple of the modulus that makes t0 zero; t0 becomes the highest word.
  __attribute__((always_inline)) static void row_mulx(const Number& a, std::uint64_t word, std::uint64_t& t0,
                                                      std::uint64_t& t1, std::uint64_t& t2, std::uint64_t& t3,
                                                      std::uint64_t& t4) {
    std::uint64_t low, h0, h1, h2;
    asm("mulx %[a0], %[low], %[h0]\n\t"
        "addq %[low], %[t0]\n\t"
        "mulx %[a1], %[low], %[h1]\n\t"
        "adcq %[low], %[t1]\n\t"
        "mulx %[a2], %[low], %[h2]\n\t"
        "adcq %[low], %[t2]\n\t"
        "mulx %[a3], %[low], %%rdx\n\t"
        "adcq %[low], %[t3]\n\t"
        "adcq $0, %[t4]\n\t"
        "addq %[h0], %[t1]\n\t"
        "adcq %[h1], %[t2]\n\t"
        "adcq %[h2], %[t3]\n\t"
        "adcq %%rdx, %[t4]"
        : [t0] "+&r"(t0), [t1] "+&r"(t1), [t2] "+&r"(t2), [t3] "+&r"(t3), [t4] "+&r"(t4), [low] "=&r"(low),
          [h0] "=&r"(h0), [h1] "=&r"(h1), [h2] "=&r"(h2), "+&d"(word)
        : [a0] "m"(a[0]), [a1] "m"(a[1]), [a2] "m"(a[2]), [a3] "m"(a[3])
        : "cc");
    std::uint64_t multiple = t0 * kFactor;
    if constexpr (kIsField) {
      std::uint64_t x = multiple << 32;
      std::uint64_t y = multiple >> 32;
      asm("mulx %[m3], %[low], %%rdx\n\t"
          "addq %[x], %[t1]\n\t"
          "adcq %[y], %[t2]\n\t"
          "adcq %[low], %[t3]\n\t"
          "adcq %%rdx, %[t4]\n\t"
          "movl $0, %k[t0]\n\t"
          "adcq $0, %[t0]"
          : [t0] "=&r"(t0), [t1] "+&r"(t1), [t2] "+&r"(t2), [t3] "+&r"(t3), [t4] "+&r"(t4), [low] "=&r"(low),
            "+&d"(multiple)
          : [x] "r"(x), [y] "r"(y), [m3] "m"(kM[3])
          : "cc");
    } else {
      asm("mulx %[m0], %[low], %[h0]\n\t"
          "addq %[low], %[t0]\n\t"
          "mulx %[m1], %[low], %[h1]\n\t"
          "adcq %[low], %[t1]\n\t"
          "mulx %[m2], %[low], %[h2]\n\t"
          "adcq %[low], %[t2]\n\t"
          "mulx %[m3], %[low], %%rdx\n\t"
          "adcq %[low], %[t3]\n\t"
          "adcq $0, %[t4]\n\t"
          "movl $0, %k[t0]\n\t"
          "adcq $0, %[t0]\n\t"
          "addq %[h0], %[t1]\n\t"
          "adcq %[h1], %[t2]\n\t"
          "adcq %[h2], %[t3]\n\t"
          "adcq %%rdx, %[t4]\n\t"
          "adcq $0, %[t0]"
          : [t0] "+&r"(t0), [t1] "+&r"(t1), [t2] "+&r"(t2), [t3] "+&r"(t3), [t4] "+&r"(t4), [low] "=&r"(low),
            [h0] "=&r"(h0), [h1] "=&r"(h1), [h2] "=&r"(h2), "+&d"(multiple)
          : [m0] "m"(kM[0]), [m1] "m"(kM[1]), [m2] "m"(kM[2]), [m3] "m"(kM[3])
          : "cc");
    }
  }
#endif

  static constexpr Number squared(const Number& a) { return times(a, a); }

  static constexpr Number kOne = [] {  // 2^256
    Number reduced{};
    subtract(Number{}, kM, reduced);
    return reduced;
  }();
  static constexpr Number kSquare = [] {  // 2^512
    Number value = kOne;
    for (int i = 0; i < 256; ++i) value = plus(value, value);
    return value;
  }();

  static constexpr Number enter(const Number& a) { return times(a, kSquare); }
};

using Field = Modulo<kP>;
using Order = Modulo<kN>;

// The inverse of a number that is neither zero nor above the modulus, which is odd and prime.
Number inverse(const Number& a, const Number& modulus);

}  // namespace camvault::crypto_openssl::p256
