// Secure channel protocol 03 of GlobalPlatform (GPC 2.3, amendment D 1.2) with AES: session keys, and the two
// ends' ways of wrapping. Level 33: commands and answers are encrypted and authenticated, nothing less.
#pragma once

#include <array>

#include "camvault/base/secret.h"
#include "camvault/crypto_openssl/aes.h"
#include "camvault/keystore_se05x/apdu.h"

namespace camvault::keystore_se05x {

// Static keys, 16 or 32 bytes each and all of one size. `data` encrypts keys that are put in.
struct Scp03Keys {
  Secret encryption;
  Secret authentication;
  Secret data;
  Scp03Keys clone() const { return {encryption.clone(), authentication.clone(), data.clone()}; }
};

using Scp03Challenge = Fixed<struct Scp03ChallengeTag, 8>;
using Scp03Cryptogram = Fixed<struct Scp03CryptogramTag, 8>;
inline constexpr std::size_t kScp03Mac = 8;
inline constexpr std::uint8_t kScp03Level = 0x33;

// SP 800-108 in counter mode with AES-CMAC, as amendment D 4.1.5 lays the fields out.
Result<Secret> scp03_derive(const Secret& key, std::uint8_t constant, BytesView context, std::size_t bits);

struct Scp03SessionKeys {
  Secret encryption;
  Secret command_mac;
  Secret response_mac;
  static Result<Scp03SessionKeys> derive(const Scp03Keys& keys, const Scp03Challenge& host,
                                         const Scp03Challenge& card);
  Result<Scp03Cryptogram> card_cryptogram(const Scp03Challenge& host, const Scp03Challenge& card) const;
  Result<Scp03Cryptogram> host_cryptogram(const Scp03Challenge& host, const Scp03Challenge& card) const;
};

// Applets before 4.3 count commands with data only, on the platform's channel; everything else counts every
// command (measured with NXP's own host).
enum class Scp03Counting : std::uint8_t { every_command, commands_with_data };

// One session, both ends: the MAC chain, the counter and the three keys. After any error the session is over:
// `broken()`, and every further call fails. Confined to one thread.
class Scp03Session {
 public:
  Scp03Session(Scp03SessionKeys keys, Scp03Counting counting);

  // The host's end. EXTERNAL AUTHENTICATE is only authenticated; every other command is encrypted as well.
  Result<CommandApdu> authenticate(const Scp03Cryptogram& host_cryptogram);
  Result<CommandApdu> wrap(const CommandApdu& command);
  // Errc::invalid if the answer is not the card's answer to the last command. A bare status that is no
  // success comes without protection: it is passed on, and says nothing that could be believed.
  Result<ResponseApdu> unwrap(const ResponseApdu& response);

  // The card's end.
  Status check_authenticate(const CommandApdu& command, const Scp03Cryptogram& expected);
  Result<CommandApdu> open(const CommandApdu& wrapped);
  Result<ResponseApdu> seal(const ResponseApdu& response);

  // For sessions whose chain does not start with zeros (those agreed upon with EC keys).
  void set_chain(const crypto_openssl::AesBlock& chain) { chain_ = chain; }
  bool broken() const { return broken_; }

 private:
  Result<crypto_openssl::AesBlock> command_mac(const CommandApdu& command, BytesView data) const;
  Result<crypto_openssl::AesBlock> response_mac(BytesView data, std::uint16_t status) const;
  Result<crypto_openssl::AesBlock> vector(bool response) const;
  void count(bool had_data);
  template <class T>
  Result<T> over(Errc code, const char* what);

  Scp03SessionKeys keys_;
  Scp03Counting counting_;
  crypto_openssl::AesBlock chain_{};
  std::array<std::uint8_t, 16> counter_{};
  bool last_had_data_ = false;
  bool broken_ = false;
};

}  // namespace camvault::keystore_se05x
