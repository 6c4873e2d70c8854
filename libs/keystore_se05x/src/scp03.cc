#include "camvault/keystore_se05x/scp03.h"

#include <algorithm>

#include "camvault/base/byte_writer.h"
#include "camvault/keystore_se05x/codes.h"

namespace camvault::keystore_se05x {

using crypto_openssl::AesBlock;
using crypto_openssl::kAesBlock;

namespace {
// Derivation constants, amendment D table 4-1.
constexpr std::uint8_t kCardCryptogram = 0x00;
constexpr std::uint8_t kHostCryptogram = 0x01;
constexpr std::uint8_t kSessionEncryption = 0x04;
constexpr std::uint8_t kSessionMac = 0x06;
constexpr std::uint8_t kSessionResponseMac = 0x07;
constexpr std::size_t kLabelZeros = 11;

Bytes context_of(const Scp03Challenge& host, const Scp03Challenge& card) {
  Bytes out = to_bytes(host);
  append(out, card);
  return out;
}

Result<Scp03Cryptogram> cryptogram(const Secret& mac_key, std::uint8_t constant, BytesView context) {
  CAM_TRY(const auto bytes, scp03_derive(mac_key, constant, context, 64));
  Scp03Cryptogram out;
  bytes.reveal([&](BytesView from) { std::copy_n(from.begin(), out.value.size(), out.value.begin()); });
  return out;
}

// 80 and zeros up to whole blocks (ISO/IEC 9797-1, padding method 2).
Bytes pad(BytesView data) {
  Bytes out = to_bytes(data);
  out.push_back(0x80);
  out.resize((out.size() + kAesBlock - 1) / kAesBlock * kAesBlock, 0);
  return out;
}

Result<Bytes> unpad(BytesView data) {
  auto size = data.size();
  while (size > 0 && data[size - 1] == 0) --size;
  if (size == 0 || data[size - 1] != 0x80 || data.size() - size >= kAesBlock)
    return fail(Errc::invalid, "secure channel: wrong padding");
  return to_bytes(data.first(size - 1));
}

struct Wipe {
  Bytes& bytes;
  ~Wipe() { wipe(bytes.data(), bytes.size()); }
};
}  // namespace

Result<Secret> scp03_derive(const Secret& key, std::uint8_t constant, BytesView context, std::size_t bits) {
  const auto size = bits / 8;
  if (bits % 8 != 0 || size == 0 || size > 2 * kAesBlock) return fail(Errc::usage, "no key of that size");
  Bytes out;
  const Wipe guard{out};
  out.reserve(2 * kAesBlock);
  for (std::uint8_t i = 1; out.size() < size; ++i) {
    ByteWriter input;
    input.fill(kLabelZeros, 0);
    input.u8(constant);
    input.u8(0);
    input.u16(static_cast<std::uint16_t>(bits));
    input.u8(i);
    input.raw(context);
    CAM_TRY(auto block, key.reveal([&](BytesView k) { return crypto_openssl::aes_cmac(k, input.view()); }));
    append(out, block);
    wipe(block.data(), block.size());
  }
  return Secret(BytesView(out).first(size));
}

Result<Scp03SessionKeys> Scp03SessionKeys::derive(const Scp03Keys& keys, const Scp03Challenge& host,
                                                  const Scp03Challenge& card) {
  const auto context = context_of(host, card);
  const auto bits = keys.encryption.size() * 8;
  Scp03SessionKeys out;
  CAM_TRY(out.encryption, scp03_derive(keys.encryption, kSessionEncryption, context, bits));
  CAM_TRY(out.command_mac, scp03_derive(keys.authentication, kSessionMac, context, bits));
  CAM_TRY(out.response_mac, scp03_derive(keys.authentication, kSessionResponseMac, context, bits));
  return out;
}

Result<Scp03Cryptogram> Scp03SessionKeys::card_cryptogram(const Scp03Challenge& host,
                                                          const Scp03Challenge& card) const {
  return cryptogram(command_mac, kCardCryptogram, context_of(host, card));
}

Result<Scp03Cryptogram> Scp03SessionKeys::host_cryptogram(const Scp03Challenge& host,
                                                          const Scp03Challenge& card) const {
  return cryptogram(command_mac, kHostCryptogram, context_of(host, card));
}

Scp03Session::Scp03Session(Scp03SessionKeys keys, Scp03Counting counting)
    : keys_(std::move(keys)), counting_(counting) {
  counter_.back() = 1;
}

template <class T>
Result<T> Scp03Session::over(Errc code, const char* what) {
  broken_ = true;
  return fail(code, what);
}

Result<AesBlock> Scp03Session::command_mac(const CommandApdu& command, BytesView data) const {
  Bytes input(chain_.begin(), chain_.end());
  append(input, command.header());
  append(input, command.length_field(data.size() + kScp03Mac));
  append(input, data);
  return keys_.command_mac.reveal([&](BytesView k) { return crypto_openssl::aes_cmac(k, input); });
}

Result<AesBlock> Scp03Session::response_mac(BytesView data, std::uint16_t status) const {
  Bytes input(chain_.begin(), chain_.end());
  append(input, encode_response({to_bytes(data), status}));
  return keys_.response_mac.reveal([&](BytesView k) { return crypto_openssl::aes_cmac(k, input); });
}

// Amendment D 6.2.6, 6.2.7: the counter under the encryption key; its first byte is 80 for answers. Where
// only commands with data count, the answer to one without has the number of the command before it.
Result<AesBlock> Scp03Session::vector(bool response) const {
  AesBlock block = counter_;
  if (response) {
    if (counting_ == Scp03Counting::commands_with_data && !last_had_data_) {
      for (auto byte = block.rbegin(); byte != block.rend() && (*byte)-- == 0; ++byte) {
      }
    }
    block[0] = 0x80;
  }
  return keys_.encryption.reveal([&](BytesView k) { return crypto_openssl::aes_encrypt_block(k, block); });
}

void Scp03Session::count(bool had_data) {
  if (counting_ == Scp03Counting::commands_with_data && !had_data) return;
  for (auto byte = counter_.rbegin(); byte != counter_.rend() && ++*byte == 0; ++byte) {
  }
}

Result<CommandApdu> Scp03Session::authenticate(const Scp03Cryptogram& host_cryptogram) {
  CommandApdu out{.cla = cla::kSecure, .ins = ins::kExternalAuthenticate, .p1 = kScp03Level, .data = {}};
  CAM_TRY(const auto mac, command_mac(out, host_cryptogram));
  chain_ = mac;
  out.data = to_bytes(host_cryptogram);
  append(out.data, BytesView(mac).first(kScp03Mac));
  return out;
}

Status Scp03Session::check_authenticate(const CommandApdu& command, const Scp03Cryptogram& expected) {
  const BytesView data = command.data;
  if (data.size() != Scp03Cryptogram::kSize + kScp03Mac)
    return over<void>(Errc::malformed, "authentication of another size");
  const auto given = data.first(Scp03Cryptogram::kSize);
  CAM_TRY(const auto mac, command_mac(command, given));
  const bool same_mac = equal_constant_time(BytesView(mac).first(kScp03Mac), data.last(kScp03Mac));
  const bool same_cryptogram = equal_constant_time(given, expected);
  if (!same_mac || !same_cryptogram) return over<void>(Errc::invalid, "authentication failed");
  chain_ = mac;
  return ok();
}

Result<CommandApdu> Scp03Session::wrap(const CommandApdu& command) {
  if (broken_) return fail(Errc::unavailable, "the secure channel is over");
  CommandApdu out = command;
  out.cla = cla::kSecure;
  last_had_data_ = !command.data.empty();
  Bytes sealed;
  if (last_had_data_) {
    auto plain = pad(command.data);
    const Wipe guard{plain};
    CAM_TRY(const auto iv, vector(false));
    CAM_TRY(sealed, keys_.encryption.reveal(
                        [&](BytesView k) { return crypto_openssl::aes_cbc_encrypt(k, iv, plain); }));
  }
  CAM_TRY(const auto mac, command_mac(out, sealed));
  chain_ = mac;
  append(sealed, BytesView(mac).first(kScp03Mac));
  if (sealed.size() > kMaxCommandData) return fail(Errc::limit, "command too long for the secure channel");
  out.data = std::move(sealed);
  return out;
}

Result<CommandApdu> Scp03Session::open(const CommandApdu& wrapped) {
  if (broken_) return fail(Errc::unavailable, "the secure channel is over");
  if (wrapped.cla != cla::kSecure || wrapped.data.size() < kScp03Mac)
    return over<CommandApdu>(Errc::invalid, "plain command in a secure channel");
  const auto data = BytesView(wrapped.data).first(wrapped.data.size() - kScp03Mac);
  CAM_TRY(const auto mac, command_mac(wrapped, data));
  if (!equal_constant_time(BytesView(mac).first(kScp03Mac), BytesView(wrapped.data).last(kScp03Mac)))
    return over<CommandApdu>(Errc::invalid, "secure channel: wrong command MAC");
  chain_ = mac;
  CommandApdu out = wrapped;
  out.cla = cla::kPlain;
  last_had_data_ = !data.empty();
  if (data.empty()) {
    out.data.clear();
    return out;
  }
  if (data.size() % kAesBlock != 0)
    return over<CommandApdu>(Errc::invalid, "secure channel: no whole blocks");
  CAM_TRY(const auto iv, vector(false));
  CAM_TRY(const auto plain,
          keys_.encryption.reveal([&](BytesView k) { return crypto_openssl::aes_cbc_decrypt(k, iv, data); }));
  auto unpadded = plain.reveal([](BytesView p) { return unpad(p); });
  if (!unpadded) broken_ = true;
  CAM_TRY(out.data, std::move(unpadded));
  return out;
}

Result<ResponseApdu> Scp03Session::seal(const ResponseApdu& response) {
  if (broken_) return fail(Errc::unavailable, "the secure channel is over");
  if (!response.good()) {  // amendment D 6.2.5: nothing but the status, without a MAC
    count(last_had_data_);
    return ResponseApdu{{}, response.status};
  }
  ResponseApdu out{{}, response.status};
  if (!response.data.empty()) {
    auto plain = pad(response.data);
    const Wipe guard{plain};
    CAM_TRY(const auto iv, vector(true));
    CAM_TRY(out.data, keys_.encryption.reveal(
                          [&](BytesView k) { return crypto_openssl::aes_cbc_encrypt(k, iv, plain); }));
  }
  CAM_TRY(const auto mac, response_mac(out.data, out.status));
  append(out.data, BytesView(mac).first(kScp03Mac));
  count(last_had_data_);
  return out;
}

Result<ResponseApdu> Scp03Session::unwrap(const ResponseApdu& response) {
  if (broken_) return fail(Errc::unavailable, "the secure channel is over");
  if (!response.good()) {
    if (!response.data.empty())
      return over<ResponseApdu>(Errc::invalid, "data in an answer that is not protected");
    count(last_had_data_);
    return response;
  }
  if (response.data.size() < kScp03Mac)
    return over<ResponseApdu>(Errc::invalid, "unprotected answer in a secure channel");
  const auto data = BytesView(response.data).first(response.data.size() - kScp03Mac);
  CAM_TRY(const auto mac, response_mac(data, response.status));
  if (!equal_constant_time(BytesView(mac).first(kScp03Mac), BytesView(response.data).last(kScp03Mac)))
    return over<ResponseApdu>(Errc::invalid, "secure channel: wrong answer MAC");
  ResponseApdu out{{}, response.status};
  if (!data.empty()) {
    if (data.size() % kAesBlock != 0)
      return over<ResponseApdu>(Errc::invalid, "secure channel: no whole blocks");
    CAM_TRY(const auto iv, vector(true));
    CAM_TRY(const auto plain, keys_.encryption.reveal(
                                  [&](BytesView k) { return crypto_openssl::aes_cbc_decrypt(k, iv, data); }));
    auto unpadded = plain.reveal([](BytesView p) { return unpad(p); });
    if (!unpadded) broken_ = true;
    CAM_TRY(out.data, std::move(unpadded));
  }
  count(last_had_data_);
  return out;
}

}  // namespace camvault::keystore_se05x
