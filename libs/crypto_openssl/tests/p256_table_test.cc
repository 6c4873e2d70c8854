// What the table says is what OpenSSL says: for signatures, for their neighbours, and for numbers chosen to
// meet every special case of the addition of points.
#include "p256_table.h"

#include <gtest/gtest.h>
#include <openssl/obj_mac.h>

#include <random>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/local_key.h"
#include "ossl.h"

namespace camvault::crypto_openssl {
namespace {

using crypto::HashAlg;
using crypto::SignatureScheme;

using Group = Owned<EC_GROUP, EC_GROUP_free>;
using Point = Owned<EC_POINT, EC_POINT_free>;

BigNumber number(const char* hex) {
  BIGNUM* raw = nullptr;
  BN_hex2bn(&raw, hex);
  return BigNumber(raw);
}
BigNumber number(unsigned long value) {
  BigNumber out(BN_new());
  BN_set_word(out.get(), value);
  return out;
}

P256Number bytes_of(const BIGNUM* value) {
  P256Number out{};
  EXPECT_EQ(BN_bn2binpad(value, out.data(), 32), 32);
  return out;
}

class P256 : public testing::Test {
 protected:
  const BIGNUM* order() const { return EC_GROUP_get0_order(group_.get()); }

  Point multiple(const BIGNUM* of_base, const EC_POINT* point, const BIGNUM* of_point) {
    Point out(EC_POINT_new(group_.get()));
    EXPECT_EQ(EC_POINT_mul(group_.get(), out.get(), of_base, point, of_point, context_.get()), 1);
    return out;
  }
  std::pair<BigNumber, BigNumber> affine(const EC_POINT* point) {
    BigNumber x(BN_new());
    BigNumber y(BN_new());
    EXPECT_EQ(EC_POINT_get_affine_coordinates(group_.get(), point, x.get(), y.get(), context_.get()), 1);
    return {std::move(x), std::move(y)};
  }
  // Says what tables of every kind say that this processor can use: the same.
  class Tables {
   public:
    Tables(const P256Number& x, const P256Number& y) {
      tables_.push_back(P256Table::of(x, y, P256Additions::one_by_one));
      if (best_p256_additions() == P256Additions::one_by_one) return;
      tables_.push_back(P256Table::of(x, y, best_p256_additions()));
    }
    bool verifies(BytesView digest, const P256Number& r, const P256Number& s) const {
      const bool first = tables_.front()->verifies(digest, r, s);
      EXPECT_EQ(tables_.back()->verifies(digest, r, s), first);
      return first;
    }

   private:
    std::vector<std::shared_ptr<const P256Table>> tables_;
  };

  std::shared_ptr<const Tables> table_of(const EC_POINT* point) {
    const auto [x, y] = affine(point);
    return std::make_shared<const Tables>(bytes_of(x.get()), bytes_of(y.get()));
  }
  std::shared_ptr<const crypto::PublicKey> key_of(const EC_POINT* point) {
    Bytes spki = from_hex("3059301306072a8648ce3d020106082a8648ce3d030107034200").value();
    Bytes octets(65);
    EXPECT_EQ(EC_POINT_point2oct(group_.get(), point, POINT_CONVERSION_UNCOMPRESSED, octets.data(), 65,
                                 context_.get()),
              65u);
    append(spki, octets);
    return engine_->public_key_from_spki(spki).value();
  }
  Bytes signature_of(const BIGNUM* r, const BIGNUM* s) {
    const Owned<ECDSA_SIG, ECDSA_SIG_free> signature(ECDSA_SIG_new());
    EXPECT_EQ(ECDSA_SIG_set0(signature.get(), BN_dup(r), BN_dup(s)), 1);
    return der_of(signature.get(), i2d_ECDSA_SIG);
  }
  static crypto::Digest digest_of(const P256Number& e) {
    crypto::Digest digest;
    std::copy(e.begin(), e.end(), digest.bytes.begin());
    digest.size = 32;
    return digest;
  }
  // The signature whose verification computes u1 * G + u2 * Q. Nothing if that is no signature at all.
  void check_made_of(const BIGNUM* u1, const BIGNUM* u2, const EC_POINT* q, const std::string& what) {
    const auto sum = multiple(u1, q, u2);
    const bool infinite = EC_POINT_is_at_infinity(group_.get(), sum.get()) == 1;
    BigNumber r = infinite ? number(4711) : affine(sum.get()).first;
    BN_nnmod(r.get(), r.get(), order(), context_.get());
    BigNumber s(BN_new());
    BigNumber e(BN_new());
    ASSERT_NE(BN_mod_inverse(s.get(), u2, order(), context_.get()), nullptr);
    ASSERT_EQ(BN_mod_mul(s.get(), s.get(), r.get(), order(), context_.get()), 1);
    ASSERT_EQ(BN_mod_mul(e.get(), s.get(), u1, order(), context_.get()), 1);
    const auto e_bytes = bytes_of(e.get());
    const bool openssl = key_of(q)->verify_digest(SignatureScheme::ecdsa, HashAlg::sha256, digest_of(e_bytes),
                                                  signature_of(r.get(), s.get()));
    ASSERT_EQ(openssl, !infinite) << what;
    EXPECT_EQ(table_of(q)->verifies(e_bytes, bytes_of(r.get()), bytes_of(s.get())), openssl) << what;
  }

  const Group group_{EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)};
  const Owned<BN_CTX, BN_CTX_free> context_{BN_CTX_new()};
  const std::unique_ptr<crypto::Engine> engine_ = make_openssl_engine();
};

TEST_F(P256, SignaturesAndTheirNeighbours) {
  std::mt19937 random(1);
  for (int k = 0; k < 4; ++k) {
    const BigNumber secret(BN_new());
    ASSERT_EQ(BN_rand_range(secret.get(), order()), 1);
    const auto q = multiple(secret.get(), nullptr, nullptr);
    const auto table = table_of(q.get());
    const auto key = key_of(q.get());
    for (int i = 0; i < 200; ++i) {
      P256Number e;
      for (auto& byte : e) byte = static_cast<std::uint8_t>(random());
      // Signs by FIPS 186-5, 6.4.1, with a number that is secret to nobody.
      const BigNumber nonce(BN_new());
      ASSERT_EQ(BN_rand_range(nonce.get(), order()), 1);
      const auto r = affine(multiple(nonce.get(), nullptr, nullptr).get()).first;
      BN_nnmod(r.get(), r.get(), order(), context_.get());
      const BigNumber s(BN_new());
      const BigNumber e_number(BN_bin2bn(e.data(), 32, nullptr));
      BN_mod_mul(s.get(), r.get(), secret.get(), order(), context_.get());
      BN_mod_add(s.get(), s.get(), e_number.get(), order(), context_.get());
      const BigNumber inverse(BN_mod_inverse(nullptr, nonce.get(), order(), context_.get()));
      BN_mod_mul(s.get(), s.get(), inverse.get(), order(), context_.get());
      auto r_bytes = bytes_of(r.get());
      auto s_bytes = bytes_of(s.get());
      ASSERT_TRUE(table->verifies(e, r_bytes, s_bytes)) << i;
      // ECDSA allows the other sign of s.
      const BigNumber other(BN_new());
      BN_sub(other.get(), order(), s.get());
      EXPECT_TRUE(table->verifies(e, r_bytes, bytes_of(other.get())));
      for (auto* bytes : {&e, &r_bytes, &s_bytes}) {
        auto& byte = (*bytes)[random() % 32];
        const auto bit = static_cast<std::uint8_t>(1u << random() % 8);
        byte ^= bit;
        EXPECT_FALSE(table->verifies(e, r_bytes, s_bytes)) << i;
        byte ^= bit;
      }
      EXPECT_FALSE(table->verifies(e, s_bytes, r_bytes));
      EXPECT_FALSE(table->verifies(BytesView(e).first(31), r_bytes, s_bytes)) << "too short to be a digest";
    }
  }
}

TEST_F(P256, NumbersOutsideOfTheirRange) {
  const auto one = number(1ul);
  const auto table = table_of(multiple(one.get(), nullptr, nullptr).get());
  const P256Number e{1};
  const P256Number zero{};
  const auto n = bytes_of(order());
  P256Number all;
  all.fill(0xff);
  const auto good = bytes_of(one.get());
  for (const auto& bad : {zero, n, all}) {
    EXPECT_FALSE(table->verifies(e, bad, good));
    EXPECT_FALSE(table->verifies(e, good, bad));
  }
}

TEST_F(P256, NotAPoint) {
  const auto [x, y] = affine(EC_GROUP_get0_generator(group_.get()));
  const auto good_x = bytes_of(x.get());
  const auto good_y = bytes_of(y.get());
  EXPECT_NE(P256Table::of(good_x, good_y), nullptr);
  auto bad = good_y;
  bad[31] ^= 1;
  EXPECT_EQ(P256Table::of(good_x, bad), nullptr);
  EXPECT_EQ(P256Table::of(good_y, good_x), nullptr);
  EXPECT_EQ(P256Table::of({}, {}), nullptr);
  P256Number all;
  all.fill(0xff);
  EXPECT_EQ(P256Table::of(all, good_y), nullptr);
  EXPECT_EQ(P256Table::of(good_x, all), nullptr);
}

// Sums that meet equal points, opposite points and the point at infinity on their way.
TEST_F(P256, FactorsAtTheEdges) {
  std::vector<BigNumber> factors;
  for (const unsigned long small :
       {0ul, 1ul, 2ul, 3ul, 15ul, 16ul, 17ul, 31ul, 32ul, 33ul, 48ul, 1023ul, 1024ul})
    factors.push_back(number(small));
  for (int power = 5; power < 256; power += 25) {
    auto value = number(1ul);
    BN_lshift(value.get(), value.get(), power);
    factors.push_back(std::move(value));
  }
  factors.push_back(number("8000000000000000000000000000000000000000000000000000000000000000"));
  factors.push_back(number("f7bdef7bdef7bdef7bdef7bdef7bdef7bdef7bdef7bdef7bdef7bdef7bdef7bd"));
  factors.push_back(number("8421084210842108421084210842108421084210842108421084210842108421"));
  const auto plain = factors.size();
  for (std::size_t i = 1; i < plain; ++i) {
    BigNumber negative(BN_new());
    BN_sub(negative.get(), order(), factors[i].get());
    factors.push_back(std::move(negative));
  }
  for (const auto& secret : {number(1ul), number(2ul), number(31ul),
                             number("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550")}) {
    const auto q = multiple(secret.get(), nullptr, nullptr);
    for (std::size_t i = 0; i < factors.size(); ++i) {
      for (std::size_t j = 1; j < factors.size(); j += 6) {  // u2 is never zero
        const auto at = 1 + (j + i) % (factors.size() - 1);
        check_made_of(factors[i].get(), factors[at].get(), q.get(),
                      "u1 = " + std::to_string(i) + ", u2 = " + std::to_string(at));
      }
      check_made_of(factors[i].get(), factors[std::max<std::size_t>(i, 1)].get(), q.get(), "equal");
    }
  }
}

// The x of the sum can lie above the order of the group: r is then smaller by it. No random signature gets
// there.
TEST_F(P256, SumBeyondTheOrder) {
  Point sum(EC_POINT_new(group_.get()));
  BigNumber x(BN_dup(order()));
  int found = 0;
  for (int i = 0; i < 40 && found < 5; ++i, BN_add_word(x.get(), 1)) {
    if (EC_POINT_set_compressed_coordinates(group_.get(), sum.get(), x.get(), i % 2, context_.get()) != 1)
      continue;
    BigNumber r(BN_new());
    BN_sub(r.get(), x.get(), order());
    if (BN_is_zero(r.get())) continue;
    ++found;
    // Q such that 5 G + 7 Q is that point.
    const auto five = number(5ul);
    const BigNumber seventh(BN_mod_inverse(nullptr, number(7ul).get(), order(), context_.get()));
    auto rest = multiple(five.get(), nullptr, nullptr);
    EC_POINT_invert(group_.get(), rest.get(), context_.get());
    EC_POINT_add(group_.get(), rest.get(), rest.get(), sum.get(), context_.get());
    const auto q = multiple(nullptr, rest.get(), seventh.get());
    check_made_of(five.get(), number(7ul).get(), q.get(), "x above the order");
  }
  EXPECT_EQ(found, 5);
}

// Random points and factors, and a signature whose digest is too large to be a number modulo the order.
TEST_F(P256, RandomSums) {
  for (int i = 0; i < 60; ++i) {
    const BigNumber secret(BN_new());
    const BigNumber u1(BN_new());
    const BigNumber u2(BN_new());
    for (auto* number : {secret.get(), u1.get(), u2.get()}) {
      do {
        ASSERT_EQ(BN_rand_range(number, order()), 1);
      } while (BN_is_zero(number));
    }
    const auto q = multiple(secret.get(), nullptr, nullptr);
    check_made_of(u1.get(), u2.get(), q.get(), "random " + std::to_string(i));
    // u1 G and u2 Q are the same point, or opposite ones: the sum doubles, or there is none.
    BigNumber equal(BN_new());
    ASSERT_EQ(BN_mod_mul(equal.get(), u2.get(), secret.get(), order(), context_.get()), 1);
    check_made_of(equal.get(), u2.get(), q.get(), "twice the same " + std::to_string(i));
    BN_sub(equal.get(), order(), equal.get());
    check_made_of(equal.get(), u2.get(), q.get(), "opposite " + std::to_string(i));
  }
}

// FIPS 186-5, 6.4.2: the digest counts modulo the order, which is less than 2^256.
TEST_F(P256, DigestsAroundTheOrder) {
  const auto seven = number(7ul);
  const auto q = multiple(seven.get(), nullptr, nullptr);
  const auto table = table_of(q.get());
  const auto key = key_of(q.get());
  const BigNumber nonce = number(4711ul);
  auto r = affine(multiple(nonce.get(), nullptr, nullptr).get()).first;
  BN_nnmod(r.get(), r.get(), order(), context_.get());
  const BigNumber inverse(BN_mod_inverse(nullptr, nonce.get(), order(), context_.get()));
  for (const char* hex : {"0", "1", "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550",
                          "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
                          "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552",
                          "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
                          "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}) {
    const auto e = number(hex);
    const BigNumber s(BN_new());
    BN_mod_mul(s.get(), r.get(), seven.get(), order(), context_.get());
    BN_mod_add(s.get(), s.get(), e.get(), order(), context_.get());
    BN_mod_mul(s.get(), s.get(), inverse.get(), order(), context_.get());
    auto e_bytes = bytes_of(e.get());
    EXPECT_TRUE(key->verify_digest(SignatureScheme::ecdsa, HashAlg::sha256, digest_of(e_bytes),
                                   signature_of(r.get(), s.get())))
        << hex;
    EXPECT_TRUE(table->verifies(e_bytes, bytes_of(r.get()), bytes_of(s.get()))) << hex;
    e_bytes[31] ^= 4;
    EXPECT_FALSE(table->verifies(e_bytes, bytes_of(r.get()), bytes_of(s.get()))) << hex;
  }
}

// The point with x = 0 is one like any other.
TEST_F(P256, KeyWithoutX) {
  for (const int odd : {0, 1}) {
    const Point q(EC_POINT_new(group_.get()));
    ASSERT_EQ(
        EC_POINT_set_compressed_coordinates(group_.get(), q.get(), number(0ul).get(), odd, context_.get()),
        1);
    for (const unsigned long factor : {1ul, 2ul, 16ul, 17ul, 4711ul})
      check_made_of(number(factor).get(), number(factor + 1).get(), q.get(), std::to_string(factor));
  }
}

// The road that signatures take: OpenSSL first, the table once the key was used often, and the same answers.
TEST(PublicKeyUsedOften, AnswersStayTheSame) {
  const auto engine = make_openssl_engine();
  const auto key = LocalKey::generate(crypto::KeyAlg::ec_p256).value();
  const auto verifier = engine->public_key_from_spki(key->spki_der()).value();
  for (const auto hash : {HashAlg::sha256, HashAlg::sha384, HashAlg::sha512}) {
    for (int i = 0; i < 60; ++i) {
      const auto digest = engine->digest(hash, as_bytes(std::to_string(i)));
      auto signature = key->sign(SignatureScheme::ecdsa, hash, digest).value();
      ASSERT_TRUE(verifier->verify_digest(SignatureScheme::ecdsa, hash, digest, signature)) << i;
      EXPECT_FALSE(verifier->verify_digest(SignatureScheme::rsa_pss, hash, digest, signature));
      signature.push_back(0);
      EXPECT_FALSE(verifier->verify_digest(SignatureScheme::ecdsa, hash, digest, signature))
          << "a byte behind it";
      signature.pop_back();
      signature[signature.size() - 1] ^= 1;
      EXPECT_FALSE(verifier->verify_digest(SignatureScheme::ecdsa, hash, digest, signature)) << i;
      EXPECT_FALSE(verifier->verify_digest(SignatureScheme::ecdsa, hash, digest, {}));
    }
  }
}

}  // namespace
}  // namespace camvault::crypto_openssl
