#include "camvault/claim/claim.h"

#include <array>

#include "camvault/crypto_openssl/password.h"

namespace camvault::claim {

namespace {
constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";  // Crockford's base32
constexpr std::size_t kGroup = 4;
constexpr std::size_t kLongestTyped = 64;

// 0xff: no character of a code; 0xfe: passed over.
std::uint8_t value_of(std::uint8_t c) {
  if (c >= 'a' && c <= 'z') c = static_cast<std::uint8_t>(c - 'a' + 'A');
  if (c == '-' || c == ' ') return 0xfe;
  if (c == 'O') c = '0';
  if (c == 'I' || c == 'L') c = '1';
  const auto at = kAlphabet.find(static_cast<char>(c));
  return at == std::string_view::npos ? 0xff : static_cast<std::uint8_t>(at);
}
}  // namespace

Secret new_code(const crypto::Engine& engine) {
  const auto random = Secret::make(kCodeSize, [&](std::span<std::uint8_t> room) { engine.random(room); });
  return Secret::make(kCodeSize + kCodeSize / kGroup - 1, [&](std::span<std::uint8_t> room) {
    random.reveal([&](BytesView bytes) {
      std::size_t at = 0;
      for (std::size_t i = 0; i < kCodeSize; ++i) {
        if (i > 0 && i % kGroup == 0) room[at++] = '-';
        room[at++] = static_cast<std::uint8_t>(kAlphabet[bytes[i] % kAlphabet.size()]);
      }
    });
  });
}

Result<Secret> read_code(const Secret& typed) {
  std::size_t count = 0;
  bool good = typed.size() <= kLongestTyped;
  auto out = Secret::make(kCodeSize, [&](std::span<std::uint8_t> room) {
    typed.reveal([&](BytesView text) {
      for (const auto c : text.first(std::min(text.size(), kLongestTyped))) {
        const auto value = value_of(c);
        if (value == 0xfe) continue;
        good = good && value != 0xff && count < kCodeSize;
        if (good) room[count++] = static_cast<std::uint8_t>(kAlphabet[value]);
      }
    });
  });
  if (!good || count != kCodeSize)
    return fail(Errc::usage, "a code has twelve letters and digits, ABCD-EFGH-JKMN");
  return out;
}

Result<Secret> key_of_code(const Secret& code, std::string_view serial) {
  CAM_TRY(const auto plain, read_code(code));
  return crypto_openssl::pbkdf2_sha256(plain, as_bytes("camvault-claim-1 " + std::string(serial)), kRounds,
                                       32);
}

Bytes to_be_proven(const crypto::Engine& engine, Side side, const Terms& terms) {
  // Parts of fixed size first, so that none can be taken for another.
  Bytes out = to_bytes(as_bytes(side == Side::owner ? "camvault-claim-1 owner " : "camvault-claim-1 camera"));
  append(out, engine.digest(crypto::HashAlg::sha256, terms.channel_binding).view());
  append(out, engine.digest(crypto::HashAlg::sha256, terms.owner_ca).view());
  append(out, as_bytes(terms.server));
  return out;
}

}  // namespace camvault::claim
