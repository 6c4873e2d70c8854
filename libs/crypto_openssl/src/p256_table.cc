#include "p256_table.h"

#include <algorithm>
#include <span>
#include <type_traits>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace camvault::crypto_openssl {

namespace {

__extension__ using Wide = unsigned __int128;
using Number = std::array<std::uint64_t, 4>;  // least significant word first

// SP 800-186, 3.2.1.3: the field, the order of the group, the coefficient b and the base point.
constexpr Number kP = {0xffffffffffffffff, 0x00000000ffffffff, 0x0000000000000000, 0xffffffff00000001};
constexpr Number kN = {0xf3b9cac2fc632551, 0xbce6faada7179e84, 0xffffffffffffffff, 0xffffffff00000000};
constexpr Number kB = {0x3bce3c3e27d2604b, 0x651d06b0cc53b0f6, 0xb3ebbd55769886bc, 0x5ac635d8aa3a93e7};
constexpr Number kGx = {0xf4a13945d898c296, 0x77037d812deb33a0, 0xf8bce6e563a440f2, 0x6b17d1f2e12c4247};
constexpr Number kGy = {0xcbb6406837bf51f5, 0x2bce33576b315ece, 0x8ee7eb4a7c0f9e16, 0x4fe342e2fe1a7f9b};

constexpr int kWindowBits = 6;
constexpr int kWindows = 43;                        // 258 bits: 256 and a carry
constexpr int kPerWindow = 1 << (kWindowBits - 1);  // digits are -31 .. 32

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
const bool kHasMulx = __builtin_cpu_supports("bmi2") != 0;
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

  // Of a number that is not zero: a to the power of the modulus, which is prime, less two (Fermat).
  static Number inverse(const Number& a) {
    Number exponent{};
    subtract(kM, Number{2}, exponent);
    std::array<Number, 16> powers;
    powers[0] = kOne;
    for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = times(powers[i - 1], a);
    Number result = kOne;
    for (int bit = 252; bit >= 0; bit -= 4) {
      for (int i = 0; i < 4; ++i) result = squared(result);
      const auto digit = exponent[static_cast<std::size_t>(bit / 64)] >> (bit % 64) & 15;
      if (digit != 0) result = times(result, powers[digit]);
    }
    return result;
  }
};

using Field = Modulo<kP>;
using Order = Modulo<kN>;

}  // namespace

struct alignas(64) P256Table::Point {
  Number x;
  Number y;
};

namespace {

using Affine = P256Table::Point;

// x = X / Z^2, y = Y / Z^3; Z = 0: the point at infinity.
struct Jacobian {
  Number x{};
  Number y{};
  Number z{};
};

Jacobian from(const Affine& a) {
  return {a.x, a.y, Field::kOne};
}

Jacobian doubled(const Jacobian& a) {
  if (is_zero(a.z)) return a;
  using F = Field;
  const auto z2 = F::squared(a.z);
  const auto y2 = F::squared(a.y);
  const auto beta = F::times(a.x, y2);
  const auto slope = F::times(F::minus(a.x, z2), F::plus(a.x, z2));
  const auto alpha = F::plus(F::plus(slope, slope), slope);  // 3 x^2 - 3 z^4: the curve's a is -3
  const auto beta2 = F::plus(beta, beta);
  const auto beta4 = F::plus(beta2, beta2);
  Jacobian out;
  out.x = F::minus(F::squared(alpha), F::plus(beta4, beta4));
  out.z = F::minus(F::minus(F::squared(F::plus(a.y, a.z)), y2), z2);
  const auto y4 = F::squared(y2);
  const auto y4_2 = F::plus(y4, y4);
  const auto y4_4 = F::plus(y4_2, y4_2);
  out.y = F::minus(F::times(alpha, F::minus(beta4, out.x)), F::plus(y4_4, y4_4));
  return out;
}

Jacobian sum(const Jacobian& a, const Affine& b) {
  if (is_zero(a.z)) return from(b);
  using F = Field;
  const auto z2 = F::squared(a.z);
  const auto h = F::minus(F::times(b.x, z2), a.x);
  const auto r = F::minus(F::times(b.y, F::times(z2, a.z)), a.y);
  if (is_zero(h)) return is_zero(r) ? doubled(a) : Jacobian{};
  const auto h2 = F::squared(h);
  const auto h3 = F::times(h2, h);
  const auto v = F::times(a.x, h2);
  Jacobian out;
  out.x = F::minus(F::minus(F::squared(r), h3), F::plus(v, v));
  out.y = F::minus(F::times(r, F::minus(v, out.x)), F::times(a.y, h3));
  out.z = F::times(a.z, h);
  return out;
}

// All at once: one inversion for many points, none of them at infinity.
void to_affine(std::span<const Jacobian> points, std::span<Affine> out) {
  std::vector<Number> products(points.size());
  auto product = Field::kOne;
  for (std::size_t i = 0; i < points.size(); ++i) {
    products[i] = product;
    product = Field::times(product, points[i].z);
  }
  auto inverse = Field::inverse(product);
  for (auto i = points.size(); i-- > 0;) {
    const auto z = Field::times(inverse, products[i]);
    inverse = Field::times(inverse, points[i].z);
    const auto z2 = Field::squared(z);
    out[i] = {Field::times(points[i].x, z2), Field::times(points[i].y, Field::times(z2, z))};
  }
}

// The multiples of a point that is on the curve. The order of the group is prime and all factors are below
// it, so none of them is at infinity, and no two that are added are equal.
void fill(const Affine& point, std::span<Affine> out) {
  std::vector<Jacobian> bases(kWindows);
  bases[0] = from(point);
  for (std::size_t i = 1; i < kWindows; ++i) {
    bases[i] = bases[i - 1];
    for (int bit = 0; bit < kWindowBits; ++bit) bases[i] = doubled(bases[i]);
  }
  std::vector<Affine> first(kWindows);
  to_affine(bases, first);
  std::vector<Jacobian> all(std::size_t{kWindows} * kPerWindow);
  for (std::size_t i = 0; i < kWindows; ++i) {
    auto* row = all.data() + i * kPerWindow;
    row[0] = from(first[i]);
    for (std::size_t k = 1; k < kPerWindow; ++k) row[k] = sum(row[k - 1], first[i]);
  }
  to_affine(all, out);
}

// Adds factor * P, where `points` are P's multiples.
void add_multiple(Jacobian& to, const Number& factor, const Affine* points) {
  int carry = 0;
  for (int window = 0; window < kWindows; ++window, points += kPerWindow) {
    const int bit = window * kWindowBits;
    const auto word = static_cast<std::size_t>(bit / 64);
    std::uint64_t bits = word < 4 ? factor[word] >> (bit % 64) : 0;
    if (bit % 64 > 64 - kWindowBits && word + 1 < 4) bits |= factor[word + 1] << (64 - bit % 64);
    int digit = static_cast<int>(bits & ((1u << kWindowBits) - 1)) + carry;
    carry = digit > kPerWindow ? 1 : 0;
    digit -= carry << kWindowBits;
    if (digit > 0) {
      to = sum(to, points[digit - 1]);
    } else if (digit < 0) {
      const auto& positive = points[-digit - 1];
      to = sum(to, {positive.x, Field::minus(Number{}, positive.y)});
    }
  }
}

Number number_of(BytesView big_endian) {
  Number out{};
  for (std::size_t i = 0; i < 32; ++i) out[3 - i / 8] = out[3 - i / 8] << 8 | big_endian[i];
  return out;
}

bool on_curve(const Affine& a) {  // y^2 = x^3 - 3 x + b
  using F = Field;
  const auto x3 = F::times(F::squared(a.x), a.x);
  const auto right = F::plus(F::minus(x3, F::plus(F::plus(a.x, a.x), a.x)), F::enter(kB));
  return F::squared(a.y) == right;
}

const std::vector<Affine>& base_multiples() {
  static const auto multiples = [] {
    std::vector<Affine> out(std::size_t{kWindows} * kPerWindow);
    fill({Field::enter(kGx), Field::enter(kGy)}, out);
    return out;
  }();
  return multiples;
}

}  // namespace

P256Table::P256Table() : points_(std::make_unique<Point[]>(std::size_t{kWindows} * kPerWindow)) {}
P256Table::~P256Table() = default;

std::shared_ptr<const P256Table> P256Table::of(const P256Number& x, const P256Number& y) {
  const auto x_number = number_of(x);
  const auto y_number = number_of(y);
  if (!less(x_number, kP) || !less(y_number, kP)) return nullptr;
  const Affine point{Field::enter(x_number), Field::enter(y_number)};
  if (!on_curve(point)) return nullptr;
  auto table = std::make_shared<P256Table>();
  fill(point, {table->points_.get(), std::size_t{kWindows} * kPerWindow});
  base_multiples();
  return table;
}

bool P256Table::verifies(BytesView digest, const P256Number& r_bytes, const P256Number& s_bytes) const {
  if (digest.size() < 32) return false;
  const auto r = number_of(r_bytes);
  const auto s = number_of(s_bytes);
  if (is_zero(r) || is_zero(s) || !less(r, kN) || !less(s, kN)) return false;
  auto e = number_of(digest.first(32));
  if (!less(e, kN)) subtract(e, kN, e);
  // The plain number times one in Montgomery form is the plain product.
  const auto s_inverse = Order::inverse(Order::enter(s));
  Jacobian point;
  add_multiple(point, Order::times(e, s_inverse), base_multiples().data());
  add_multiple(point, Order::times(r, s_inverse), points_.get());
  if (is_zero(point.z)) return false;
  // x of the point, modulo the order, is r: so x is r, or r and once the order if that is still below the
  // field's size.
  const auto z2 = Field::squared(point.z);
  if (Field::times(Field::enter(r), z2) == point.x) return true;
  Number larger{};
  if (add(r, kN, larger) != 0 || !less(larger, kP)) return false;
  return Field::times(Field::enter(larger), z2) == point.x;
}

}  // namespace camvault::crypto_openssl
