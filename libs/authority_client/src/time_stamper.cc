#include "camvault/authority_client/time_stamper.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stop_token>
#include <thread>

#include "camvault/crypto_openssl/time_stamp.h"

namespace camvault::authority_client {

class TimeStamper::Impl {
 public:
  Impl(const crypto::Engine& engine, TimeStamperOptions options, Sink sink)
      : engine_(engine), options_(std::move(options)), sink_(std::move(sink)) {
    worker_ = std::jthread([this](const std::stop_token& ending) { work(ending); });
  }

  void offer(BytesView signature, Timestamp recorded) {
    std::unique_lock lock(mutex_);
    if (last_ && recorded < *last_ + options_.interval) return;
    last_ = recorded;
    ++counters_.offered;
    const auto digest = engine_.digest(crypto::HashAlg::sha256, signature);
    if (!gave_up_ && options_.room_patience.count() > 0) {
      gave_up_ = !changed_.wait_for(lock, options_.room_patience,
                                    [&] { return waiting_.size() < kMaxWaiting || ended_; });
    }
    if (waiting_.size() == kMaxWaiting) {
      waiting_.pop_front();
      ++counters_.dropped;
    }
    waiting_.push_back(digest);
    changed_.notify_all();
  }

  bool drain(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return waiting_.empty() && !asking_; });
  }

  void stop() {
    worker_.request_stop();
    if (worker_.joinable()) worker_.join();
  }

  Counters counters() const {
    const std::lock_guard lock(mutex_);
    auto out = counters_;
    out.waiting = waiting_.size() + (asking_ ? 1 : 0);
    return out;
  }

 private:
  void work(const std::stop_token& ending) {
    auto pause = options_.first_pause;
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, ending, [&] { return !waiting_.empty(); }) && !ending.stop_requested()) {
      // The newest speaks for those before it, too; but each gets its own while the authority is there.
      const auto digest = waiting_.front();
      waiting_.pop_front();
      asking_ = true;
      changed_.notify_all();
      lock.unlock();
      const auto token = fetch_time_stamp(engine_, options_.authority, digest);
      if (token) sink_({digest, *token});
      lock.lock();
      asking_ = false;
      if (token) {
        ++counters_.stamped;
        gave_up_ = false;
        counters_.last_error.clear();
        pause = options_.first_pause;
        changed_.notify_all();
        continue;
      }
      ++counters_.failed;
      const auto code = token.error().code;
      if (code == Errc::invalid || code == Errc::malformed) ++counters_.rejected;
      counters_.last_error = token.error().what;
      // Once more later, unless newer ones took its place meanwhile.
      if (waiting_.size() < kMaxWaiting) {
        waiting_.push_front(digest);
      } else {
        ++counters_.dropped;
      }
      changed_.notify_all();
      changed_.wait_for(lock, ending, pause, [] { return false; });
      pause = std::min(pause * 2, options_.longest_pause);
    }
    ended_ = true;
    changed_.notify_all();
  }

  const crypto::Engine& engine_;
  const TimeStamperOptions options_;
  const Sink sink_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<crypto::Digest> waiting_;
  std::optional<Timestamp> last_;
  bool asking_ = false;
  bool ended_ = false;
  bool gave_up_ = false;
  Counters counters_;
  std::jthread worker_;  // last: it uses all of the above
};

Result<std::unique_ptr<TimeStamper>> TimeStamper::create(const crypto::Engine& engine,
                                                         TimeStamperOptions options, Sink sink) {
  CAM_TRY_STATUS(check_url(options.authority.server.url));
  const auto probe = engine.digest(crypto::HashAlg::sha256, {});
  CAM_TRY_STATUS(crypto_openssl::encode_time_stamp_query(crypto::HashAlg::sha256, probe, Bytes{1},
                                                         options.authority.policy));
  if (options.interval < Ticks::zero()) return fail(Errc::usage, "a negative interval between time stamps");
  return std::unique_ptr<TimeStamper>(
      new TimeStamper(std::make_unique<Impl>(engine, std::move(options), std::move(sink))));
}

TimeStamper::TimeStamper(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TimeStamper::~TimeStamper() {
  stop();
}
void TimeStamper::offer(BytesView signature, Timestamp recorded) {
  impl_->offer(signature, recorded);
}
bool TimeStamper::drain(std::chrono::milliseconds patience) {
  return impl_->drain(patience);
}
void TimeStamper::stop() {
  impl_->stop();
}
TimeStamper::Counters TimeStamper::counters() const {
  return impl_->counters();
}

}  // namespace camvault::authority_client
