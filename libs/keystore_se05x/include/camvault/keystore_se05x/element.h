// The element behind its channels: link, applet, SCP03 and, if asked for, a session of the applet. Connects
// when first used and again after anything broke.
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "camvault/keystore_se05x/codes.h"
#include "camvault/keystore_se05x/scp03.h"
#include "camvault/keystore_se05x/t1_link.h"

namespace camvault::keystore_se05x {

using OpenBus = std::function<Result<std::unique_ptr<Bus>>()>;
using RandomBytes = std::function<void(std::span<std::uint8_t>)>;

// Who the host is for the applet: the rules of an object's policy name it (AN12413, 3.6).
struct UserIdLogin {
  ObjectId object = 0;
  Secret id;  // 4 to 16 bytes
};
struct AesLogin {
  ObjectId object = 0;
  Secret key;  // 16 or 32 bytes
};
using Login = std::variant<std::monostate, UserIdLogin, AesLogin>;

struct ElementOptions {
  OpenBus open_bus;
  // Without keys everything crosses the bus in clear: only for elements that have no keys yet.
  std::optional<Scp03Keys> platform_keys = std::nullopt;
  Login login = {};
  RandomBytes random;
  LinkTimes times = {};
  Wait wait = sleep_for;
};

struct AppletVersion {
  std::uint8_t major = 0;
  std::uint8_t minor = 0;
  std::uint8_t patch = 0;
  std::uint16_t features = 0;  // what the element was made with, see feature
  bool is_7() const { return major >= 7; }
};

// What may be done with a command whose answer got lost.
enum class Repeat : std::uint8_t {
  safe,   // doing it twice is the same as once: sent again after a new start
  never,  // Errc::unavailable; the caller finds out what happened
};

// Confined to one thread.
class Element {
 public:
  explicit Element(ElementOptions options);
  ~Element();

  // Errc::unavailable: no element, or it vanished; Errc::denied: the channel's keys are wrong; Errc::invalid:
  // an answer that is not the element's. For all of them the next call starts anew.
  Result<Bytes> command(const CommandApdu& command, Repeat repeat);
  Status connect();
  Status ready() { return is_connected() ? ok() : connect(); }
  bool is_connected() const { return link_.has_value(); }
  void disconnect();

  const AppletVersion& version() const { return version_; }  // of the last connection
  bool is_simulator() const { return simulator_; }
  bool has_secure_channel() const { return options_.platform_keys.has_value(); }
  ObjectId user() const;

  // Puts new keys of the platform's channel into the element (PUT KEY) and uses them from now on.
  Status rotate_platform_keys(Scp03Keys keys);

 private:
  Result<ResponseApdu> transmit(const CommandApdu& command);
  Result<ResponseApdu> through_platform(const CommandApdu& command);
  Result<ResponseApdu> in_session(const CommandApdu& command);
  Result<ResponseApdu> once(const CommandApdu& command);
  Status open_platform();
  Status open_session();
  Status select(BytesView application);
  Result<Scp03Session> handshake(const Scp03Keys& keys, std::uint8_t key_version,
                                 const std::function<Result<ResponseApdu>(const CommandApdu&)>& send);

  ElementOptions options_;
  std::unique_ptr<Bus> bus_;
  std::optional<T1Link> link_;
  std::optional<Scp03Session> platform_;
  Bytes session_id_;
  std::optional<Scp03Session> session_;
  AppletVersion version_;
  bool simulator_ = false;
};

// The applet's refusals as errors: not_found, denied, limit, unavailable, usage, unsupported.
Error error_of_status(std::uint16_t status);

}  // namespace camvault::keystore_se05x
