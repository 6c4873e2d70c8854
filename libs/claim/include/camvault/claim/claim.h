// A home without a registrar's maker service: who holds the code on the camera's label is its owner. Messages
// of docs/formats/claim.md, as values, and the proofs in them. The code itself never travels.
#pragma once

#include "camvault/base/secret.h"
#include "camvault/crypto/engine.h"

namespace camvault::claim {

inline constexpr std::string_view kClaimPath = "/.well-known/camvault/claim";
inline constexpr std::size_t kMaxMessage = 16 * 1024;  // bytes
inline constexpr std::size_t kCodeSize = 12;           // characters of kAlphabet: 60 bits
inline constexpr unsigned kRounds = 100'000;           // PBKDF2

// "ABCD-EFGH-JKMN": no letters that look like digits.
Secret new_code(const crypto::Engine& engine);
// As it was typed: upper or lower case, with or without hyphens and blanks; O is 0, I and L are 1.
// Errc::usage.
Result<Secret> read_code(const Secret& typed);
// What both sides keep of the code: 32 bytes, for HMAC-SHA256. Salted with the camera's serial number.
Result<Secret> key_of_code(const Secret& code, std::string_view serial);

// Who claims, on which connection (RFC 9266).
struct Terms {
  Bytes channel_binding;
  Bytes owner_ca;      // DER
  std::string server;  // the owner's registrar, https://HOST[:PORT]
};
enum class Side : std::uint8_t { owner, camera };
// What the proof is an HMAC of.
Bytes to_be_proven(const crypto::Engine& engine, Side side, const Terms& terms);

struct Request {
  Bytes owner_ca;
  std::string server;
  Bytes proof;
};
// Errc::malformed, Errc::limit, Errc::unsupported.
Result<Request> read_request(BytesView json);
std::string write_request(const Request& request);

struct Answer {
  Bytes proof;        // empty: refused
  std::string error;  // "wrong-code", "wait", "locked", "has-owner", "malformed"
  unsigned tries_left = 0;
  unsigned wait = 0;  // seconds
};
Result<Answer> read_answer(BytesView json);
std::string write_answer(const Answer& answer);

}  // namespace camvault::claim
