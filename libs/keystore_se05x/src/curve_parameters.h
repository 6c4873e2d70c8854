// The numbers that applets 7.x want to be told before the first key on a curve (SEC 2, FIPS 186-4 D.1.2).
#pragma once

#include <array>
#include <string_view>

#include "camvault/keystore_se05x/codes.h"

namespace camvault::keystore_se05x {

struct CurveParameter {
  std::uint8_t which;
  std::string_view hex;
};

using CurveParameters = std::array<CurveParameter, 5>;

inline constexpr CurveParameters kP256 = {{
    {0x01, "ffffffff00000001000000000000000000000000fffffffffffffffffffffffc"},
    {0x02, "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b"},
    {0x04,
     "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
     "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"},
    {0x08, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"},
    {0x10, "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"},
}};

inline constexpr CurveParameters kP384 = {{
    {0x01,
     "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000fffffffc"},
    {0x02,
     "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef"},
    {0x04,
     "04aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7"
     "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f"},
    {0x08,
     "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973"},
    {0x10,
     "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff"},
}};

inline constexpr CurveParameters kP521 = {{
    {0x01,
     "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
     "fffffffffffffffffffffffffffffffffc"},
    {0x02,
     "0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf"
     "073573df883d2c34f1ef451fd46b503f00"},
    {0x04,
     "0400c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ff"
     "a8de3348b3c1856a429bf97e7e31c2e5bd66011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd1727"
     "3e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650"},
    {0x08,
     "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5"
     "d03bb5c9b8899c47aebb6fb71e91386409"},
    {0x10,
     "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
     "ffffffffffffffffffffffffffffffffff"},
}};

}  // namespace camvault::keystore_se05x
