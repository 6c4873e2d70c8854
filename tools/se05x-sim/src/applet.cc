#include "applet.h"

#include <algorithm>
#include <array>

#include "camvault/base/byte_reader.h"
#include "soft_crypto.h"

namespace camvault::se05x_sim {

namespace {
constexpr std::uint8_t kPlatformKeyVersion = 0x0B;
constexpr std::size_t kMaxSessions = 2;
constexpr std::size_t kSessionId = 8;

keystore_se05x::Scp03Counting counting_of(const Version& version) {
  const bool old = version.major < 4 || (version.major == 4 && version.minor < 3);
  return old ? keystore_se05x::Scp03Counting::commands_with_data
             : keystore_se05x::Scp03Counting::every_command;
}
}  // namespace

Applet::Applet(Card card) : card_(std::move(card)), platform_(counting_of(card_.version)) {}

void Applet::deselect() {
  platform_.close();
  sessions_.clear();
  selected_ = Selected::issuer;
}

void Applet::power_cycle() {
  deselect();
  card_.crypto_objects.clear();
  std::erase_if(card_.state().objects, [](const auto& entry) { return entry.second.transient; });
  ++card_.state().resets;
}

Bytes Applet::process(BytesView bytes) {
  const auto command = keystore_se05x::decode_command(bytes);
  if (!command) return keystore_se05x::encode_response({{}, status::kLength});
  return keystore_se05x::encode_response(on_command(*command));
}

// State decides what a command may be: once the platform's channel is open, nothing else is taken.
ResponseApdu Applet::on_command(const CommandApdu& command) {
  if (command.cla == 0x00 && command.ins == ins::kSelect) return select(command);
  if (command.cla == 0x80 && command.ins == ins::kInitializeUpdate)
    return platform_.offer(command, card_.state().platform, kPlatformKeyVersion);
  if (!platform_.is_open()) {
    if (command.cla == 0x84 && command.ins == ins::kExternalAuthenticate)
      return platform_.authenticate(command);
    if (card_.state().platform_required) return {{}, status::kSecurity};
    return plain(command, false);
  }
  auto opened = platform_.open(command);
  if (!opened) return {{}, status::kSecurity};
  return platform_.seal(plain(*opened, true));
}

ResponseApdu Applet::select(const CommandApdu& command) {
  deselect();
  if (command.p1 != 0x04) return {{}, status::kWrongP1P2};
  if (command.data.empty() || equal(command.data, keystore_se05x::kIssuerDomainAid)) return {{}, status::kOk};
  if (!equal(command.data, keystore_se05x::kAppletAid)) return {{}, status::kNotFound};
  selected_ = Selected::applet;
  const auto& version = card_.version;
  return {{version.major, version.minor, version.patch, 0x3F, 0xFF, 0x01, 0x0B}, status::kOk};
}

ResponseApdu Applet::plain(const CommandApdu& command, bool secure) {
  if (selected_ == Selected::issuer)
    return command.ins == ins::kPutKey && secure ? put_key(command)
                                                 : ResponseApdu{{}, status::kUnknownInstruction};
  if (card_.state().locked && command.ins != ins::kManage && command.ins != ins::kProcess)
    return {{}, status::kSecurity};
  if (command.ins == ins::kManage && command.p1 == p1::kDefault && command.p2 == p2::kSessionCreate)
    return create_session(command);
  if (command.ins == ins::kProcess) return in_session(command, secure);
  return run(card_, command, 0, secure);
}

// GlobalPlatform 11.8: three AES keys under the data key, each with its check value; the answer repeats
// those.
ResponseApdu Applet::put_key(const CommandApdu& command) {
  ByteReader in(command.data);
  Bytes answer = {kPlatformKeyVersion};
  std::array<Secret, 3> keys;
  if (in.u8().value_or(0) != kPlatformKeyVersion || command.p1 != kPlatformKeyVersion)
    return {{}, status::kWrongData};
  for (auto& key : keys) {
    const auto head = in.take(3);
    const auto sealed = in.take(16);
    const auto check_size = in.u8();
    const auto check = in.take(3);
    const Bytes expected_head = {0x88, 0x11, 0x10};
    if (!head || !sealed || !check || check_size.value_or(0) != 3 || !equal(*head, expected_head))
      return {{}, status::kWrongData};
    auto opened = card_.state().platform.data.reveal(
        [&](BytesView k) { return crypto_openssl::aes_cbc_decrypt(k, {}, *sealed); });
    if (!opened) return {{}, status::kWrongData};
    crypto_openssl::AesBlock ones;
    ones.fill(1);
    const auto value =
        opened->reveal([&](BytesView k) { return crypto_openssl::aes_encrypt_block(k, ones); });
    if (!value || !equal(BytesView(*value).first(3), *check)) return {{}, status::kWrongData};
    append(answer, *check);
    key = std::move(*opened);
  }
  if (!in.at_end()) return {{}, status::kWrongData};
  card_.state().platform = {std::move(keys[0]), std::move(keys[1]), std::move(keys[2])};
  card_.changed = true;
  if (!card_.commit()) return {{}, status::kFull};
  return {std::move(answer), status::kOk};
}

ResponseApdu Applet::create_session(const CommandApdu& command) {
  TlvReader in(command.data);
  const auto id = in.need_u32(tag::k1);
  if (!id || !in.at_end()) return {{}, status::kWrongData};
  const auto* object = card_.store.find(*id);
  if (object == nullptr || !object->auth || sessions_.size() >= kMaxSessions)
    return {{}, status::kConditions};
  if (object->max_attempts != 0 && object->failed_attempts >= object->max_attempts)
    return {{}, status::kConditions};
  auto session_id = random_bytes(kSessionId);
  sessions_[session_id].user = *id;
  return {one(tag::k1, session_id), status::kOk};
}

ResponseApdu Applet::in_session(const CommandApdu& command, bool secure) {
  TlvReader in(command.data);
  const auto id = in.need(tag::kSession);
  const auto bytes = in.need(tag::k1);
  if (!id || !bytes || !in.at_end()) return {{}, status::kWrongData};
  const auto found = sessions_.find(to_bytes(*id));
  if (found == sessions_.end()) return {{}, status::kSecurity};
  const auto wrapped = keystore_se05x::decode_command(*bytes);
  if (!wrapped) return {{}, status::kLength};
  return inner(found->first, found->second, *wrapped, secure);
}

ResponseApdu Applet::inner(Bytes session_id, Session& session, const CommandApdu& command, bool secure) {
  const auto* user = card_.store.find(session.user);
  if (user == nullptr) return {{}, status::kSecurity};
  const bool has_channel = user->type != ObjectType::user_id;
  if (!has_channel && !session.verified) return verify_user_id(session, command);
  if (has_channel && !session.channel.is_open()) return handshake(session, command);
  CommandApdu opened = command;
  if (has_channel) {
    auto plain_command = session.channel.open(command);
    if (!plain_command) {
      sessions_.erase(session_id);
      return {{}, status::kSecurity};
    }
    opened = std::move(*plain_command);
  }
  if (opened.ins == ins::kManage && opened.p2 == p2::kSessionClose) {
    auto answer = has_channel ? session.channel.seal({{}, status::kOk}) : ResponseApdu{{}, status::kOk};
    sessions_.erase(session_id);
    return answer;
  }
  if (opened.ins == ins::kManage && (opened.p2 == p2::kSessionRefresh || opened.p2 == p2::kSessionPolicy))
    return has_channel ? session.channel.seal({{}, status::kOk}) : ResponseApdu{{}, status::kOk};
  const auto answer = run(card_, opened, session.user, secure || has_channel);
  return has_channel ? session.channel.seal(answer) : answer;
}

ResponseApdu Applet::verify_user_id(Session& session, const CommandApdu& command) {
  auto* user = card_.store.find(session.user);
  if (command.ins != ins::kManage || command.p2 != p2::kSessionUserId) return {{}, status::kSecurity};
  TlvReader in(command.data);
  const auto given = in.need(tag::k1);
  if (!given || !in.at_end()) return {{}, status::kWrongData};
  if (user->max_attempts != 0 && user->failed_attempts >= user->max_attempts)
    return {{}, status::kConditions};
  const bool good = equal_constant_time(*given, user->part(tag::k2));
  // Counted and written before the answer goes out: cutting the power buys no further try.
  const auto failed = good ? 0 : user->failed_attempts + 1;
  if (user->failed_attempts != failed) {
    user->failed_attempts = static_cast<std::uint16_t>(failed);
    card_.changed = true;
    if (!card_.commit()) return {{}, status::kFull};
  }
  session.verified = good;
  return {{}, good ? status::kOk : status::kConditions};
}

ResponseApdu Applet::handshake(Session& session, const CommandApdu& command) {
  const auto* user = card_.store.find(session.user);
  if (user->type == ObjectType::aes) {
    const Secret key(user->part(tag::k3));
    if (command.ins == ins::kInitializeUpdate)
      return session.channel.offer(command, {key.clone(), key.clone(), key.clone()}, 0);
    if (command.cla == 0x84 && command.ins == ins::kExternalAuthenticate)
      return session.channel.authenticate(command);
  }
  if (user->type == ObjectType::ec_public && command.ins == ins::kInternalAuthenticate) {
    const auto* own = card_.store.find(keystore_se05x::object::kEcKeySession);
    if (own != nullptr) return session.channel.agree(command, *user, *own);
  }
  return {{}, status::kSecurity};
}

}  // namespace camvault::se05x_sim
