// A camera's place on a network: shows its identities to a switch or an access point until one is admitted,
// moves to the owner's network when it has an identity of the owner's, and begins again when anything
// changes.
#pragma once

#include <csignal>
#include <functional>
#include <memory>
#include <optional>

#include "camvault/network/identity_order.h"
#include "camvault/network/supplicant.h"
#include "camvault/network/time_policy.h"

namespace camvault::network {

enum class Phase {
  starting,
  no_identity,     // nothing to show
  no_link,         // no cable
  unanswered,      // nobody asks who we are: a network without 802.1X, or none
  authenticating,  // EAP goes on
  provisioning,    // admitted by a factory identity
  production,      // admitted by the owner's
  connected,       // a Wi-Fi network with a passphrase
  refused,         // the network refused what was shown
  server_refused,  // we do not believe the server
  failed,          // wpa_supplicant or the configuration fails
};
std::string_view to_string(Phase phase);  // "no-identity", "server-refused", ...

struct ConnectionState {
  Phase phase = Phase::starting;
  std::optional<Credential> identity;  // that is shown or was admitted
  std::string reason;                  // for people; printable
  std::string server;                  // subject of the server's certificate, once admitted
  bool times_ignored = false;          // the clock is wrong: time_policy.h
  unsigned attempt = 0;                // how many were begun
};

struct ConnectionOptions {
  SupplicantOptions supplicant;
  ServerPolicy server;
  std::optional<WifiNetwork> wifi;
  std::string wifi_key = "camera/wifi";  // the passphrase's name in the keystore
  std::filesystem::path identity_folder;
  std::function<void(const ConnectionState&)> on_change;  // on our thread, for each change
  std::function<void(const ConnectionState&)> on_tick;    // the same, some times a second
};

// Thread-confined. `keystore`, `engine` and `clock` must outlive it.
class Connection {
 public:
  Connection(ConnectionOptions options, std::shared_ptr<keystore::Keystore> keystore,
             const crypto::Engine& engine, const Clock& clock);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Until `*stop` is not 0. Errc::denied without a server policy, Errc::not_found without wpa_supplicant:
  // what does not get better by itself. Refusals of the network do.
  Status run(const volatile std::sig_atomic_t* stop);

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

// The key of a Wi-Fi network from the passphrase that the keystore has: 64 hexadecimal digits, for the
// control socket.
Result<Secret> wifi_key(keystore::Keystore& keystore, std::string_view key_name, BytesView ssid);

// Errc::denied, and why in a sentence, unless the policy names servers and its anchors can be read.
Status check_server_policy(const ServerPolicy& policy, const crypto::Engine& engine);

}  // namespace camvault::network
