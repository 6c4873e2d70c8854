// ECDSA on P-256 with tables, beside OpenSSL. First byte: what the others mean; then numbers of 32 bytes.
// Law: both, and each way to add points, say the same of any key, digest and signature.
#include <openssl/obj_mac.h>

#include <algorithm>
#include <array>

#include "fuzz.h"
#include "ossl.h"
#include "p256_table.h"
#include "public_key.h"

namespace {

using namespace camvault;
using namespace camvault::crypto_openssl;

struct Curve {
  Owned<EC_GROUP, EC_GROUP_free> group{EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)};
  Owned<BN_CTX, BN_CTX_free> context{BN_CTX_new()};
  const BIGNUM* order = EC_GROUP_get0_order(group.get());
};

Curve& curve() {
  static Curve instance;
  return instance;
}

BigNumber number_of(const P256Number& bytes) {
  return BigNumber(BN_bin2bn(bytes.data(), 32, nullptr));
}

bool bytes_of(const BIGNUM* number, P256Number& out) {
  return BN_bn2binpad(number, out.data(), 32) == 32;
}

using Point = Owned<EC_POINT, EC_POINT_free>;

// A key that is used once has no table.
bool openssl_says(const EC_POINT* q, const P256Number& e, const P256Number& r, const P256Number& s) {
  Bytes spki = from_hex("3059301306072a8648ce3d020106082a8648ce3d030107034200").value();
  Bytes octets(65);
  EC_POINT_point2oct(curve().group.get(), q, POINT_CONVERSION_UNCOMPRESSED, octets.data(), octets.size(),
                     curve().context.get());
  append(spki, octets);
  const Owned<ECDSA_SIG, ECDSA_SIG_free> signature(ECDSA_SIG_new());
  law(ECDSA_SIG_set0(signature.get(), number_of(r).release(), number_of(s).release()) == 1, "two numbers");
  crypto::Digest digest;
  std::copy(e.begin(), e.end(), digest.bytes.begin());
  digest.size = 32;
  const auto key = public_key_from_spki(spki);
  law(key.has_value(), "a point of the curve is a key");
  return (*key)->verify_digest(crypto::SignatureScheme::ecdsa, crypto::HashAlg::sha256, digest,
                               der_of(signature.get(), i2d_ECDSA_SIG));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::array<P256Number, 4> in{};
  if (size < 1 + sizeof in) return 0;
  for (std::size_t i = 0; i < in.size(); ++i) std::copy_n(data + 1 + 32 * i, 32, in[i].begin());
  auto& c = curve();
  auto* group = c.group.get();
  auto* context = c.context.get();
  // The key: a multiple of the base point, or the point with that x.
  const Point q(EC_POINT_new(group));
  const auto number = number_of(in[0]);
  if ((data[0] & 1) != 0) {
    if (EC_POINT_set_compressed_coordinates(group, q.get(), number.get(), data[0] >> 1 & 1, context) != 1) {
      law(P256Table::of(in[0], in[1]) == nullptr, "no point has that x");
      return 0;
    }
  } else {
    law(EC_POINT_mul(group, q.get(), number.get(), nullptr, nullptr, context) == 1, "multiplying");
    if (EC_POINT_is_at_infinity(group, q.get()) == 1) return 0;
  }
  BigNumber x(BN_new());
  BigNumber y(BN_new());
  law(EC_POINT_get_affine_coordinates(group, q.get(), x.get(), y.get(), context) == 1, "coordinates");
  P256Number x_bytes;
  P256Number y_bytes;
  law(bytes_of(x.get(), x_bytes) && bytes_of(y.get(), y_bytes), "numbers of the field");
  const auto table = P256Table::of(x_bytes, y_bytes);
  const auto other = P256Table::of(x_bytes, y_bytes, P256Additions::one_by_one);
  law(table != nullptr, "a point of the curve has a table");
  // Any digest and signature, or those for which u1 * G + u2 * Q is computed: then they are good.
  auto e = in[1];
  auto r = in[2];
  auto s = in[3];
  bool made = false;
  if ((data[0] & 4) != 0) {
    const auto u1 = number_of(in[1]);
    const auto u2 = number_of(in[2]);
    const Point sum(EC_POINT_new(group));
    const BigNumber inverse(BN_mod_inverse(nullptr, u2.get(), c.order, context));
    law(EC_POINT_mul(group, sum.get(), u1.get(), q.get(), u2.get(), context) == 1, "multiplying");
    if (inverse && EC_POINT_is_at_infinity(group, sum.get()) == 0) {
      EC_POINT_get_affine_coordinates(group, sum.get(), x.get(), y.get(), context);
      BN_nnmod(x.get(), x.get(), c.order, context);
      BN_mod_mul(y.get(), x.get(), inverse.get(), c.order, context);  // s = r / u2
      made = !BN_is_zero(x.get()) && bytes_of(x.get(), r) && bytes_of(y.get(), s);
      BN_mod_mul(y.get(), y.get(), u1.get(), c.order, context);  // e = s u1
      made = made && bytes_of(y.get(), e);
    }
  }
  const bool ours = table->verifies(e, r, s);
#ifdef CAMVAULT_PLANTED_BUG
  law(!ours || e[31] != 0, "planted: a digest that ends in zeros is taken for one that was cut");
#endif
  law(ours == other->verifies(e, r, s), "both ways to add agree");
  law(ours == openssl_says(q.get(), e, r, s), "tables and OpenSSL agree");
  law(ours || !made, "a signature that was made is good");
  return 0;
}
