#include "evidence_feed.h"

#include <atomic>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "camvault/trust_store/trust_store.h"

namespace camvault::cli {

namespace {
using signed_video::RecordType;

constexpr auto kAttestationInterval = std::chrono::hours(1);  // AX-4.1-3
constexpr std::size_t kAttestationNonce = 16;
constexpr auto kFilePatience = std::chrono::seconds(20);  // for room, while a file is signed

// Asks the keystore for evidence when it is time, on a thread of its own: a slow module holds nobody up.
class Attester {
 public:
  using Deliver = std::function<void(Bytes)>;

  Attester(const crypto::Engine& engine, key_source::AttestKey attest, Deliver deliver)
      : engine_(engine), attest_(std::move(attest)), deliver_(std::move(deliver)) {
    worker_ = std::jthread([this](const std::stop_token& ending) { work(ending); });
  }

  void begin() { wake(); }
  void change(key_source::AttestKey attest) {
    {
      const std::lock_guard lock(mutex_);
      attest_ = std::move(attest);
    }
    wake();
  }
  void signed_at(Timestamp recorded) {
    const std::lock_guard lock(mutex_);
    if (!last_) last_ = recorded;
    if (recorded < *last_ + kAttestationInterval) return;
    last_ = recorded;
    due_ = true;
    changed_.notify_all();
  }
  void stop() {
    worker_.request_stop();
    if (worker_.joinable()) worker_.join();
  }

 private:
  void wake() {
    const std::lock_guard lock(mutex_);
    due_ = true;
    changed_.notify_all();
  }
  void work(const std::stop_token& ending) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, ending, [&] { return due_; })) {
      due_ = false;
      const auto attest = attest_;
      lock.unlock();
      Bytes nonce(kAttestationNonce);
      engine_.random(nonce);
      if (auto all = attest(nonce)) {
        for (auto& each : *all) {
          const signed_video::AttestationRecord record{
              .backend = std::move(each.kind), .nonce = nonce, .evidence = std::move(each.evidence)};
          if (auto encoded = signed_video::encode_record(record)) deliver_(std::move(*encoded));
        }
      }  // without evidence the video says nothing about its key; the next hour brings another try
      lock.lock();
    }
  }

  const crypto::Engine& engine_;
  key_source::AttestKey attest_;
  Deliver deliver_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool due_ = false;
  std::optional<Timestamp> last_;
  std::jthread worker_;  // last: it uses all of the above
};

Result<std::vector<crypto::Certificate>> authorities(const crypto::Engine& engine,
                                                     const EvidenceSettings& settings) {
  std::vector<crypto::Certificate> out;
  for (const auto& file : settings.tsa_anchors) {
    CAM_TRY(const auto found, certificates_from(engine, file));
    out.insert(out.end(), found.begin(), found.end());
  }
  if (!out.empty()) return out;
  const auto folder = settings.trust_store.empty() ? default_trust_store() : settings.trust_store;
  const trust_store::TrustStore store(folder, engine);
  if (!store.exists()) return out;
  CAM_TRY(const auto content, store.load());
  return content.of(trust_store::Kind::tsa);
}
}  // namespace

Result<Ticks> interval_from_text(const std::string& text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(end, text.data() + text.size());
  const std::uint32_t seconds = unit.empty() || unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  if (error != std::errc() || seconds == 0 || number > 86'400 || number * seconds > 86'400)
    return fail(Errc::usage, "an interval is a number of seconds, or like 90s, 5m, 1h; at most 24h");
  return Ticks(std::chrono::seconds(number * seconds));
}

void add_evidence_options(CLI::App& command, EvidenceSettings& s) {
  auto* tsa =
      command
          .add_option(
              "--tsa", s.tsa,
              "time stamp authority (RFC 3161): its word on when signatures existed goes into the video")
          ->type_name("URL");
  command
      .add_option("--tsa-interval", s.tsa_interval,
                  "recorded time between two time stamps: 60s (default), 5m, 1h, ...")
      ->type_name("TIME")
      ->needs(tsa);
  command
      .add_option("--tsa-trust", s.tsa_anchors,
                  "take time stamps of authorities below this certificate only (default: those of your trust "
                  "store, if "
                  "there are any; repeatable)")
      ->type_name("CA.pem")
      ->allow_extra_args(false)
      ->needs(tsa);
  command
      .add_option("--tsa-ca", s.tsa_ca, "for https: trust these authorities instead of the system's (PEM)")
      ->type_name("CA.pem")
      ->needs(tsa);
  command
      .add_option("--tsa-policy", s.tsa_policy,
                  "ask for time stamps under this policy (default: the authority's)")
      ->type_name("OID")
      ->needs(tsa);
  command.add_flag("--no-attestation", s.no_attestation,
                   "leave the keystore's evidence about the key out of the video");
}

class EvidenceFeed::Impl {
 public:
  Status begin(const crypto::Engine& engine, const EvidenceSettings& settings,
               const key_source::SigningIdentity& identity, bool patient) {
    if (!settings.tsa.empty()) {
      authority_client::TimeStamperOptions options;
      CAM_TRY(options.interval, interval_from_text(settings.tsa_interval));
      CAM_TRY(options.authority.anchors, authorities(engine, settings));
      options.authority.server.url = settings.tsa;
      options.authority.server.ca_file = settings.tsa_ca;
      options.authority.policy = settings.tsa_policy;
      if (patient) options.room_patience = kFilePatience;
      CAM_TRY(stamper_, authority_client::TimeStamper::create(
                            engine, std::move(options),
                            [this](const authority_client::Stamped& stamped) { take(stamped); }));
    }
    if (identity.attest && !settings.no_attestation) {
      attester_.emplace(engine, identity.attest,
                        [this](Bytes record) { deliver(RecordType::attestation, std::move(record)); });
    }
    return ok();
  }

  void attach(signed_video::SignerOptions& options) {
    // Supplements carry records: a wish for stamps is one for them; evidence alone does not overrule
    // --no-supplement.
    options.supplement = options.supplement || stamper_ != nullptr;
    if (!options.supplement) return attester_.reset();
    if (!stamper_ && !attester_) return;
    options.on_signature = [this](const signed_video::GopSignature& signature) {
      if (stopped_) return;  // the last signature: nothing comes that could carry its stamp
      const auto recorded = signature.start.value_or(Timestamp());
      if (stamper_) stamper_->offer(signature.signature, recorded);
      if (attester_) attester_->signed_at(recorded);
    };
  }

  void deliver_to(AddRecord add_record) {
    {
      const std::lock_guard lock(mutex_);
      add_record_ = std::move(add_record);
    }
    if (attester_) attester_->begin();
  }

  void key_changed(const key_source::SigningIdentity& identity) {
    if (attester_ && identity.attest) attester_->change(identity.attest);
  }

  void drain(std::chrono::milliseconds patience) {
    if (!stamper_) return;
    // Who failed twice in a row has its chance gone: the file need not wait for the whole patience.
    const auto before = stamper_->counters().failed;
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!stamper_->drain(std::chrono::milliseconds(100)) && std::chrono::steady_clock::now() < deadline) {
      const auto counters = stamper_->counters();
      if (counters.failed >= before + 2 && !counters.last_error.empty()) return;
    }
  }

  void stop() {
    stopped_ = true;
    if (stamper_) stamper_->stop();
    if (attester_) attester_->stop();
    const std::lock_guard lock(mutex_);
    add_record_ = nullptr;
  }

  bool has_time_stamps() const { return stamper_ != nullptr; }
  authority_client::TimeStamper::Counters counters() const {
    return stamper_ ? stamper_->counters() : authority_client::TimeStamper::Counters{};
  }

 private:
  void take(const authority_client::Stamped& stamped) {
    signed_video::TimeStampRecord record;
    std::copy_n(stamped.digest.bytes.begin(), record.signature_sha256.size(),
                record.signature_sha256.begin());
    record.token = stamped.token.der;
    if (auto encoded = signed_video::encode_record(record))
      deliver(RecordType::time_stamp, std::move(*encoded));
  }
  void deliver(RecordType type, Bytes record) {
    const std::lock_guard lock(mutex_);
    // The signer keeps a few until its next signature; what finds no room is lost, and the next one comes.
    if (add_record_) static_cast<void>(add_record_(type, std::move(record)).has_value());
  }

  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  AddRecord add_record_;
  std::unique_ptr<authority_client::TimeStamper> stamper_;
  std::optional<Attester> attester_;
};

Result<std::unique_ptr<EvidenceFeed>> EvidenceFeed::create(const crypto::Engine& engine,
                                                           const EvidenceSettings& settings,
                                                           const key_source::SigningIdentity& identity,
                                                           bool patient) {
  auto impl = std::make_unique<Impl>();
  if (auto begun = impl->begin(engine, settings, identity, patient); !begun) {
    impl->stop();
    return tl::unexpected(std::move(begun).error());
  }
  return std::unique_ptr<EvidenceFeed>(new EvidenceFeed(std::move(impl)));
}

EvidenceFeed::EvidenceFeed(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EvidenceFeed::~EvidenceFeed() {
  impl_->stop();
}
void EvidenceFeed::attach(signed_video::SignerOptions& options) {
  impl_->attach(options);
}
void EvidenceFeed::deliver_to(AddRecord add_record) {
  impl_->deliver_to(std::move(add_record));
}
void EvidenceFeed::key_changed(const key_source::SigningIdentity& identity) {
  impl_->key_changed(identity);
}
void EvidenceFeed::drain(std::chrono::milliseconds patience) {
  impl_->drain(patience);
}
void EvidenceFeed::stop() {
  impl_->stop();
}
bool EvidenceFeed::has_time_stamps() const {
  return impl_->has_time_stamps();
}
authority_client::TimeStamper::Counters EvidenceFeed::time_stamps() const {
  return impl_->counters();
}

std::string EvidenceFeed::summary() const {
  if (!impl_->has_time_stamps()) return {};
  const auto c = impl_->counters();
  auto text = std::to_string(c.stamped) + (c.stamped == 1 ? " time stamp" : " time stamps");
  if (c.failed > 0)
    text += ", " + std::to_string(c.failed) + (c.failed == 1 ? " question failed" : " questions failed");
  if (c.rejected > 0) text += " (" + std::to_string(c.rejected) + " answers refused)";
  if (c.dropped + c.waiting > 0) text += ", " + std::to_string(c.dropped + c.waiting) + " signatures without";
  if (!c.last_error.empty()) text += ": " + c.last_error;
  return text;
}

}  // namespace camvault::cli
