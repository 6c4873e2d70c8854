#include "mqtt.h"

#include <mosquitto.h>

#include <deque>
#include <utility>

#include "camvault/base/owned.h"
#include "pause.h"

namespace camvault::cloud {

namespace {
using Client = Owned<mosquitto, mosquitto_destroy>;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kInFlight = 16;  // messages that the broker has not acknowledged
constexpr std::chrono::seconds kAnswerPatience{20};

class MqttPublisher final : public Publisher {
 public:
  MqttPublisher(const Profile& profile, Device device, const tls::Context& context, Queue& queue)
      : profile_(profile), device_(std::move(device)), context_(context), queue_(queue) {}

  Status prepare() {
    static const int kReady = mosquitto_lib_init();
    CAM_TRY(const auto id, client_id(profile_, device_));
    CAM_TRY(const auto user, username(profile_, device_));
    CAM_TRY_STATUS(topic(profile_, device_, "t"));  // what the certificate cannot fill in is known now
    client_.reset(mosquitto_new(id.c_str(), true, this));
    auto* client = client_.get();
    const bool good =
        kReady == MOSQ_ERR_SUCCESS && client != nullptr &&
        mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V311) == MOSQ_ERR_SUCCESS &&
        mosquitto_int_option(client, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0) == MOSQ_ERR_SUCCESS &&
        mosquitto_void_option(client, MOSQ_OPT_SSL_CTX, context_.native_handle()) == MOSQ_ERR_SUCCESS &&
        (user.empty() || mosquitto_username_pw_set(client, user.c_str(), nullptr) == MOSQ_ERR_SUCCESS);
    if (!good) return fail(Errc::internal, "libmosquitto does not take our settings");
    mosquitto_connect_callback_set(client, [](mosquitto*, void* self, int code) {
      static_cast<MqttPublisher*>(self)->on_connect(code);
    });
    mosquitto_disconnect_callback_set(client, [](mosquitto*, void* self, int code) {
      static_cast<MqttPublisher*>(self)->on_disconnect(code);
    });
    mosquitto_publish_callback_set(client, [](mosquitto*, void* self, int id_of_message) {
      static_cast<MqttPublisher*>(self)->on_delivered(id_of_message);
    });
    return ok();
  }

  Status run(const std::function<bool(const Progress&)>& done) override {
    while (!done(progress_)) {
      if (!open_) {
        const int code = mosquitto_connect(client_.get(), profile_.host.c_str(), profile_.port,
                                           static_cast<int>(profile_.keepalive.count()));
        open_ = code == MOSQ_ERR_SUCCESS;
        if (!open_) on_trouble(code);
        greeting_until_ = SteadyClock::now() + kAnswerPatience;
      }
      if (open_) {
        const int code = mosquitto_loop(client_.get(), static_cast<int>(kStep.count()), 1);
        if (code != MOSQ_ERR_SUCCESS) on_disconnect(code);
      }
      if (open_ && !progress_.connected && SteadyClock::now() > greeting_until_) {
        mosquitto_disconnect(client_.get());
        on_disconnect(MOSQ_ERR_KEEPALIVE);
      }
      if (progress_.connected) {
        pause_.reset();
        CAM_TRY_STATUS(publish_some());
      }
      CAM_TRY_STATUS(std::exchange(removal_, ok()));
      if (!open_) wait_unless(done, progress_, pause_.next());
    }
    if (open_) mosquitto_disconnect(client_.get());
    open_ = progress_.connected = false;
    return ok();
  }

 private:
  struct Sent {
    int id = 0;
    std::uint64_t number = 0;
    bool delivered = false;
  };

  void on_connect(int code) {
    if (code == 0) {
      progress_.connected = true;
      progress_.verdict.reset();
      progress_.trouble.clear();
    } else {
      progress_.trouble = std::string("the broker refuses: ") + mosquitto_connack_string(code);
    }
  }

  // In TLS 1.3 a client learns only after the handshake that its certificate is not wanted: by an alert, by
  // the end of the connection, or by a reset when it was faster with its own first words.
  bool hung_up(int code, int system) const {
    return !progress_.connected && (code == MOSQ_ERR_CONN_LOST || code == MOSQ_ERR_PROTOCOL ||
                                    (code == MOSQ_ERR_ERRNO && (system == ECONNRESET || system == EPIPE)));
  }

  // libmosquitto keeps OpenSSL's reason to itself; what our own policy says we know.
  void on_trouble(int code) {
    const int system = errno;
    const auto reason = context_.last_refusal();
    progress_.verdict.reset();
    if (hung_up(code, system)) {
      progress_.trouble = "the broker hung up before it said anything: it may not take our certificate";
    } else if (code == MOSQ_ERR_TLS && !reason.empty()) {
      progress_.verdict = Errc::invalid;
      progress_.trouble = "the server is not believed: " + reason;
    } else if (code == MOSQ_ERR_TLS) {
      progress_.trouble = "TLS: one side does not accept the other's certificate, secret or suites";
    } else {
      progress_.trouble =
          code == MOSQ_ERR_ERRNO && system != 0 ? errno_text(system) : mosquitto_strerror(code);
    }
  }

  void on_disconnect(int code) {
    if (code != MOSQ_ERR_SUCCESS && (progress_.trouble.empty() || hung_up(code, errno))) on_trouble(code);
    open_ = progress_.connected = false;
    // Sent and not acknowledged: they are sent again, from the queue.
    sent_.clear();
    last_taken_ = 0;
  }

  // Out of the queue only when everything before it is: what is left after a crash is in order.
  void on_delivered(int id) {
    for (auto& sent : sent_) {
      if (sent.id == id) sent.delivered = true;
    }
    while (!sent_.empty() && sent_.front().delivered) {
      if (auto removed = queue_.remove(sent_.front().number); !removed) removal_ = std::move(removed);
      sent_.pop_front();
      ++progress_.delivered;
    }
  }

  Status publish_some() {
    while (sent_.size() < kInFlight) {
      CAM_TRY(const auto next, queue_.next_after(last_taken_));
      if (!next) break;
      int id = 0;
      CAM_TRY(const auto where, topic(profile_, device_, next->message.topic));
      const auto& payload = next->message.payload;
      const int code = mosquitto_publish(client_.get(), &id, where.c_str(), static_cast<int>(payload.size()),
                                         payload.data(), 1, false);
      if (code != MOSQ_ERR_SUCCESS) break;  // the loop says why
      last_taken_ = next->number;
      sent_.push_back({id, next->number});
    }
    return ok();
  }

  const Profile profile_;
  const Device device_;
  const tls::Context& context_;
  Queue& queue_;
  Client client_;
  Progress progress_;
  Pause pause_;
  bool open_ = false;
  SteadyClock::time_point greeting_until_;
  std::deque<Sent> sent_;
  std::uint64_t last_taken_ = 0;
  Status removal_ = ok();
};
}  // namespace

Result<std::unique_ptr<Publisher>> make_mqtt_publisher(const Profile& profile, const Device& device,
                                                       const tls::Context& context, Queue& queue) {
  auto publisher = std::make_unique<MqttPublisher>(profile, device, context, queue);
  CAM_TRY_STATUS(publisher->prepare());
  return std::unique_ptr<Publisher>(std::move(publisher));
}

}  // namespace camvault::cloud
