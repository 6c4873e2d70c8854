#include "worker.h"

namespace camvault::keystore_tpm2 {

Worker::~Worker() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wanted_.notify_all();
  thread_.join();
}

void Worker::start() {
  std::call_once(started_, [this] { thread_ = std::thread([this] { serve(); }); });
}

void Worker::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_.wait(lock, [&] { return stopped_ || looking_; });
    if (stopped_) return;
    lock.unlock();
    {
      const std::lock_guard alone(tpm_mutex_);
      note(attempt<void>(Repeat::safe, [](Tpm& tpm) { return tpm.refresh_lockout(); }));
    }
    lock.lock();
    looking_ = false;
  }
}

Status Worker::open() {
  if (tpm_ != nullptr) return ok();
  auto opened = Tpm::open(where_);
  if (!opened) {
    note(tl::unexpected(opened.error()));
    return fail(Errc::unavailable, opened.error().what);
  }
  tpm_ = std::move(*opened);
  note(ok());
  return ok();
}

void Worker::close(const std::string& why) {
  tpm_.reset();
  note(fail(Errc::unavailable, why));
}

// With tpm_mutex_ held.
void Worker::note(const Status& status) {
  const std::lock_guard lock(mutex_);
  if (tpm_ != nullptr) facts_ = tpm_->facts();
  health_.usable = status.has_value();
  health_.detail = status ? "ready" : status.error().what;
  if (status && facts_.in_lockout) {
    health_.detail =
        "ready; in dictionary attack lock-out, which does not concern keys made here (a wrong try is "
        "forgotten every " +
        std::to_string(facts_.lockout_seconds) + " s)";
  }
  health_.module = facts_.description;
}

void Worker::look() {
  start();
  {
    const std::lock_guard lock(mutex_);
    looking_ = true;
  }
  wanted_.notify_one();
}

TpmFacts Worker::facts() const {
  const std::lock_guard lock(mutex_);
  return facts_;
}

keystore_engine::Health Worker::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

}  // namespace camvault::keystore_tpm2
