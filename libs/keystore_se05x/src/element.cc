#include "camvault/keystore_se05x/element.h"

#include <algorithm>

#include "camvault/base/byte_reader.h"
#include "camvault/base/byte_writer.h"
#include "camvault/keystore_se05x/tlv.h"

namespace camvault::keystore_se05x {

namespace {
constexpr std::uint8_t kPlatformKeyVersion = 0x0B;
constexpr std::uint8_t kSelectByName = 0x04;
constexpr std::size_t kKeyDiversification = 10;
constexpr std::size_t kKeyInformation = 3;
constexpr std::size_t kSequenceCounter = 3;
constexpr std::size_t kSessionId = 8;
constexpr std::uint8_t kPutKeyAes = 0x88;
constexpr std::uint8_t kPutKeyMultiple = 0x81;

struct Offer {
  Scp03Challenge challenge;
  Scp03Cryptogram cryptogram;
};

// GlobalPlatform amendment D 7.1.1.6.
Result<Offer> read_offer(BytesView data) {
  ByteReader in(data);
  CAM_TRY_STATUS(in.skip(kKeyDiversification + kKeyInformation));
  Offer out;
  CAM_TRY(const auto challenge, in.take(Scp03Challenge::kSize));
  CAM_TRY(const auto cryptogram, in.take(Scp03Cryptogram::kSize));
  std::copy(challenge.begin(), challenge.end(), out.challenge.value.begin());
  std::copy(cryptogram.begin(), cryptogram.end(), out.cryptogram.value.begin());
  if (!in.at_end()) CAM_TRY_STATUS(in.skip(kSequenceCounter));
  CAM_TRY_STATUS(in.finish());
  return out;
}

Result<AppletVersion> read_version(BytesView data) {
  ByteReader in(data);
  AppletVersion out;
  CAM_TRY(out.major, in.u8());
  CAM_TRY(out.minor, in.u8());
  CAM_TRY(out.patch, in.u8());
  CAM_TRY(out.features, in.u16());
  return out;  // what follows is the version of the secure box
}

Scp03Counting counting_of(const AppletVersion& version) {
  const bool old = version.major < 4 || (version.major == 4 && version.minor < 3);
  return old ? Scp03Counting::commands_with_data : Scp03Counting::every_command;
}

std::string hex_of(std::uint16_t status) {
  const std::uint8_t bytes[] = {static_cast<std::uint8_t>(status >> 8),
                                static_cast<std::uint8_t>(status & 0xFF)};
  return to_hex(bytes);
}
}  // namespace

namespace {
// A bus that failed is an element that is not there: nothing of the caller's is wrong, and it is tried again.
tl::unexpected<Error> not_there(Error error) {
  if (error.code == Errc::io) error.code = Errc::unavailable;
  return tl::unexpected(std::move(error));
}
}  // namespace

Error error_of_status(std::uint16_t code) {
  const auto with = [&](Errc errc, const char* what) {
    return Error{errc, std::string("SE05x: ") + what + " (" + hex_of(code) + ")"};
  };
  switch (code) {
    case status::kNotFound:
      return with(Errc::not_found, "no such object");
    case status::kSecurity:
    case status::kNotAllowed:
    case status::kAuthenticationFailed:
      return with(Errc::denied, "not allowed by policy or session");
    case status::kConditions:
      return with(Errc::usage, "conditions are not met: no such object, or data that does not fit it");
    case status::kFull:
      return with(Errc::limit, "no room in the element");
    case status::kThroughput:
      return with(Errc::unavailable, "the element slows down, try again later");
    case status::kWrongData:
    case status::kLength:
    case status::kWrongP1P2:
    case status::kBadPolicy:
      return with(Errc::usage, "the element does not take these fields");
    case status::kUnknownInstruction:
    case status::kUnknownClass:
      return with(Errc::unsupported, "the element does not have this command");
    default:
      return with(Errc::io, "refused");
  }
}

Element::Element(ElementOptions options) : options_(std::move(options)) {}

Element::~Element() {
  if (link_) static_cast<void>(link_->close().has_value());
}

ObjectId Element::user() const {
  if (const auto* login = std::get_if<UserIdLogin>(&options_.login)) return login->object;
  if (const auto* login = std::get_if<AesLogin>(&options_.login)) return login->object;
  return 0;
}

void Element::disconnect() {
  session_.reset();
  session_id_.clear();
  platform_.reset();
  link_.reset();
  bus_.reset();
}

Status Element::connect() {
  disconnect();
  const auto connected = [&]() -> Status {
    CAM_TRY(bus_, options_.open_bus());
    simulator_ = bus_->is_simulator();
    link_.emplace(*bus_, options_.times, options_.wait);
    CAM_TRY_STATUS(link_->open());
    CAM_TRY_STATUS(select(kAppletAid));
    CAM_TRY_STATUS(open_platform());
    return open_session();
  }();
  if (connected) return ok();
  disconnect();
  return not_there(connected.error());
}

Status Element::select(BytesView application) {
  const CommandApdu command{
      .cla = 0, .ins = ins::kSelect, .p1 = kSelectByName, .data = to_bytes(application), .expects = true};
  CAM_TRY(const auto answer, transmit(command));
  if (!answer.good())
    return fail(Errc::unsupported, "what is on the bus is no SE05x (" + hex_of(answer.status) + ")");
  if (equal(application, kAppletAid)) {
    CAM_TRY(version_, read_version(answer.data));
  }
  return ok();
}

Result<ResponseApdu> Element::transmit(const CommandApdu& command) {
  auto bytes = encode_command(command);
  auto answer = link_->exchange(bytes);
  wipe(bytes.data(), bytes.size());
  if (!answer) return tl::unexpected(std::move(answer).error());
  return decode_response(*answer);
}

Result<ResponseApdu> Element::through_platform(const CommandApdu& command) {
  if (!platform_) return transmit(command);
  CAM_TRY(const auto wrapped, platform_->wrap(command));
  CAM_TRY(const auto answer, transmit(wrapped));
  return platform_->unwrap(answer);
}

Result<Scp03Session> Element::handshake(const Scp03Keys& keys, std::uint8_t key_version,
                                        const std::function<Result<ResponseApdu>(const CommandApdu&)>& send) {
  Scp03Challenge host;
  options_.random(host.value);
  const CommandApdu initialize{
      .ins = ins::kInitializeUpdate, .p1 = key_version, .data = to_bytes(host), .expects = key_version != 0};
  CAM_TRY(const auto answer, send(initialize));
  if (!answer.good()) return tl::unexpected(error_of_status(answer.status));
  CAM_TRY(const auto offer, read_offer(answer.data));
  CAM_TRY(auto session_keys, Scp03SessionKeys::derive(keys, host, offer.challenge));
  CAM_TRY(const auto expected, session_keys.card_cryptogram(host, offer.challenge));
  if (!equal_constant_time(expected, offer.cryptogram))
    return fail(Errc::denied, "the secure channel's keys are not those of this element");
  CAM_TRY(const auto own, session_keys.host_cryptogram(host, offer.challenge));
  const auto counting = key_version == 0 ? Scp03Counting::every_command : counting_of(version_);
  Scp03Session session(std::move(session_keys), counting);
  CAM_TRY(const auto authenticate, session.authenticate(own));
  CAM_TRY(const auto accepted, send(authenticate));
  if (!accepted.good() || !accepted.data.empty())
    return fail(Errc::denied, "the element refuses the secure channel's keys");
  return session;
}

Status Element::open_platform() {
  if (!options_.platform_keys) return ok();
  CAM_TRY(auto session, handshake(*options_.platform_keys, kPlatformKeyVersion,
                                  [this](const CommandApdu& command) { return transmit(command); }));
  platform_ = std::move(session);
  return ok();
}

Status Element::open_session() {
  if (user() == 0) return ok();
  const CommandApdu create{
      .ins = ins::kManage, .p2 = p2::kSessionCreate, .data = TlvWriter().u32(tag::k1, user()).take()};
  CAM_TRY(const auto answer, through_platform(create));
  if (!answer.good()) return tl::unexpected(error_of_status(answer.status));
  TlvReader in(answer.data);
  CAM_TRY(const auto id, in.need(tag::k1));
  CAM_TRY_STATUS(in.finish());
  if (id.size() != kSessionId) return fail(Errc::malformed, "session of another form");
  session_id_ = to_bytes(id);
  if (const auto* login = std::get_if<UserIdLogin>(&options_.login)) {
    CommandApdu verify{.ins = ins::kManage, .p2 = p2::kSessionUserId, .data = {}};
    verify.data = login->id.reveal([](BytesView bytes) { return TlvWriter().put(tag::k1, bytes).take(); });
    const auto verified = in_session(verify);
    wipe(verify.data.data(), verify.data.size());
    if (!verified) return tl::unexpected(verified.error());
    if (!verified->good()) return fail(Errc::denied, "the element refuses the user id");
    return ok();
  }
  const auto& login = std::get<AesLogin>(options_.login);
  const Scp03Keys keys{login.key.clone(), login.key.clone(), login.key.clone()};
  CAM_TRY(auto session,
          handshake(keys, 0, [this](const CommandApdu& command) { return in_session(command); }));
  session_ = std::move(session);
  return ok();
}

// PROCESS carries the session's number and the command, wrapped for the session if it has a channel.
Result<ResponseApdu> Element::in_session(const CommandApdu& command) {
  CommandApdu inner = command;
  if (session_) {
    CAM_TRY(inner, session_->wrap(command));
  }
  inner.expects = false;
  auto bytes = encode_command(inner);
  CommandApdu process{.ins = ins::kProcess,
                      .data = TlvWriter().put(tag::kSession, session_id_).put(tag::k1, bytes).take(),
                      .extended = true,
                      .expects = true};
  auto answer = through_platform(process);
  wipe(bytes.data(), bytes.size());
  wipe(process.data.data(), process.data.size());
  if (!answer || !session_) return answer;
  return session_->unwrap(*answer);
}

Result<ResponseApdu> Element::once(const CommandApdu& command) {
  return user() != 0 ? in_session(command) : through_platform(command);
}

namespace {
// What an element answers that has started anew and knows no channel and no session any more. The command had
// no effect.
bool may_have_restarted(std::uint16_t code) {
  return code == status::kSecurity || code == status::kUnknownInstruction || code == status::kUnknownClass;
}
}  // namespace

Result<Bytes> Element::command(const CommandApdu& command, Repeat repeat) {
  const bool was_connected = is_connected();
  if (!was_connected) {
    CAM_TRY_STATUS(connect());
  }
  auto answer = once(command);
  const bool again = !answer || (was_connected && may_have_restarted(answer->status));
  if (again) {
    const bool lost = !answer;
    const auto why = answer ? Error{} : answer.error();
    CAM_TRY_STATUS(connect());
    if (lost && repeat == Repeat::never) return not_there(why);
    answer = once(command);
  }
  if (!answer) {
    disconnect();
    return not_there(answer.error());
  }
  if (!answer->good()) return tl::unexpected(error_of_status(answer->status));
  return std::move(answer->data);
}

Status Element::rotate_platform_keys(Scp03Keys keys) {
  if (!options_.platform_keys) return fail(Errc::usage, "without the present keys there are no new ones");
  const auto& present = *options_.platform_keys;
  const auto size = present.encryption.size();
  if (size != 16 || keys.encryption.size() != size || keys.authentication.size() != size ||
      keys.data.size() != size)
    return fail(Errc::unsupported, "only keys of 16 bytes are exchanged");
  disconnect();
  CAM_TRY(bus_, options_.open_bus());
  link_.emplace(*bus_, options_.times, options_.wait);
  CAM_TRY_STATUS(link_->open());
  CAM_TRY_STATUS(select(kAppletAid));  // tells the version
  CAM_TRY_STATUS(select(kIssuerDomainAid));
  CAM_TRY_STATUS(open_platform());
  ByteWriter data;
  Bytes checks = {kPlatformKeyVersion};
  data.u8(kPlatformKeyVersion);
  crypto_openssl::AesBlock ones;
  ones.fill(1);
  for (const auto* key : {&keys.encryption, &keys.authentication, &keys.data}) {
    CAM_TRY(const auto sealed, present.data.reveal([&](BytesView over) {
      return key->reveal([&](BytesView k) { return crypto_openssl::aes_cbc_encrypt(over, {}, k); });
    }));
    CAM_TRY(const auto check,
            key->reveal([&](BytesView k) { return crypto_openssl::aes_encrypt_block(k, ones); }));
    data.u8(kPutKeyAes);
    data.u8(static_cast<std::uint8_t>(size + 1));
    data.u8(static_cast<std::uint8_t>(size));
    data.raw(sealed);
    data.u8(3);
    data.raw(BytesView(check).first(3));
    append(checks, BytesView(check).first(3));
  }
  const CommandApdu put{.ins = ins::kPutKey,
                        .p1 = kPlatformKeyVersion,
                        .p2 = kPutKeyMultiple,
                        .data = data.take(),
                        .expects = true};
  const auto answer = through_platform(put);
  disconnect();
  if (!answer) return tl::unexpected(answer.error());
  if (!answer->good()) return tl::unexpected(error_of_status(answer->status));
  options_.platform_keys = std::move(keys);
  if (!equal(answer->data, checks)) return fail(Errc::invalid, "the element took other keys than were sent");
  return ok();
}

}  // namespace camvault::keystore_se05x
