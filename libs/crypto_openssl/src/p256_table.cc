#include "p256_table.h"

#include <vector>

#include "p256_points.h"

namespace camvault::crypto_openssl {

namespace {

using namespace p256;

// SP 800-186, 3.2.1.3: the coefficient b and the base point.
constexpr Number kB = {0x3bce3c3e27d2604b, 0x651d06b0cc53b0f6, 0xb3ebbd55769886bc, 0x5ac635d8aa3a93e7};
constexpr Number kGx = {0xf4a13945d898c296, 0x77037d812deb33a0, 0xf8bce6e563a440f2, 0x6b17d1f2e12c4247};
constexpr Number kGy = {0xcbb6406837bf51f5, 0x2bce33576b315ece, 0x8ee7eb4a7c0f9e16, 0x4fe342e2fe1a7f9b};

constexpr int kWindowBits = 6;
constexpr int kWindows = 43;                        // 258 bits: 256 and a carry
constexpr int kPerWindow = 1 << (kWindowBits - 1);  // digits are -31 .. 32
constexpr std::size_t kTableSize = std::size_t{kWindows} * kPerWindow;

struct Summands {
  std::array<Summand, 2 * std::size_t{kWindows}> points;  // factors of the base point and of the key
  std::size_t count = 0;
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
  auto inverse = Field::enter(Field::enter(p256::inverse(product, kP)));
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
  std::vector<Jacobian> all(kTableSize);
  for (std::size_t i = 0; i < kWindows; ++i) {
    auto* row = all.data() + i * kPerWindow;
    row[0] = from(first[i]);
    for (std::size_t k = 1; k < kPerWindow; ++k) row[k] = sum(row[k - 1], first[i]);
  }
  to_affine(all, out);
}

// The points whose sum is factor * P, where `points` are P's multiples. Each is asked for from memory at
// once.
void add_summands(const Number& factor, const Affine* points, Summands& to) {
  int carry = 0;
  for (int window = 0; window < kWindows; ++window, points += kPerWindow) {
    const int bit = window * kWindowBits;
    const auto word = static_cast<std::size_t>(bit / 64);
    std::uint64_t bits = word < 4 ? factor[word] >> (bit % 64) : 0;
    if (bit % 64 > 64 - kWindowBits && word + 1 < 4) bits |= factor[word + 1] << (64 - bit % 64);
    int digit = static_cast<int>(bits & ((1u << kWindowBits) - 1)) + carry;
    carry = digit > kPerWindow ? 1 : 0;
    digit -= carry << kWindowBits;
    if (digit == 0) continue;
    const bool negative = digit < 0;
    const auto* point = points + (negative ? -digit : digit) - 1;
    __builtin_prefetch(point);
    to.points[to.count++] = {point, negative};
  }
}

Jacobian sum_one_by_one(const Summands& summands, P256Additions form) {
  constexpr Number kSixteenth = {0, 0, 0, std::uint64_t{1} << 60};
  Jacobian total;
  for (std::size_t i = 0; i < summands.count; ++i) {
    auto point = *summands.points[i].point;
    if (form == P256Additions::by_eight) {
      point = {Field::times(point.x, kSixteenth), Field::times(point.y, kSixteenth)};
    }
    if (summands.points[i].negative) point.y = Field::minus(Number{}, point.y);
    total = sum(total, point);
  }
  return total;
}

Jacobian sum_of(const Summands& summands, P256Additions form) {
#if defined(__x86_64__)
  Jacobian total;
  if (form == P256Additions::by_eight && sum_by_eight({summands.points.data(), summands.count}, total)) {
    return total;
  }
#endif
  return sum_one_by_one(summands, form);
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

// Those of a point, in the form that the additions want.
void fill(const Affine& point, P256Additions form, std::span<Affine> out) {
  fill(point, out);
  if (form != P256Additions::by_eight) return;
  constexpr Number kSixteen = [] {
    Number out16 = Field::kOne;
    for (int i = 0; i < 4; ++i) out16 = Field::plus(out16, out16);
    return out16;
  }();
  for (auto& a : out) a = {Field::times(a.x, kSixteen), Field::times(a.y, kSixteen)};
}

const Affine* base_multiples(P256Additions form) {
  const auto make = [](P256Additions wanted) {
    std::vector<Affine> out(kTableSize);
    fill({Field::enter(kGx), Field::enter(kGy)}, wanted, out);
    return out;
  };
  if (form == P256Additions::by_eight) {
    static const auto multiples = make(P256Additions::by_eight);
    return multiples.data();
  }
  static const auto multiples = make(P256Additions::one_by_one);
  return multiples.data();
}

}  // namespace

P256Additions best_p256_additions() {
#if defined(__x86_64__)
  static const bool has_ifma =
      __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512ifma") != 0;
  if (has_ifma) return P256Additions::by_eight;
#endif
  return P256Additions::one_by_one;
}

P256Table::P256Table(P256Additions form)
    : form_(form), points_(std::make_unique<p256::Affine[]>(kTableSize)) {}
P256Table::~P256Table() = default;

std::shared_ptr<const P256Table> P256Table::of(const P256Number& x, const P256Number& y, P256Additions form) {
  const auto x_number = number_of(x);
  const auto y_number = number_of(y);
  if (!less(x_number, kP) || !less(y_number, kP)) return nullptr;
  const Affine point{Field::enter(x_number), Field::enter(y_number)};
  if (!on_curve(point)) return nullptr;
  auto table = std::make_shared<P256Table>(form);
  fill(point, form, {table->points_.get(), kTableSize});
  base_multiples(form);
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
  const auto s_inverse = Order::enter(inverse(s, kN));
  Summands summands;
  add_summands(Order::times(e, s_inverse), base_multiples(form_), summands);
  add_summands(Order::times(r, s_inverse), points_.get(), summands);
  const auto point = sum_of(summands, form_);
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
