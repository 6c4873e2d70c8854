#include "camvault/network/connection.h"

#include <thread>

#include "camvault/network/link.h"

namespace camvault::network {

namespace {
using std::chrono::milliseconds;
using std::chrono::seconds;
using SteadyClock = std::chrono::steady_clock;

constexpr milliseconds kTick{200};
constexpr seconds kSilence{12};          // then nobody asks who we are; wpa_supplicant has asked three times
constexpr seconds kUnfinished{25};       // a conversation that began and goes nowhere
constexpr milliseconds kPortPause{250};  // what a switch takes for a cable that was pulled out
constexpr seconds kCarrierPatience{5};
constexpr seconds kRestartPause{2};

bool same(const std::vector<Credential>& a, const std::vector<Credential>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Credential& x, const Credential& y) {
    return x.fingerprint == y.fingerprint && x.key == y.key;
  });
}
}  // namespace

class Connection::Loop {
 public:
  Loop(ConnectionOptions options, std::shared_ptr<keystore::Keystore> keystore, const crypto::Engine& engine,
       const Clock& clock)
      : options_(std::move(options)), keystore_(std::move(keystore)), engine_(engine), clock_(clock) {
    options_.supplicant.wifi = options_.wifi.has_value();
  }

  Status run(const volatile std::sig_atomic_t* stop);

 private:
  bool by_passphrase() const { return options_.wifi && options_.wifi->passphrase; }
  bool admitted() const {
    return state_.phase == Phase::provisioning || state_.phase == Phase::production ||
           state_.phase == Phase::connected;
  }

  void report(Phase phase, std::string reason = {});
  SupplicantConfig config() const;
  void load_identities();
  Status begin();
  Status select();
  void restart_port();
  Status pass(milliseconds pause);
  std::string where() const;
  void pass_over_access_point();
  Status on_event(const SupplicantEvent& event);
  Status on_success();
  Status on_failure();
  Status on_tick();
  Status watch_folder();
  Status watch_link();
  Status watch_clock();
  Status answer_passphrase(unsigned network);

  ConnectionOptions options_;
  std::shared_ptr<keystore::Keystore> keystore_;
  const crypto::Engine& engine_;
  const Clock& clock_;

  ConnectionState state_;
  std::optional<Supplicant> supplicant_;
  std::optional<IdentityOrder> order_;
  std::vector<Credential> credentials_;
  std::string left_out_;
  std::string mark_;
  ClockJudgement judged_;
  bool ignore_times_ = false;
  bool link_ = true;
  bool port_is_fresh_ = true;  // the switch waits for us: no need to start the port again

  std::vector<crypto::Certificate> server_chain_;
  std::string server_problem_;
  std::string alert_;
  std::string access_point_;  // the address of the one that is being tried
  std::optional<SteadyClock::time_point> next_try_;
  std::optional<SteadyClock::time_point> return_;
  SteadyClock::time_point selected_;
  SteadyClock::time_point restart_;  // of wpa_supplicant, or of a look for identities
  std::optional<SteadyClock::time_point> asked_;
};

void Connection::Loop::report(Phase phase, std::string reason) {
  const bool waits = phase == Phase::no_identity || phase == Phase::failed;
  if (waits && state_.phase == phase && state_.reason == reason) return;  // it goes on being so
  state_.phase = phase;
  state_.reason = std::move(reason);
  state_.identity = order_ ? std::optional(order_->current()) : std::nullopt;
  state_.times_ignored = ignore_times_;
  state_.server =
      admitted() && !server_chain_.empty() ? harmless(server_chain_.front().subject) : std::string();
  if (options_.on_change) options_.on_change(state_);
}

SupplicantConfig Connection::Loop::config() const {
  SupplicantConfig config;
  config.control_folder = options_.supplicant.folder / "control";
  config.server = options_.server;
  config.wifi = options_.wifi;
  config.ignore_times = ignore_times_;
  for (const auto& credential : credentials_)
    config.identities.push_back({credential.chain, key_uri(credential.key)});
  return config;
}

void Connection::Loop::load_identities() {
  mark_ = chains_mark(options_.identity_folder);
  auto found = find_credentials(options_.identity_folder, *keystore_, engine_, clock_.now());
  credentials_ = std::move(found.usable);
  left_out_.clear();
  for (const auto& sentence : found.left_out)
    left_out_ += (left_out_.empty() ? "" : "; ") + harmless(sentence);
  judged_ = judge_clock(clock_.now(), beginnings({credentials_, {}}));
  ignore_times_ = !judged_.plausible;
  order_.reset();
  if (!credentials_.empty()) order_.emplace(credentials_);
}

// With the identities that are there now.
Status Connection::Loop::begin() {
  if (!by_passphrase()) {
    load_identities();
    if (!order_) {
      supplicant_.reset();
      restart_ = SteadyClock::now() + kRestartPause;
      report(Phase::no_identity,
             left_out_.empty() ? "no certificate in " + options_.identity_folder.string() : left_out_);
      return ok();
    }
  }
  if (supplicant_ && supplicant_->alive()) {
    CAM_TRY_STATUS(supplicant_->reconfigure(config()));
  } else {
    CAM_TRY(supplicant_, Supplicant::start(options_.supplicant, config()));
  }
  return select();
}

void Connection::Loop::restart_port() {
  if (options_.wifi) return;
  // A switch that has refused somebody is deaf for a minute (IEEE 802.1X quietPeriod); a new link is a new
  // beginning for it, and for whoever got an address on the other network.
  const auto& port = options_.supplicant.interface;
  if (!set_up(port, false)) return;
  std::this_thread::sleep_for(kPortPause);
  if (!set_up(port, true)) return;
  const auto deadline = SteadyClock::now() + kCarrierPatience;
  while (!has_carrier(port).value_or(true) && SteadyClock::now() < deadline)
    std::this_thread::sleep_for(milliseconds(10));
}

Status Connection::Loop::select() {
  next_try_.reset();
  return_.reset();
  asked_.reset();
  server_chain_.clear();
  server_problem_.clear();
  alert_.clear();
  access_point_.clear();
  if (!port_is_fresh_) {
    CAM_TRY_STATUS(supplicant_->control().command("DISCONNECT"));
    restart_port();
  }
  port_is_fresh_ = false;
  // What was said until now was said to the previous identity.
  for (;;) {
    CAM_TRY(const auto old, supplicant_->events().next_event(milliseconds(0)));
    if (!old) break;
  }
  ++state_.attempt;
  selected_ = SteadyClock::now();
  CAM_TRY_STATUS(
      supplicant_->control().command("SELECT_NETWORK " + std::to_string(order_ ? order_->index() : 0)));
  report(Phase::authenticating, left_out_);
  return ok();
}

std::string Connection::Loop::where() const {
  return access_point_.empty() ? std::string() : "; access point " + access_point_;
}

// Whoever gives his access point the name of this network, and is heard better, would be chosen again and
// again. wpa_supplicant passes over it for some minutes, unless there is no other.
void Connection::Loop::pass_over_access_point() {
  if (access_point_.empty()) return;
  // Before version 2.10 it did not know the command: then it goes on as it likes.
  static_cast<void>(supplicant_->control().command("BSSID_IGNORE " + access_point_));
  access_point_.clear();
}

// After `pause` the identity that is now the current one. Until then nothing is shown.
Status Connection::Loop::pass(milliseconds pause) {
  pass_over_access_point();
  if (pause.count() == 0) return select();
  CAM_TRY_STATUS(supplicant_->control().command("DISCONNECT"));
  next_try_ = SteadyClock::now() + pause;
  return ok();
}

Status Connection::Loop::on_success() {
  asked_.reset();
  if (by_passphrase()) {
    report(Phase::connected);
    return ok();
  }
  // wpa_supplicant did not look at times, so it is up to us to refuse what is over for sure.
  const auto problem = validity_problem(server_chain_, clock_.now(), judged_);
  if (!problem.empty()) {
    report(Phase::server_refused, problem + where());
    return pass(order_->server_not_believed());
  }
  order_->admitted();
  const auto back = order_->return_after();
  if (back.count() > 0) return_ = SteadyClock::now() + back;
  report(order_->current().kind == IdentityKind::ldevid ? Phase::production : Phase::provisioning,
         back.count() > 0 ? "the owner's identity was refused before" : left_out_);
  return ok();
}

Status Connection::Loop::on_failure() {
  if (next_try_) return ok();  // it is known already
  asked_.reset();
  if (!server_problem_.empty()) {
    report(Phase::server_refused, "the authentication server is not believed: " + server_problem_ + where());
    return pass(order_ ? order_->server_not_believed() : kRestartPause);
  }
  report(Phase::refused,
         "the network refuses this identity" + (alert_.empty() ? std::string() : "; " + alert_) + where());
  return pass(order_ ? order_->refused() : kRestartPause);
}

Status Connection::Loop::answer_passphrase(unsigned network) {
  auto key = wifi_key(*keystore_, options_.wifi_key, options_.wifi->ssid);
  if (!key) {
    report(Phase::failed, "the passphrase's key: " + key.error().what);
    next_try_ = SteadyClock::now() + kRestartPause;
    return supplicant_->control().command("DISCONNECT");
  }
  return supplicant_->control().command("CTRL-RSP-PSK_PASSPHRASE-" + std::to_string(network) + ":", *key);
}

Status Connection::Loop::on_event(const SupplicantEvent& event) {
  switch (event.kind) {
    case EventKind::eap_started:
      server_chain_.clear();
      server_problem_.clear();
      alert_.clear();
      asked_ = SteadyClock::now();
      if (state_.phase == Phase::unanswered) report(Phase::authenticating);
      return ok();
    case EventKind::server_certificate:
      if (!event.certificate.empty() && server_chain_.size() < 8) {
        auto certificate = engine_.certificate_from_der(event.certificate);
        // From the anchor down to its own, which is kept in front.
        if (certificate) server_chain_.insert(server_chain_.begin(), std::move(*certificate));
      }
      return ok();
    case EventKind::server_refused:
      server_problem_ = event.detail.empty() ? "its certificate is not good" : event.detail;
      return ok();
    case EventKind::tls_alert:
      alert_ = event.detail;
      return ok();
    case EventKind::eap_success:
      return on_success();
    case EventKind::eap_failure:
      return on_failure();
    case EventKind::passphrase_wanted:
      return by_passphrase() ? answer_passphrase(event.network) : ok();
    case EventKind::associated:
      if (options_.wifi) access_point_ = event.detail;
      return ok();
    case EventKind::passphrase_differs:
      if (!by_passphrase()) return ok();
      report(Phase::refused,
             "the access point does not know the passphrase, or the camera's is another" + where());
      pass_over_access_point();  // wpa_supplicant pauses, longer each time, and tries again
      return ok();
    case EventKind::connected:
      if (by_passphrase()) return on_success();
      // Back at an access point that remembers the camera (PMKSA caching, IEEE 802.11-2020 12.6.10.3): no
      // EAP, and so nothing else says it. The server is the one of before.
      return options_.wifi && !admitted() && !next_try_ && !server_chain_.empty() && server_problem_.empty()
                 ? on_success()
                 : ok();
    case EventKind::disconnected:
      if (options_.wifi && admitted()) {
        selected_ = SteadyClock::now();
        report(Phase::authenticating, "the access point is gone");
      }
      return ok();
    case EventKind::terminating:
    case EventKind::other:
      return ok();
  }
  return ok();
}

Status Connection::Loop::watch_folder() {
  if (by_passphrase() || chains_mark(options_.identity_folder) == mark_) return ok();
  const auto before = credentials_;
  const auto now = find_credentials(options_.identity_folder, *keystore_, engine_, clock_.now());
  if (!same(before, now.usable)) return begin();
  mark_ = chains_mark(options_.identity_folder);
  return ok();
}

Status Connection::Loop::watch_link() {
  if (options_.wifi) return ok();
  const bool now = has_carrier(options_.supplicant.interface).value_or(link_);
  if (now == link_) return ok();
  link_ = now;
  if (!now) {
    report(Phase::no_link);
    return ok();
  }
  port_is_fresh_ = true;
  return select();
}

Status Connection::Loop::watch_clock() {
  if (!ignore_times_ || by_passphrase()) return ok();
  const auto now = judge_clock(clock_.now(), beginnings({credentials_, {}}));
  if (!now.plausible) return ok();
  judged_ = now;
  ignore_times_ = false;
  const auto problem = admitted() ? validity_problem(server_chain_, clock_.now(), judged_) : std::string();
  if (!problem.empty()) report(Phase::server_refused, "the clock is right now, and " + problem);
  // From now on certificates are judged by it. Who holds stays connected; the others meet the new rules.
  if (!problem.empty() || !admitted()) return begin();
  for (std::size_t i = 0; i < credentials_.size(); ++i) {
    CAM_TRY_STATUS(supplicant_->control().command(
        "SET_NETWORK " + std::to_string(i) +
        " phase1 \"tls_disable_tlsv1_0=1 tls_disable_tlsv1_1=1 tls_disable_tlsv1_3=0\""));
  }
  report(state_.phase, "the clock is right now, and the server's certificate is valid");
  return ok();
}

Status Connection::Loop::on_tick() {
  if (options_.on_tick) options_.on_tick(state_);
  if (!supplicant_ && SteadyClock::now() >= restart_) return begin();  // the keystore may be there now
  CAM_TRY_STATUS(watch_folder());
  if (!supplicant_) return ok();
  CAM_TRY_STATUS(watch_link());
  if (!link_) return ok();
  CAM_TRY_STATUS(watch_clock());
  const auto now = SteadyClock::now();
  if (next_try_ && now >= *next_try_) return select();
  if (return_ && now >= *return_) {
    order_->try_best_again();
    return select();
  }
  if (asked_ && now - *asked_ > kUnfinished) {
    report(Phase::unanswered, "the network asked who we are and then said nothing any more");
    return pass(order_ ? order_->server_not_believed() : kRestartPause);
  }
  if (state_.phase == Phase::authenticating && !asked_ && !next_try_ && now - selected_ > kSilence)
    report(Phase::unanswered,
           options_.wifi ? "no access point answers" : "nobody asks who we are: no 802.1X on this port");
  return ok();
}

Status Connection::Loop::run(const volatile std::sig_atomic_t* stop) {
  if (!by_passphrase()) CAM_TRY_STATUS(check_server_policy(options_.server, engine_));
  if (!options_.wifi) CAM_TRY_STATUS(set_up(options_.supplicant.interface, true));
  CAM_TRY_STATUS(begin());
  while (*stop == 0) {
    auto done = on_tick();
    if (done && supplicant_) {
      auto event = supplicant_->events().next_event(kTick);
      if (event && *event) done = on_event(**event);
      if (!event) done = tl::unexpected(event.error());
    } else if (done) {
      std::this_thread::sleep_for(kTick);
    }
    if (!done || (supplicant_ && !supplicant_->alive())) {
      // It died, or does not answer: another one, soon. Its end has closed the port.
      report(Phase::failed, done ? "wpa_supplicant ended" : done.error().what);
      supplicant_.reset();
      restart_ = SteadyClock::now() + kRestartPause;
    }
  }
  return ok();
}

Connection::Connection(ConnectionOptions options, std::shared_ptr<keystore::Keystore> keystore,
                       const crypto::Engine& engine, const Clock& clock)
    : loop_(std::make_unique<Loop>(std::move(options), std::move(keystore), engine, clock)) {}
Connection::~Connection() = default;

Status Connection::run(const volatile std::sig_atomic_t* stop) {
  return loop_->run(stop);
}

}  // namespace camvault::network
