// The compression function of FIPS 180-4, 6.2.2 and 6.4.2, for several messages side by side. Each runs
// `blocks` blocks of every message: next[lane] points at them. `state` has eight rows, A to H, of one word
// for each lane. Call them only where the processor has the instructions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace camvault::crypto_openssl {

template <class Word>
using Compress = void (*)(Word* state, const std::uint8_t* const* next, std::size_t blocks);

#if defined(__x86_64__)
void sha256_x2_sha(std::uint32_t* state, const std::uint8_t* const* next, std::size_t blocks);
void sha256_x8_avx2(std::uint32_t* state, const std::uint8_t* const* next, std::size_t blocks);
void sha256_x16_avx512(std::uint32_t* state, const std::uint8_t* const* next, std::size_t blocks);
void sha512_x4_avx2(std::uint64_t* state, const std::uint8_t* const* next, std::size_t blocks);
void sha512_x8_avx512(std::uint64_t* state, const std::uint8_t* const* next, std::size_t blocks);
#elif defined(__wasm_simd128__)
void sha256_x4_simd128(std::uint32_t* state, const std::uint8_t* const* next, std::size_t blocks);
void sha512_x2_simd128(std::uint64_t* state, const std::uint8_t* const* next, std::size_t blocks);
#endif

}  // namespace camvault::crypto_openssl
