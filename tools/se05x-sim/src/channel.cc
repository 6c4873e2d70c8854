#include "channel.h"

#include <algorithm>

#include "camvault/base/byte_reader.h"
#include "camvault/base/byte_writer.h"
#include "soft_crypto.h"

namespace camvault::se05x_sim {

using keystore_se05x::Scp03Challenge;
using keystore_se05x::Scp03Session;
using keystore_se05x::Scp03SessionKeys;

namespace {
constexpr std::uint8_t kScp03 = 0x03;
constexpr std::uint8_t kOptions =
    0x60;  // amendment D 5.1: random challenge, answers authenticated and encrypted
constexpr std::uint16_t kNoSuchKey = 0x6A88;

Scp03Challenge challenge_of(BytesView bytes) {
  Scp03Challenge out;
  std::copy_n(bytes.begin(), out.value.size(), out.value.begin());
  return out;
}

// One field of the EC handshake: a tag of one or two bytes, a short length.
Result<BytesView> take_field(ByteReader& in, std::uint16_t tag) {
  CAM_TRY(
      const auto found, tag > 0xFF ? in.u16() : [&]() -> Result<std::uint16_t> {
        CAM_TRY(const auto byte, in.u8());
        return std::uint16_t{byte};
      }());
  if (found != tag) return fail(Errc::malformed, "another field");
  CAM_TRY(auto size, in.u8());
  if (size == 0x81) {
    CAM_TRY(size, in.u8());
  }
  return in.take(size);
}

struct Agreement {
  BytesView host_key;  // ephemeral
  BytesView signature;
  BytesView is_signed;
};

Result<Agreement> read_agreement(BytesView data) {
  ByteReader in(data);
  Agreement out;
  CAM_TRY_STATUS(take_field(in, 0xA6));
  CAM_TRY(const auto key, take_field(in, 0x7F49));
  ByteReader key_in(key);
  CAM_TRY(out.host_key, take_field(key_in, 0xB0));
  out.is_signed = data.first(in.position());
  CAM_TRY(out.signature, take_field(in, 0x5F37));
  CAM_TRY_STATUS(in.finish());
  return out;
}
}  // namespace

void CardChannel::close() {
  open_.reset();
  expected_.reset();
  authenticated_ = false;
}

ResponseApdu CardChannel::offer(const CommandApdu& command, const Scp03Keys& keys, std::uint8_t key_version) {
  close();
  if (command.data.size() != Scp03Challenge::kSize) return {{}, status::kLength};
  if (command.p1 != 0 && command.p1 != key_version) return {{}, kNoSuchKey};
  const auto host = challenge_of(command.data);
  const auto card = challenge_of(random_bytes(Scp03Challenge::kSize));
  auto session_keys = Scp03SessionKeys::derive(keys, host, card);
  if (!session_keys) return {{}, status::kConditions};
  const auto cryptogram = session_keys->card_cryptogram(host, card);
  const auto expected = session_keys->host_cryptogram(host, card);
  if (!cryptogram || !expected) return {{}, status::kConditions};
  open_.emplace(std::move(*session_keys), counting_);
  expected_ = *expected;
  ByteWriter out;
  out.fill(10, 0);  // no diversification
  out.u8(key_version);
  out.u8(kScp03);
  out.u8(kOptions);
  out.raw(card);
  out.raw(*cryptogram);
  return {out.take(), status::kOk};
}

ResponseApdu CardChannel::authenticate(const CommandApdu& command) {
  if (!open_ || !expected_) return {{}, status::kConditions};
  const auto expected = *expected_;
  expected_.reset();  // one try for each challenge
  if (command.p1 != keystore_se05x::kScp03Level || !open_->check_authenticate(command, expected)) {
    close();
    return {{}, status::kAuthenticationFailed};
  }
  authenticated_ = true;
  return {{}, status::kOk};
}

ResponseApdu CardChannel::agree(const CommandApdu& command, const Object& host_key, const Object& card_key) {
  close();
  const auto agreement = read_agreement(command.data);
  if (!agreement) return {{}, status::kWrongData};
  const auto hashed = digest(DigestAlg::sha256, agreement->is_signed);
  const auto good = ecdsa_verify({*host_key.curve, {}, to_bytes(host_key.part(tag::k4))},
                                 hashed.value_or(Bytes{}), agreement->signature);
  if (!hashed || !good.value_or(false)) return {{}, status::kAuthenticationFailed};
  const auto secret =
      ecdh({*card_key.curve, to_bytes(card_key.part(tag::k3)), to_bytes(card_key.part(tag::k4))},
           agreement->host_key);
  if (!secret) return {{}, status::kWrongData};
  const auto random = random_bytes(16);
  Bytes input = {0, 0, 0, 1};
  append(input, *secret);
  append(input, random);
  append(input, Bytes{0x01, 0x33, 0x88, 0x10});
  const auto master = digest(DigestAlg::sha256, input);
  if (!master) return {{}, status::kConditions};
  const Secret key(BytesView(*master).first(16));
  constexpr std::size_t kBits = 128;
  auto encryption = keystore_se05x::scp03_derive(key, 0x04, {}, kBits);
  auto command_mac = keystore_se05x::scp03_derive(key, 0x06, {}, kBits);
  auto response_mac = keystore_se05x::scp03_derive(key, 0x07, {}, kBits);
  const auto chain = keystore_se05x::scp03_derive(key, 0x08, {}, kBits);
  if (!encryption || !command_mac || !response_mac || !chain) return {{}, status::kConditions};
  const auto receipt =
      command_mac->reveal([&](BytesView k) { return crypto_openssl::aes_cmac(k, agreement->is_signed); });
  if (!receipt) return {{}, status::kConditions};
  open_.emplace(Scp03SessionKeys{std::move(*encryption), std::move(*command_mac), std::move(*response_mac)},
                keystore_se05x::Scp03Counting::every_command);
  crypto_openssl::AesBlock start{};
  chain->reveal([&](BytesView bytes) { std::copy_n(bytes.begin(), start.size(), start.begin()); });
  open_->set_chain(start);
  authenticated_ = true;
  return {TlvWriter().put(0x85, random).put(0x86, *receipt).take(), status::kOk};
}

Result<CommandApdu> CardChannel::open(const CommandApdu& wrapped) {
  auto command = open_->open(wrapped);
  if (!command) close();
  return command;
}

ResponseApdu CardChannel::seal(const ResponseApdu& response) {
  auto sealed = open_->seal(response);
  if (!sealed) {
    close();
    return {{}, status::kSecurity};
  }
  return *sealed;
}

}  // namespace camvault::se05x_sim
